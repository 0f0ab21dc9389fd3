/* The peer: the same in C. */
#include <stdio.h>

int main(void)
{
    printf("%s %d\n", "hello", 42);
}
