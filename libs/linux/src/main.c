/* The process of a Linux program begins here: the kernel mapped the program, its interpreter if it has one, and this. */
#include <ambilink/start.h>
#include <rtld/self.h>
#include <system/call.h>
#include <system/start.h>

#include "calls.h"
#include "internal.h"
#include "invoke.h" /* the target's */
#include "signals.h"

#define PAGE_MASK ((uint64_t)AMBILINK_PAGE_SIZE - 1)

extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char _end[] __attribute__((visibility("hidden")));

void linux_call_entry(void);

const char *linux_program, *linux_path;

static const struct start_info *read_stack(const uint64_t *stack)
{
    const struct start_info *info = NULL;
    const uint64_t *at = stack + stack[0] + 2;
    linux_program = stack[0] ? (const char *)stack[1] : "?";
    while (*at++)
        ;
    for (; at[0] != AT_NULL; at += 2)
        if (at[0] == AT_START)
            info = (const struct start_info *)at[1];
        else if (at[0] == AT_EXECFN)
            linux_path = (const char *)at[1];
    return info;
}

/* Its own RELRO. */
static void protect_itself(uint64_t base, handle_t self)
{
    const struct elf_header *header = (const struct elf_header *)base;
    const struct elf_segment *segments = (const struct elf_segment *)(base + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        if (segments[i].p_type != PT_GNU_RELRO)
            continue;
        const uint64_t start = (base + segments[i].p_vaddr) & ~PAGE_MASK;
        const uint64_t end = (base + segments[i].p_vaddr + segments[i].p_memsz) & ~PAGE_MASK;
        if (end > start && sys_process_protect(self, start, end - start, PROT_READ_ONLY | PROT_FINAL) != STATUS_OK)
            sys_process_exit(STATUS_CORRUPT);
    }
}

__attribute__((visibility("hidden"))) void linux_main(const uint64_t *stack, const struct elf_dynamic *dynamic)
{
    const uint64_t base = (uint64_t)__ehdr_start;
    relocate_self(base, dynamic);
    const struct start_info *info = read_stack(stack);
    if (!info || info->magic != START_MAGIC)
        sys_process_exit(STATUS_CORRUPT);
    protect_itself(base, info->handle[START_HANDLE_SELF]);
    sys_set_start_info(info);
    signal_begin();
    invoke(SYS_CALL_ENTRY, (uint64_t)linux_call_entry, base, (uint64_t)_end - base, 0, 0, 0);
}
