/* Takes more than a GiB at once, and uses its ends and what is between its parts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIB (1ul << 30)
#define SIZE (GIB + (1ul << 20))
#define STEP (32ul << 20)

static void *volatile taken;

int main(void)
{
    unsigned char *bytes = taken = malloc(SIZE);
    unsigned wrong = 0;
    if (!bytes) {
        puts("malloc failed");
        return 1;
    }
    for (unsigned long at = 0; at < SIZE; at += STEP)
        bytes[at] = (unsigned char)(at / STEP);
    for (unsigned long at = 0; at < SIZE; at += STEP)
        wrong += bytes[at] != (unsigned char)(at / STEP) || bytes[at + 1];
    memset(bytes + GIB - 100000, 5, 200000);
    wrong += bytes[GIB - 1] != 5 || bytes[GIB + 1] != 5 || bytes[SIZE - 1];
    printf("wrong: %u\n", wrong);
    return 0;
}
