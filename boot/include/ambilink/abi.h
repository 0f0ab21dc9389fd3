/* The kernel's interface to programs: system calls, handles, rights, messages, status values.
 *
 * Included by the kernel, by C code of services and by assembly (which sees the numbers only).
 * boot/README.md documents each call. A call's number goes in the machine's system call register, up
 * to six arguments in the argument registers; the result is a non-negative value or a negative status.
 */
#ifndef AMBILINK_ABI_H
#define AMBILINK_ABI_H

#include <ambilink/page.h>

/* Status values. */
#define STATUS_OK 0
#define STATUS_INVALID (-1)     /* an argument breaks a rule of the call */
#define STATUS_BAD_HANDLE (-2)  /* no such handle, or one of another kind */
#define STATUS_NO_RIGHT (-3)    /* the handle lacks a right that the call needs, or W+X was asked for */
#define STATUS_NO_MEMORY (-4)   /* no free page frame */
#define STATUS_BAD_ADDRESS (-5) /* a pointer leads outside the caller's mappings */
#define STATUS_OVERLAP (-6)     /* the address range, or the place of a process' watcher, is taken; or a range is not mapped as a whole */
#define STATUS_PEER_GONE (-7)   /* the process that had to answer is gone */
#define STATUS_LIMIT (-8)       /* the table of handles of a process is full: it has 2,720 entries */
#define STATUS_TOO_LONG (-9)    /* a message's data does not fit into the receiver's buffer */
#define STATUS_FAULTED (-10)    /* exit status of a process that the kernel ended for a fault */
#define STATUS_NOT_FOUND (-11)  /* never from the kernel: services answer it */
#define STATUS_CORRUPT (-12)    /* a checksum or a format does not hold */
#define STATUS_TIMED_OUT (-13)   /* the time came before what was waited for */
#define STATUS_CHANGED (-14)     /* the word has another value: there is nothing to wait for */
#define STATUS_INTERRUPTED (-15) /* the wait was interrupted (SYS_THREAD_SIGNAL) */

/* Rights of a handle. */
#define RIGHT_READ 0x001      /* memory: map readable */
#define RIGHT_WRITE 0x002     /* memory: map writable */
#define RIGHT_EXECUTE 0x004   /* memory: map executable */
#define RIGHT_DUPLICATE 0x008 /* any: make another handle */
#define RIGHT_TRANSFER 0x010  /* any: send in a message, grant to a process */
#define RIGHT_CALL 0x020      /* endpoint: call */
#define RIGHT_RECEIVE 0x040   /* endpoint: receive */
#define RIGHT_MANAGE 0x080    /* process: map, protect, start threads, grant handles, end; system: start services */
#define RIGHT_LOG 0x100       /* system: write to the kernel's log */
#define RIGHT_POWER 0x200     /* system: end the machine */
#define RIGHT_INPUT 0x400     /* system: take keys */
#define RIGHT_WATCH 0x800     /* process: get a notice of its end. Handles of a process to itself do not carry it */
#define RIGHT_MINT 0x1000     /* endpoint, memory: make handles with a badge. Only a handle without one has this right */
#define RIGHT_SIGNAL 0x2000   /* endpoint: set bits of its next message of the kernel */
#define RIGHTS_ALL 0x3fff

/* MEMORY_CREATE's third argument for memory whose pages come, and are paid for, when they are touched; added to it, the bytes
 * at its end that are there at once. Touching a page for which the payer has too little left is a fault. */
#define MEMORY_GROWS 1

/* System calls. */
#define SYS_HANDLE_CLOSE 0
#define SYS_HANDLE_DUPLICATE 1
#define SYS_MEMORY_CREATE 2
#define SYS_MEMORY_SIZE 3
#define SYS_PROCESS_CREATE 4
#define SYS_PROCESS_GRANT 5
#define SYS_PROCESS_MAP 6
#define SYS_PROCESS_UNMAP 7
#define SYS_PROCESS_PROTECT 8
#define SYS_PROCESS_WATCH 9
#define SYS_PROCESS_EXIT 10
#define SYS_THREAD_CREATE 11
#define SYS_THREAD_EXIT 12
#define SYS_THREAD_SET_TLS 13
#define SYS_THREAD_YIELD 14
#define SYS_THREAD_SLEEP 15
#define SYS_ENDPOINT_CREATE 16
#define SYS_CALL 17
#define SYS_RECEIVE 18
#define SYS_REPLY 19
#define SYS_CLOCK 20
#define SYS_LOG_WRITE 21
#define SYS_MACHINE_EXIT 22
#define SYS_IMAGE_CHECK 23
#define SYS_SERVICE_START 24
#define SYS_PROCESS_MAP_ALL 25
#define SYS_INPUT_READ 26
#define SYS_MACHINE_COUNTS 27
#define SYS_PROCESS_NUMBER 28
#define SYS_FUTEX_WAIT 29
#define SYS_FUTEX_WAKE 30
#define SYS_FUTEX_REQUEUE 31
#define SYS_THREAD_EXIT_WORD 32
#define SYS_THREAD_NUMBER 33
#define SYS_SIGNAL_ENTRY 34
#define SYS_SIGNAL_MASK 35
#define SYS_SIGNAL_RETURN 36
#define SYS_THREAD_SIGNAL 37
#define SYS_THREAD_PRIORITY 38
#define SYS_PROCESS_PRIORITY 39
#define SYS_FUTEX_LOCK 40
#define SYS_FUTEX_UNLOCK 41
#define SYS_FUTEX_LIST 42
#define SYS_THREAD_NAME 43
#define SYS_ENDPOINT_JOIN 44
#define SYS_ENDPOINT_SIGNAL 45
#define SYS_PROCESS_SIGNAL 46
#define SYS_SIGNAL_STACK 47
#define SYS_CALL_ENTRY 48
#define SYS_INPUT_WATCH 49

