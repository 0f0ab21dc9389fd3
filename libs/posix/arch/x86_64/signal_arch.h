/* Registers and faults of this machine, as signal handlers see them. */
#ifndef SIGNAL_ARCH_H
#define SIGNAL_ARCH_H
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include <ambilink/abi.h>

/* Of the kernel's order the place in a context. */
static const unsigned char register_place[SIGNAL_REGISTERS] = {
    REG_R15, REG_R14, REG_R13, REG_R12, REG_R11, REG_R10, REG_R9, REG_R8, REG_RBP, REG_RDI, REG_RSI, REG_RDX, REG_RCX, REG_RBX,
    REG_RAX, REG_RIP, REG_EFL, REG_RSP,
};

static inline void context_save(ucontext_t *context, const struct signal_frame *frame)
{
    for (unsigned i = 0; i < SIGNAL_REGISTERS; i++)
        context->uc_mcontext.gregs[register_place[i]] = (long long)frame->registers[i];
    context->uc_mcontext.gregs[REG_ERR] = (long long)frame->error;
    context->uc_mcontext.gregs[REG_TRAPNO] = (long long)frame->vector;
    context->uc_mcontext.gregs[REG_CR2] = (long long)frame->address;
}

static inline void context_load(struct signal_frame *frame, const ucontext_t *context)
{
    for (unsigned i = 0; i < SIGNAL_REGISTERS; i++)
        frame->registers[i] = (uint64_t)context->uc_mcontext.gregs[register_place[i]];
}

/* The result of the call that it interrupted. */
static inline uint64_t *frame_result(struct signal_frame *frame)
{
    return &frame->registers[14];
}

static inline uint64_t frame_stack(const struct signal_frame *frame)
{
    return frame->registers[17];
}

/* The signal of a fault, and why. */
static inline int fault_signal(const struct signal_frame *frame, int *code)
{
    *code = 0;
    switch (frame->vector) {
    case 0: /* division */
        *code = FPE_INTDIV;
        return SIGFPE;
    case 16: /* x87 */
    case 19: /* SSE */
        *code = FPE_FLTINV;
        return SIGFPE;
    case 1:
    case 3:
        *code = TRAP_BRKPT;
        return SIGTRAP;
    case 6:
        *code = ILL_ILLOPN;
        return SIGILL;
    case 17:
        *code = BUS_ADRALN;
        return SIGBUS;
    case 14:
        *code = frame->error & 1 ? SEGV_ACCERR : SEGV_MAPERR;
        return SIGSEGV;
    default:
        return SIGSEGV;
    }
}

/* The faults that are one signal. */
static inline unsigned fault_vectors(int signal)
{
    switch (signal) {
    case SIGFPE:
        return 1u << 0 | 1u << 16 | 1u << 19;
    case SIGTRAP:
        return 1u << 1 | 1u << 3;
    case SIGILL:
        return 1u << 6;
    case SIGBUS:
        return 1u << 17;
    case SIGSEGV:
        return 1u << 4 | 1u << 5 | 1u << 11 | 1u << 12 | 1u << 13 | 1u << 14;
    default:
        return 0;
    }
}
#endif
