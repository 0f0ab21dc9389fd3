/* What libc's system calls become. Numbers, arguments and negative error numbers are Linux' for the target,
 * because those are what musl was written for; the README lists which calls do what. */
#ifndef POSIX_SYSTEM_CALL_H
#define POSIX_SYSTEM_CALL_H

long posix_system_call(long number, long a, long b, long c, long d, long e, long f);
#endif
