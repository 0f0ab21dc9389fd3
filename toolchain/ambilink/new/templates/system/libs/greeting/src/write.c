#include <greeting/greeting.h>
#include <stdio.h>

size_t greeting_write(char text[GREETING_MAX], const char *name, size_t length)
{
    if (length > GREETING_NAME_MAX)
        length = GREETING_NAME_MAX;
    return (size_t)snprintf(text, GREETING_MAX, "Hello, %.*s!", (int)length, name);
}
