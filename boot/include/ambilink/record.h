/* What the kernel leaves for a reader of the machine's memory: processes, threads, mappings.
 *
 * The kernel symbol `kernel_record` names the only instance. A reader (the verifying tool, a debugger)
 * finds it through the symbol table of the boot image and follows kernel virtual addresses: those at or
 * above kernel_base are physical address + kernel_base, those at or above direct_base are physical
 * address + direct_base. The structures below are prefixes of the kernel's own.
 *
 * The kernel relocates itself. `kernel_placed`, an instruction of its boot code, is at the address of its symbol always: when
 * the CPU comes there, kernel_base and `moved` are set. All other functions then run at their symbol's address plus `moved`.
 *
 * A machine that can stop at an address stops at the kernel function `process_begins`: a process is then as
 * its linker left it, and has not run. It stops at `life_changes` when `kernel_lives` has one instant more. A debugger stops
 * at `code_mapped(page table, address, physical address)`, which is called when pages of the boot image became executable:
 * so it learns which file lies where, whatever linked it.
 */
#ifndef AMBILINK_RECORD_H
#define AMBILINK_RECORD_H
#include <ambilink/abi.h>

#define RECORD_MAGIC 0x3344524f43455241 /* "ARECORD3" */

enum thread_state {
    THREAD_READY,
    THREAD_SLEEPING,
    THREAD_CALLING,        /* in call: no receiver took the message yet */
    THREAD_AWAITING_REPLY, /* in call: the receiver has not answered */
    THREAD_RECEIVING,
    THREAD_DEAD,
    THREAD_READING,        /* waits for a key */
    THREAD_WAITING         /* waits for a word of memory */
};

struct thread_record {
    uint64_t next;          /* struct thread_record, the next of the same process; 0 ends */
    uint64_t number;
    uint64_t state;         /* enum thread_state */
    uint64_t endpoint;      /* struct endpoint_record that the thread waits for, or 0 */
    uint64_t operation;     /* word[0] of the pending call */
    uint64_t request;       /* its struct message, a user address */
    uint64_t frame;         /* struct frame of the machine's cpu.h: user registers when the thread entered the kernel last */
};

struct process_record {
    uint64_t next;          /* all processes, newest first */
    uint64_t number;
    char name[PROCESS_NAME_MAX];
    uint64_t state;         /* PROCESS_ALIVE, PROCESS_EXITED, PROCESS_FAULTED */
    int64_t exit_status;
    uint64_t page_table;    /* physical address of the top-level table; 0: it ended, and others needed the memory */
    uint64_t threads;       /* struct thread_record, newest first */
    uint64_t life;          /* struct process_life; 0: the table was full */
};

struct endpoint_record {
    uint64_t server;        /* struct process_record that received last, or created it */
};

struct kernel_record {
    uint64_t magic;
    uint64_t kernel_base;
    uint64_t direct_base;
    uint64_t processes;     /* struct process_record */
    uint64_t image_address; /* physical address of the archive */
    uint64_t image_size;    /* bytes; 0 before the image was found */
    uint64_t frames_total;  /* page frames that the kernel may hand out */
    uint64_t frames_used;
    uint64_t context_switches;
    uint64_t system_calls;
    uint64_t ready_instant; /* nanoseconds since boot when the verdict was given */
    uint64_t beginning;     /* struct process_record, while the CPU is in `process_begins` */
    uint64_t moved;         /* to be added to the addresses of its symbols: it runs elsewhere at each boot */
};

/* The kernel symbol `kernel_lives`: the course of a boot, also of processes that are gone. */
#define LIVES_MAGIC 0x3230534556494c41 /* "ALIVES02" */
#define LIVES_MAX 256

enum life_event {
    LIFE_CREATED, /* it is an empty address space */
    LIFE_BEGUN,   /* its first thread may run: what was to be linked from outside is linked */
    LIFE_READY,   /* a thread of it asked for a request */
    LIFE_ENDED,
    LIFE_EVENTS
};

struct process_life {
    uint64_t number;
    char name[PROCESS_NAME_MAX];
    uint64_t state;                /* as in process_record, at the last event */
    int64_t exit_status;
    uint64_t instant[LIFE_EVENTS]; /* counts of the timer since boot; 0: not reached */
};

struct kernel_lives {
    uint64_t magic;
    uint64_t capacity;
    uint64_t frequency; /* counts of the timer in a second */
    uint64_t count;     /* processes that were created, also those that found no room here */
    uint64_t changing;  /* the instant that was kept last, while the CPU is in `life_changes` */
    struct process_life life[LIVES_MAX];
};
#endif
