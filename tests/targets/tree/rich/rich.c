#include "rich.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "plain.h"

_Thread_local int level = 5;
static _Thread_local int ticket = 100;
static _Thread_local _Alignas(64) char block[64] = {1};
static _Thread_local char zeros[200];

int optional_hook(void) __attribute__((weak));

static int ready;

__attribute__((constructor)) static void prepare(void)
{
    ready = operations[0].function(*address_of_calls(), 2);
}

__attribute__((destructor)) static void finish(void)
{
    puts("destructor");
    fflush(stdout);
}

static int compare(const void *a, const void *b)
{
    return *(const int *)b - *(const int *)a;
}

int (*const compare_backwards)(const void *, const void *) = compare;

size_t aligned_local(void)
{
    return (uintptr_t)block % 64 + (size_t)zeros[ticket % 100];
}

int next_ticket(void)
{
    return ticket++;
}

int hook(void)
{
    return optional_hook ? optional_hook() : -1;
}

int prepared(void)
{
    return ready;
}
