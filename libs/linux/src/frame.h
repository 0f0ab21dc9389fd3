/* Registers of a call as entry.S keeps them on the caller's stack, below its red zone. */
#ifndef LINUX_FRAME_H
#define LINUX_FRAME_H
#include <stdint.h>

#define RED_ZONE 128

struct linux_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx;
    uint64_t arguments[6]; /* the last first */
    uint64_t number, returns_to;
};
/* By its place among the arguments. */
#define LINUX_ARGUMENT(frame, index) ((frame)->arguments[5 - (index)])

/* Right below it: by this a fault in the call finds the frame. */
#define CALL_MARK 0x4c494e5558434c4c

struct call_mark {
    uint64_t mark;
    struct linux_frame *frame; /* behind this */
};
#endif
