/* Fern, a small kernel that knows nothing of Ambilink. One processor, no timer: processes run until they call. */
#ifndef KERNEL_H
#define KERNEL_H
#define FERN_KERNEL
#include <fern/call.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE 0xffffffff80000000ull
#define USER_LOW 0x100000ull
#define USER_TOP 0x00007ffffffff000ull

static inline void *at(uint64_t physical)
{
    return (void *)(BASE + physical);
}

/* cpu.c */
struct frame {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t vector, error, rip, cs, flags, rsp, ss;
};
#define USER_CODE 0x23
#define USER_DATA 0x1b
void cpu_init(void);
void cpu_set_space(uint64_t space);
void cpu_set_thread_pointer(uint64_t pointer);
void cpu_put(char c);
_Noreturn void cpu_halt(void);
void trap(struct frame *frame);
_Noreturn void resume(struct frame *frame);

/* memory.c: page frames, and address spaces. */
void memory_init(uint64_t from, uint64_t to);
uint64_t memory_free(void);
uint64_t frame_take(void);     /* zeroed; 0: none */
void frame_give(uint64_t frame);

enum { PAGE_WRITABLE = 1, PAGE_EXECUTABLE = 2, PAGE_LENT = 4 /* not the process' own: never given back */ };
uint64_t space_make(void);     /* 0: no memory */
void space_end(uint64_t space);
bool space_map(uint64_t space, uint64_t address, uint64_t frame, unsigned rights);
/* The frame at an address of a process, and its rights; 0: none. */
uint64_t space_find(uint64_t space, uint64_t address, unsigned *rights);
/* Its page table entry goes; what was there, 0: nothing. */
uint64_t space_unmap(uint64_t space, uint64_t address, unsigned *rights);
/* The first unused range from `address` on, with an unused page behind it; 0: none. */
uint64_t space_room(uint64_t space, uint64_t address, uint64_t size);
/* Copy between the kernel and a process; false: not mapped, or not writable. */
bool space_read(uint64_t space, uint64_t address, void *to, uint64_t size);
bool space_write(uint64_t space, uint64_t address, const void *from, uint64_t size);

/* multiboot.c */
struct module {
    uint64_t start, size; /* physical */
    char name[FERN_NAME_MAX];
    bool boots;           /* the kernel starts it itself: the rest of its command line is "boot" */
};
#define MODULES_MAX 32
extern struct module modules[MODULES_MAX];
extern unsigned module_count;
/* Fills in the modules; the end of memory, and *used, where what the boot loader left ends. */
uint64_t multiboot_read(uint64_t information, uint64_t *used);

/* process.c */
#define PROCESSES_MAX 16
struct process {
    enum { FREE, MADE, READY, WAITS, ASKS, ASKED, ENDED } state; /* ASKED: the loader knows of it */
    bool is_loader, faulted;
    char name[FERN_NAME_MAX];
    int64_t status;
    uint64_t space, thread_pointer, event; /* event: where the waiting loader wants it */
    struct fern_question question;
    struct frame frame;
    _Alignas(16) uint8_t vectors[512];
};
extern struct process processes[PROCESSES_MAX];
extern struct process *current;
int process_make(const char *name); /* its number; negative: no memory */
void process_end(struct process *process, int64_t status, bool faulted);
void process_free(struct process *process);
struct process *process_find(uint64_t number);
void process_start(struct process *process, const struct fern_thread *thread);
/* Hand the loader what it waits for, if there is anything. */
void process_tell(void);
/* Switch to one that can run, in `frame`. */
void process_next(struct frame *frame);

/* program.c: static ET_EXEC only. */
bool program_start(const struct module *module);

/* call.c */
void call_dispatch(struct frame *frame);

/* log.c: lines of the kernel's, and what processes write; each begins with its console: ESC [ name ]. */
void log_text(const char *console, const char *text, size_t size);
void log_line(const char *text, const char *name, uint64_t value);
_Noreturn void panic(const char *text, uint64_t value);

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *text);
#endif
