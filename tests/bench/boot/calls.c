/* Refers to a thousand functions, and calls as many as its argument says. */
#include <stdlib.h>

#include "calls.h"

#define DECLARE(number) int function_##number(int);
THOUSAND(DECLARE)

#define CALL(number)                      \
    if (called == wanted)                 \
        return 0;                         \
    called = function_##number(called);

int main(int count, char **arguments)
{
    int wanted = count > 1 ? atoi(arguments[1]) : 0, called = 0;
    THOUSAND(CALL)
    return called != wanted;
}
