/* What test programs say, and how they start: no C library, so that only the dynamic linker is compared. */
#ifndef SAY_H
#define SAY_H

static inline long system_call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

static inline void say(const char *text)
{
    long length = 0;
    while (text[length])
        length++;
    system_call(1, 1, (long)text, length);
}

static inline void say_value(const char *name, long value)
{
    char digits[24], *at = digits + sizeof digits;
    unsigned long rest = value < 0 ? -(unsigned long)value : (unsigned long)value;
    *--at = 0;
    *--at = '\n';
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    say(name);
    say(" ");
    say(at);
}

#define WEAK __attribute__((weak))
#define HIDDEN __attribute__((visibility("hidden")))
#define PROTECTED __attribute__((visibility("protected")))
#define CONSTRUCTOR __attribute__((constructor))
#define DESTRUCTOR __attribute__((destructor))
#define NOINLINE __attribute__((noinline))

/* Programs define this, and include START. The second is what the linker asks to be called at the end. */
#ifdef PROGRAM
void test(void);
__attribute__((used)) static void run(void (*finish)(void))
{
    test();
    if (finish)
        finish();
    system_call(231, 0, 0, 0);
}
__asm__(".globl _start\n_start:\n xor %ebp, %ebp\n mov %rdx, %rdi\n and $-16, %rsp\n call run\n");
#endif
#endif
