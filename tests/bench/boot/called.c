/* The functions that calls.c refers to. */
#include "calls.h"

#define DEFINE(number)             \
    int function_##number(int given) \
    {                              \
        return given + 1;          \
    }
THOUSAND(DEFINE)
