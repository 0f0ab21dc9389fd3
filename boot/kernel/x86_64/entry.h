/* Ways into the kernel, and out of it: entry.S, and the C functions that it calls, which are the kernel's or the
 * conformance kernel's. */
#ifndef X86_64_ENTRY_H
#define X86_64_ENTRY_H
#include "cpu.h"

/* For cpu_init. */
extern const char trap_stubs[], system_call_entry[], kernel_stack_end[];

/* Go on in user mode. */
_Noreturn void frame_resume(struct frame *frame);

/* Paging is on, and the first 4 GiB are at their physical addresses, for which the kernel is linked. `information` is
 * the physical address of what the boot loader hands over: by Multiboot2 if `magic` is its number, else PVH's start
 * info. Ends with page_table_init, whose result it returns: what it leaves in memory is relocated with the kernel, so
 * that it must not keep addresses of the kernel's own. */
uint64_t kernel_place(uint32_t information, uint32_t magic);
/* Then, at the addresses where the kernel stays. */
void kernel_main(void);
/* From a thread in user mode, whose frame is given; the frame to go on with. */
struct frame *system_call_handle(struct frame *frame);
struct frame *trap_from_user(struct frame *frame);
/* From the kernel itself, which waits for an interrupt, or is wrong. */
void trap_from_kernel(struct frame *frame);
#endif
