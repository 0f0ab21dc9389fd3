/* C functions that entry.S calls: the kernel's, or the conformance kernel's. */
#ifndef X86_64_ENTRY_H
#define X86_64_ENTRY_H
#include "cpu.h"

/* Paging is on by the boot loader's hand-over; `start_info` is the physical address of PVH's start info. */
void kernel_main(uint32_t start_info);
/* From a thread in user mode, whose frame is given; the frame to go on with. */
struct frame *system_call_handle(struct frame *frame);
struct frame *trap_from_user(struct frame *frame);
/* From the kernel itself, which waits for an interrupt, or is wrong. */
void trap_from_kernel(struct frame *frame);
#endif
