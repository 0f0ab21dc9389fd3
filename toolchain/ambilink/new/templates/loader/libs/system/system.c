/* With Linux's system calls, as the test runs there: put those of your system in their place. */
#include <loaderkit/program.h>
#include <system.h>

static const struct start_info *start_info;

void system_begin(const struct start_info *info)
{
    start_info = info;
}

static long call(long number, uint64_t a, uint64_t b, uint64_t c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

void system_print(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    call(1, 1, (uint64_t)(uintptr_t)text, length);
}

_Noreturn void system_exit(int status)
{
    for (;;)
        call(231, (uint64_t)status, 0, 0);
}

/* Compilers call it for thread-local variables of libraries. */
void *__tls_get_addr(const uint64_t index[2])
{
    uint64_t thread_pointer;
    __asm__("movq %%fs:0, %0" : "=r"(thread_pointer));
    return program_tls_address(start_info, thread_pointer, index[0], index[1]);
}
