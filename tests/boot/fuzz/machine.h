/* The kernel's portable parts as a program of the development machine: what takes the processor's place. */
#ifndef FUZZ_MACHINE_H
#define FUZZ_MACHINE_H
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#define MEMORY_START 0x100000ull
#define MEMORY_SIZE (24ull << 20)
#define IMAGE_START MEMORY_START /* a run of frames such as the boot image's */
#define IMAGE_PAGES 4

/* Where a machine goes on that has no thread to run, or ended. */
extern jmp_buf machine_over;

/* Before anything else of the kernel: frames, the table of the kernel's half. */
void machine_start(void);
/* No page of the image was compared yet; the last one is damaged. */
void machine_forget_image(void);
/* Where the next page fault is. */
extern uint64_t machine_fault_address;
#endif
