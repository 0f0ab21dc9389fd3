/* A library of the Linux program: thread-local data, and a call back into libc. */
#include <stdio.h>

static __thread int calls = 40;

const char *greet(const char *who, char *text, int size)
{
    calls += 2;
    snprintf(text, size, "Hello, %s", who);
    return text;
}

int calls_so_far(void)
{
    return calls;
}
