/* A lock: 0 free, 1 held, 2 held and awaited. */
#include <system/call.h>

#include "internal.h"

void lock_take(volatile int *lock)
{
    int found = 0;
    if (__atomic_compare_exchange_n(lock, &found, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(lock, 2, __ATOMIC_ACQUIRE))
        sys_futex_wait((const void *)lock, 2, 0, 0);
}

void lock_release(volatile int *lock)
{
    if (__atomic_exchange_n(lock, 0, __ATOMIC_RELEASE) == 2)
        sys_futex_wake((const void *)lock, 1, 0);
}
