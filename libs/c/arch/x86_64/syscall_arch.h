/* musl's system calls become calls of one function in libposix. Found before musl's own file of this name. */
#include <posix/groups.h>
#include <posix/system_call.h>

#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

static inline __attribute__((always_inline)) long __syscall0(long n)
{
    posix_needs(n);
    return posix_system_call(n, 0, 0, 0, 0, 0, 0);
}

static inline __attribute__((always_inline)) long __syscall1(long n, long a)
{
    posix_needs(n);
    return posix_system_call(n, a, 0, 0, 0, 0, 0);
}

static inline __attribute__((always_inline)) long __syscall2(long n, long a, long b)
{
    posix_needs(n);
    return posix_system_call(n, a, b, 0, 0, 0, 0);
}

static inline __attribute__((always_inline)) long __syscall3(long n, long a, long b, long c)
{
    posix_needs(n);
    return posix_system_call(n, a, b, c, 0, 0, 0);
}

static inline __attribute__((always_inline)) long __syscall4(long n, long a, long b, long c, long d)
{
    posix_needs(n);
    return posix_system_call(n, a, b, c, d, 0, 0);
}

static inline __attribute__((always_inline)) long __syscall5(long n, long a, long b, long c, long d, long e)
{
    posix_needs(n);
    return posix_system_call(n, a, b, c, d, e, 0);
}

static inline __attribute__((always_inline)) long __syscall6(long n, long a, long b, long c, long d, long e, long f)
{
    posix_needs(n);
    return posix_system_call(n, a, b, c, d, e, f);
}

#define IPC_64 0
