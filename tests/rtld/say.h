/* What test programs say: no C library, so that only the dynamic linker is compared. `say` is the program's, by the
 * calls of its system (say_linux.c, say_service.c); libraries are bound to it. */
#ifndef SAY_H
#define SAY_H

void say(const char *text);
long is_mapped(const void *address);

static inline void say_value(const char *name, long value)
{
    char line[128], *at = line + sizeof line;
    unsigned long rest = value < 0 ? -(unsigned long)value : (unsigned long)value;
    *--at = 0;
    *--at = '\n';
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    *--at = ' ';
    unsigned long length = 0;
    while (name[length])
        length++;
    while (length)
        *--at = name[--length];
    say(at);
}

#define WEAK __attribute__((weak))
#define HIDDEN __attribute__((visibility("hidden")))
#define PROTECTED __attribute__((visibility("protected")))
#define CONSTRUCTOR __attribute__((constructor))
#define DESTRUCTOR __attribute__((destructor))
#define NOINLINE __attribute__((noinline))
#endif
