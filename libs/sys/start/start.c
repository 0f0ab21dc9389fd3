/* Start of a program, linked into each. A static program that the kernel placed relocates itself here; one
 * that a linker placed finds that done (START_LINKED). Until then nothing may be called or read that needs
 * a relocation, so the work is done on the stack alone. */
#include <ambilink/start.h>
#include <rtld/self.h>
#include <stddef.h>
#include <system/call.h>
#include <system/start.h>

#define PAGE_MASK ((uint64_t)AMBILINK_PAGE_SIZE - 1)

extern const char __ehdr_start[] __attribute__((visibility("hidden"), weak));

/* In libc; starts constructors, main and exit. */
_Noreturn void libc_start(int (*main)(int, char **, char **), uint64_t *stack);

/* What a call by way of the PLT leads to may be looked up when it is made, by functions that do not work yet. An address is
 * bound when the program is linked; the compiler must not see that it is called. */
#define BOUND(function)                   \
    ({                                    \
        __typeof(&(function)) at_ = &(function); \
        __asm__("" : "+r"(at_));          \
        at_;                              \
    })

static void protect_relro(uint64_t base, const struct elf_segment *segments, uint64_t count, handle_t self)
{
    for (uint64_t i = 0; i < count; i++) {
        if (segments[i].p_type != PT_GNU_RELRO)
            continue;
        uint64_t start = (base + segments[i].p_vaddr) & ~PAGE_MASK;
        uint64_t end = (base + segments[i].p_vaddr + segments[i].p_memsz) & ~PAGE_MASK;
        int64_t status = end > start ? sys_process_protect(self, start, end - start, PROT_READ_ONLY | PROT_FINAL) : STATUS_OK;
        if (status != STATUS_OK)
            sys_process_exit(status); /* nothing can be written yet: the status says why */
    }
}

__attribute__((visibility("hidden"))) _Noreturn void start_program(uint64_t *stack, int (*main)(int, char **, char **),
                                                                 const struct elf_dynamic *dynamic)
{
    const struct start_info *info = NULL;
    const struct elf_segment *segments = NULL;
    uint64_t segment_count = 0;
    uint64_t *at = stack + stack[0] + 2;
    while (*at++)
        ;
    for (; at[0] != AT_NULL; at += 2) {
        if (at[0] == AT_START)
            info = (const struct start_info *)at[1];
        else if (at[0] == AT_PHDR)
            segments = (const struct elf_segment *)at[1];
        else if (at[0] == AT_PHNUM)
            segment_count = at[1];
    }
    if (!info || info->magic != START_MAGIC)
        sys_process_exit(STATUS_CORRUPT);
    if (!(info->flags & START_LINKED)) {
        /* A static PIE is linked at 0, and has a dynamic section; ET_EXEC lies where it was linked. */
        uint64_t base = dynamic ? (uint64_t)__ehdr_start : 0;
        if (dynamic)
            relocate_self(base, dynamic);
        protect_relro(base, segments, segment_count, info->handle[START_HANDLE_SELF]);
    }
    BOUND(sys_set_start_info)(info);
    BOUND(libc_start)(main, stack);
    __builtin_unreachable();
}
