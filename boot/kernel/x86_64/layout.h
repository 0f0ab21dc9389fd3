/* Addresses and selectors that assembly, linker script and C share. */
#ifndef KERNEL_LAYOUT_H
#define KERNEL_LAYOUT_H

#define KERNEL_LOAD 0x100000 /* physical; the kernel is linked for that */
#define BOOT_DATA_LOAD 0x101000
#define BOOT_TABLES_LOAD 0x106000

/* Where it runs, and the rest of its half, is chosen at each boot (memory/page_table.h): entries of the top-level
 * table. */
#define DIRECT_FIRST 256
#define DIRECT_COUNT 64 /* and as many behind, 32 TiB, for a large memory */
#define KERNEL_FIRST 384
#define KERNEL_COUNT 127

#define STACK_SIZE 16384 /* of the kernel's, and of the coroutine's */

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
