#include <greeting/greeting.h>

const char *greeting(void)
{
    return "Good morning.";
}
