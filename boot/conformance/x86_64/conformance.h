/* Shared by the two halves of the conformance kernel: the checks in ring 0 and those in ring 3. */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H
#include <stdint.h>

#define USER_CODE 0x40000000
#define USER_STACK_END 0x41000000
#define USER_PRIVATE 0x42000000 /* one page, different in each of the two address spaces */
#define USER_WINDOW 0x46000000  /* a page that the kernel maps as asked */
#define USER_DEMAND 0x50000000  /* pages appear when they are touched */
#define USER_DEMAND_END 0x50100000
#define USER_NOTHING 0x47000000

/* Calls of the user half. */
enum conformance_call {
    CALL_ADD_ONE,    /* returns its argument plus one */
    CALL_CHECK,      /* name, got, wanted */
    CALL_EXPECT,     /* the next fault continues at this address */
    CALL_FAULT,      /* 0: vector, 1: error code, 2: address of the last fault, 3: whether its handler ran with AC */
    CALL_HAS,        /* whether the processor has an enum protection */
    CALL_KERNEL_TEXT, /* an address in it */
    CALL_FLAGS,      /* the kernel's RFLAGS */
    CALL_WINDOW,     /* map USER_WINDOW: enum window; second argument: flush it from the TLB */
    CALL_RELOAD,     /* load the page table again */
    CALL_PATCH,      /* write `mov eax, argument; ret` into page A through the kernel's own mapping */
    CALL_SWITCH,     /* run the other context */
    CALL_PREEMPT,    /* 1: switch at each tick, 0: do not */
    CALL_TICKS,
    CALL_SLEEP,      /* halt for so many ticks */
    CALL_DONE,
    CALL_BY_IRET     /* like CALL_ADD_ONE, but the return is by iretq */
};

enum window { WINDOW_A, WINDOW_B, WINDOW_A_READ_ONLY, WINDOW_ABSENT, WINDOW_SUPERVISOR, WINDOW_A_EXECUTABLE };

enum protection { HAS_SMEP, HAS_SMAP, HAS_UMIP };

#define NO_FAULT 999 /* the last fault's vector, error code and address, where there was none */
#define FLAG_AC 0x40000

#define PATTERN_A 0xaaaa
#define PATTERN_B 0xbbbb
#endif
