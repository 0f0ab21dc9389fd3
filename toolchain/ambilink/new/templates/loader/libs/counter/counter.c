#include <counter.h>
#include <system.h>

static int constructed;
static _Thread_local int calls = 41; /* of a count that goes on */

__attribute__((constructor)) static void construct(void)
{
    system_print("counter: constructed\n");
    constructed++;
}

int counter_next(void)
{
    return 1000 * constructed + ++calls;
}
