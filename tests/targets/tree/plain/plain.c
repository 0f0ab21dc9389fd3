#include "plain.h"

int calls = 40;

int add(int a, int b)
{
    calls++;
    return a + b;
}

static int multiply(int a, int b)
{
    calls++;
    return a * b;
}

__attribute__((weak)) int power(int a, int b)
{
    int result = 1;
    while (b-- > 0)
        result *= a;
    return result;
}

const struct operation operations[3] = {{"add", add}, {"multiply", multiply}, {"power", power}};

int *address_of_calls(void)
{
    return &calls;
}