#define PRIORITY_ASK 0xffffffff /* SYS_THREAD_PRIORITY changes nothing */
#define PRIORITY_MAX 31 /* above 0, which shares the CPU by budgets, a thread runs before all of lower ones */

#define SIGNAL_MAX 64 /* signals are 1 to this; signal n is bit n - 1 of a mask */
/* How SYS_SIGNAL_MASK changes the signals that a thread does not take now. */
#define SIGNAL_BLOCK 0
#define SIGNAL_UNBLOCK 1
#define SIGNAL_SET 2
#define SIGNAL_WAIT 3 /* as SIGNAL_SET, until one is taken, for which the call waits */
#define SIGNAL_PENDING 4 /* nothing changes; the word gets those that were sent and not taken */
#define SIGNAL_ACCEPT 5  /* wait for one of the mask, which is not taken, but the call's result */
#define SIGNAL_REGISTERS 18
#define SIGNAL_STACK_ASK 0xffffffffffffffff /* as a size: SYS_SIGNAL_STACK changes nothing */

/* How a word is named that threads wait for. */
#define FUTEX_SHARED 1  /* by its place in the memory object, for all processes that have that; else by its address */
/* Bits of a lock's word: others wait for it; its owner died; and the number of its owner. */
#define FUTEX_WAITERS 0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_OWNER 0x3fffffffu
#define FUTEX_COMPARE 2 /* SYS_FUTEX_REQUEUE: only while the word has the value */

/* The badge of a handle to memory: so many pages from this one on are all that it reaches, and offsets count from there. */
#define MEMORY_PART(page, pages) ((uint64_t)(page) << 32 | (uint32_t)(pages))

#define CLOCK_SINCE_BOOT 0 /* nanoseconds since the kernel started */
#define CLOCK_WALL 1       /* nanoseconds since 1970-01-01 00:00 UTC */
#define CLOCK_PROCESS 2    /* nanoseconds that the process' threads ran, since a process first asked for such a time */
#define CLOCK_THREAD 3     /* that the running thread ran, likewise */

/* Verdicts for SYS_MACHINE_EXIT: the values that reach the debug-exit port. */
#define VERDICT_PASS 0x10
#define VERDICT_FAIL 0x11

#define MAP_REQUESTS_MAX 64 /* of one SYS_PROCESS_MAP_ALL */

#define MESSAGE_WORDS 6
#define MESSAGE_HANDLES 4
#define MESSAGE_DATA_MAX 65536
#define PROCESS_NAME_MAX 32 /* bytes, the closing NUL included */
#define THREAD_NAME_MAX 16  /* likewise */

/* word[0] of a message that the kernel sends to the endpoint that watches a process (SYS_PROCESS_WATCH). */
#define MESSAGE_PROCESS_EXITED 0xffffffffffffff01
/* word[0] of a message of SYS_ENDPOINT_SIGNAL; word[1]: the bits that were set since the one before. */
#define MESSAGE_SIGNALLED 0xffffffffffffff02
/* word[0] of the message, with the badge of SYS_ENDPOINT_JOIN, that no handle may call the joined endpoint any more. */
#define MESSAGE_NO_CALLERS 0xffffffffffffff03
/* An exit status that is no program's: with the number of the signal that ended it. */
#define EXIT_BY_SIGNAL 0x100000000
#define PROCESS_ALIVE 0 /* states of a process; word[1] of that message */
#define PROCESS_EXITED 1
#define PROCESS_FAULTED 2

#define PROCESS_LOWEST_ADDRESS 0x10000
#define PROCESS_HIGHEST_ADDRESS 0x00007ffffffff000 /* first address beyond user space */

#ifndef __ASSEMBLER__
#include <stdint.h>

typedef uint32_t handle_t; /* 0 is no handle */

/* One mapping of SYS_PROCESS_MAP_ALL: what SYS_PROCESS_MAP is given. */
struct map_request {
    uint64_t offset, size, address; /* address: not 0 */
    handle_t memory;
    uint32_t prot;
};

/* What the machine has in use, of SYS_MACHINE_COUNTS. When what died is gone (`ending` is 0), the same use gives the
 * same counts, exactly. */
struct machine_counts {
    uint64_t frames, frames_used; /* page frames that the kernel may hand out */
    uint64_t pieces;              /* small objects of the kernel's */
    uint64_t handles;             /* in all processes */
    uint64_t ending;              /* ends that were begun and are not done */
};

/* What lies on a thread's stack when it takes a signal, and what SYS_SIGNAL_RETURN restores. */
struct signal_frame {
    uint64_t signal; /* 0: a fault of its own */
    uint64_t mask;   /* what it did not take before. Until it changes that, it takes none */
    uint64_t vector, error, address; /* of the fault, as the machine says it; of a signal error is 1
                                        where it ended a wait, and address is what came with it (0: nothing) */
    uint64_t registers[SIGNAL_REGISTERS]; /* x86-64: r15 to r8, rbp rdi rsi rdx rcx rbx rax, then rip, flags, rsp */
};

/* What call, receive and reply carry. The words have the meaning that two parties agree on; by custom
 * word[0] is the operation of a request and the status of a reply. */
struct message {
    uint64_t word[MESSAGE_WORDS];
    uint64_t badge;                     /* received: the badge of the handle that was called */
    void *data;                         /* sent: bytes to send; receiving: the buffer for bytes */
    uint64_t size;                      /* sent: how many bytes; receiving: the buffer's size, then bytes received */
    handle_t handle[MESSAGE_HANDLES];   /* moved from sender to receiver */
    uint64_t handle_count;
};
#endif
#endif
