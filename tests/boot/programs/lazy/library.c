/* What main.c calls. */
#include "many.h"

#include <stdarg.h>

#define DEFINE(number)          \
    int many_##number(int given) \
    {                           \
        return given + number;  \
    }
ALL(DEFINE)

#define DEFINE_WIDE(letter)                                                                                                   \
    struct seen see_##letter(long a, long b, long c, long d, long e, long f, double p, double q, double r, double s, double t, \
                             double u, double v, double w, long x, double y)                                                  \
    {                                                                                                                         \
        return (struct seen){{a, b, c, d, e, f, x}, {p, q, r, s, t, u, v, w, y}};                                             \
    }
WIDE(DEFINE_WIDE)

/* Weak, so that the compiler does not take its call for one of this very function. */
__attribute__((weak)) int own_or_libs(void)
{
    return 1;
}

int calls_own_or_libs(void)
{
    return own_or_libs();
}

int twice(int given)
{
    return 2 * given;
}

int (*where_twice_is(void))(int)
{
    return twice;
}

static int choices;

static int choice(void)
{
    return 7;
}

static int (*choose(void))(void)
{
    choices++;
    return choice;
}

int chosen(void) __attribute__((ifunc("choose")));

int chosen_count(void)
{
    return choices;
}

int sum(int count, ...)
{
    va_list list;
    double all = 0;
    va_start(list, count);
    while (count-- > 0)
        all += va_arg(list, double) * va_arg(list, int);
    va_end(list);
    return (int)all;
}

int never_called(void)
{
    return 0;
}

int early(void)
{
    return 3;
}

int late(void)
{
    return 4;
}

int last(void)
{
    return 5;
}

int in_handler(void)
{
    return 6;
}

__asm__(".globl kept\n"
        ".type kept, @function\n"
        "kept:\n"
        "  mov %r10, %rax\n"
        "  ret\n");
