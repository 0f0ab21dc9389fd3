/* Addresses and selectors that assembly, linker script and C share. */
#ifndef KERNEL_LAYOUT_H
#define KERNEL_LAYOUT_H

#define KERNEL_BASE 0xffffffff80000000 /* physical 0 in the kernel's image mapping */
#define DIRECT_BASE 0xffff800000000000 /* physical 0 in the map of all memory */
#define AREA_BASE 0xffffffffc0000000 /* kernel addresses of memory that need not be contiguous */
#define AREA_END 0xfffffffffffff000
#define KERNEL_LOAD 0x100000

#define SELECTOR_KERNEL_CODE 0x08
#define SELECTOR_KERNEL_DATA 0x10
#define SELECTOR_USER_DATA 0x1b
#define SELECTOR_USER_CODE 0x23
#define SELECTOR_TASK 0x28

#define VECTOR_TIMER 32
#define VECTOR_SYSTEM_CALL 256 /* in a frame: entered by the instruction syscall */

/* Offsets into struct cpu (cpu.h). */
#define CPU_FRAME_END 0
#define CPU_STACK 8
#define CPU_SCRATCH 16
#define CPU_SMAP 24

#endif
