/* A call that is not here, on the console. */
#include <string.h>

#include "calls.h"
#include "internal.h"

#define NUMBERS 512 /* Linux has fewer calls */
#define ERROR_OUTPUT 2

static unsigned char reported[NUMBERS];

static char *append_part(char *at, const char *end, const char *text, size_t size)
{
    while (size-- && at < end)
        *at++ = *text++;
    return at;
}

static char *append(char *at, const char *end, const char *text)
{
    return append_part(at, end, text, strlen(text));
}

static char *append_number(char *at, const char *end, unsigned long number)
{
    char digits[24], *first = digits + sizeof digits - 1;
    *first = 0;
    do
        *--first = (char)('0' + number % 10);
    while (number /= 10);
    return append(at, end, first);
}

void linux_report_missing(long number)
{
    char text[160], *const end = text + sizeof text - 1, *at = text;
    const unsigned long place = (unsigned long)number < NUMBERS ? (unsigned long)number : NUMBERS - 1;
    size_t length;
    const char *name = linux_call_name(number, &length);
    if (__atomic_exchange_n(&reported[place], 1, __ATOMIC_RELAXED))
        return;
    at = append(at, end, "linux: ");
    at = append(at, end, linux_program);
    at = append(at, end, ": call ");
    at = append_number(at, end, (unsigned long)number);
    if (name) {
        at = append(at, end, ", ");
        at = append_part(at, end, name, length);
        at = append(at, end, ",");
    }
    at = append(at, end, " is not there: ENOSYS");
    *at++ = '\n';
    file_write(ERROR_OUTPUT, text, (unsigned long)(at - text));
}
