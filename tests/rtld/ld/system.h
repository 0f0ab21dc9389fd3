/* The few system calls of Linux on x86-64 that the test linker makes. */
#ifndef LD_SYSTEM_H
#define LD_SYSTEM_H
#include <stddef.h>
#include <stdint.h>

#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_PRIVATE 2
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define CLONE_THREAD_FLAGS 0x3d0f00 /* VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, CHILD_CLEARTID */
#define ARCH_SET_FS 0x1002

enum { SYS_WRITE = 1, SYS_OPEN, SYS_CLOSE, SYS_FSTAT = 5, SYS_MMAP = 9, SYS_MPROTECT, SYS_MUNMAP, SYS_ARCH_PRCTL = 158,
       SYS_FUTEX = 202, SYS_EXIT_GROUP = 231 };

static inline int64_t system_call(int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    int64_t result;
    register uint64_t r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

/* NULL: refused. */
static inline void *system_map(uint64_t address, uint64_t size, int protection, int flags, int file, uint64_t offset)
{
    int64_t result = system_call(SYS_MMAP, address, size, (uint64_t)protection, (uint64_t)flags, (uint64_t)file, offset);
    return result < 0 && result > -4096 ? NULL : (void *)result;
}

static inline void system_unmap(void *address, uint64_t size)
{
    system_call(SYS_MUNMAP, (uint64_t)address, size, 0, 0, 0, 0);
}

static inline void system_say(const char *text)
{
    uint64_t length = 0;
    while (text[length])
        length++;
    system_call(SYS_WRITE, 2, (uint64_t)text, length, 0, 0, 0);
}

static inline _Noreturn void system_exit(int status)
{
    for (;;)
        system_call(SYS_EXIT_GROUP, (uint64_t)status, 0, 0, 0, 0, 0);
}
#endif
