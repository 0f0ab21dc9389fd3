/* syscall(): a program that calls by number may call anything. */
#include <errno.h>
#include <posix/groups.h>
#include <posix/system_call.h>
#include <stdarg.h>

long syscall(long number, ...)
{
    long arguments[6];
    va_list list;
    POSIX_NEEDS_ALL();
    va_start(list, number);
    for (unsigned i = 0; i < sizeof arguments / sizeof *arguments; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    long result = posix_system_call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
    if (result >= 0 || result < -4095)
        return result;
    errno = (int)-result;
    return -1;
}
