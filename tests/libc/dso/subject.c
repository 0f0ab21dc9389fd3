/* A library that subjects open: thread-local data with alignments and values. */
#include <stdint.h>

int subject_number = 1;
static __thread _Alignas(64) char by_64 = 64;
static __thread char odd = 3;
static __thread _Alignas(4096) long by_4096;
static __thread long values[3] = {4, 5, 6}, zeros[50];

int subject_add(int more)
{
    return subject_number += more;
}

/* As each thread finds them first. */
long subject_wrong_alignment(void)
{
    return (long)((uintptr_t)&by_64 % 64 | (uintptr_t)&by_4096 % 4096) | (by_64 != 64) | (odd != 3) | (by_4096 != 0);
}

long subject_wrong_values(void)
{
    long wrong = values[0] != 4 || values[2] != 6;
    for (int i = 0; i < 50; i++)
        wrong |= zeros[i]++;
    values[0] = values[2] = 0;
    return wrong;
}
