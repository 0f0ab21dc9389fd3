/* Found before musl's own file of this name, which it is in front of: calls that are cancellation points are made by a function
 * that gets their number, so here is where it is known which they are (posix/groups.h). */
#ifndef PRIVATE_SYSCALL_H
#define PRIVATE_SYSCALL_H
#include <posix/groups.h>

#include_next <syscall.h>

#undef __syscall_cp0
#undef __syscall_cp1
#undef __syscall_cp2
#undef __syscall_cp3
#undef __syscall_cp4
#undef __syscall_cp5
#undef __syscall_cp6
#undef __socketcall
#undef __socketcall_cp
#define cancellable(n, a, b, c, d, e, f) \
    (posix_needs(n), (__syscall_cp)(n, __scc(a), __scc(b), __scc(c), __scc(d), __scc(e), __scc(f)))
#define __syscall_cp0(n) cancellable(n, 0, 0, 0, 0, 0, 0)
#define __syscall_cp1(n, a) cancellable(n, a, 0, 0, 0, 0, 0)
#define __syscall_cp2(n, a, b) cancellable(n, a, b, 0, 0, 0, 0)
#define __syscall_cp3(n, a, b, c) cancellable(n, a, b, c, 0, 0, 0)
#define __syscall_cp4(n, a, b, c, d) cancellable(n, a, b, c, d, 0, 0)
#define __syscall_cp5(n, a, b, c, d, e) cancellable(n, a, b, c, d, e, 0)
#define __syscall_cp6(n, a, b, c, d, e, f) cancellable(n, a, b, c, d, e, f)
#define __socketcall(name, a, b, c, d, e, f) __syscall(SYS_##name, a, b, c, d, e, f)
#define __socketcall_cp(name, a, b, c, d, e, f) __syscall_cp(SYS_##name, a, b, c, d, e, f)
#endif
