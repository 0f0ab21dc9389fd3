#include "kernel.h"

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    void *start = to;
    size_t words = size / 8;
    size %= 8;
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
    return start;
}

void *memset(void *to, int value, size_t size)
{
    void *start = to;
    size_t words = size / 8;
    size %= 8;
    uint64_t all = (uint8_t)value * 0x0101010101010101ull;
    __asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(all) : "memory");
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(all) : "memory");
    return start;
}

int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left, *b = right;
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

void kernel_main(uint64_t information)
{
    uint64_t used, end = multiboot_read(information, &used);
    cpu_init();
    memory_init(used, end);
    log_line("fern: started, free page frames:", "", memory_free());
    for (unsigned i = 0; i < module_count; i++) {
        if (!modules[i].boots)
            continue;
        if (!program_start(&modules[i]))
            panic("a module that boots is no program", i);
        /* The first one may manage processes. */
        struct process *process = process_find(0);
        process->is_loader = true;
    }
    struct frame frame;
    process_next(&frame);
    resume(&frame);
}
