/* Each thread has its own x87 and SSE: registers, rounding modes, flags. Threads that set them otherwise take turns, by
 * yielding and by the clock, in one process and, started twice, in two. With an argument, x87 or sse, it ends by an
 * exception of that. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "check.h"

#define THREADS 4
#define ROUNDS 300
#define SPINS 20000 /* longer than a turn, now and then */
#define STACK_SIZE 16384
#define INEXACT 0x20

static char stacks[THREADS][STACK_SIZE] __attribute__((aligned(16)));
static volatile unsigned wrong, done;

/* 1/3 in the four modes of rounding: to nearest, down, up, to zero. */
static const uint64_t thirds[] = {0x3fd5555555555555, 0x3fd5555555555555, 0x3fd5555555555556, 0x3fd5555555555555};
static const uint64_t wide_thirds[] = {0xaaaaaaaaaaaaaaab, 0xaaaaaaaaaaaaaaaa, 0xaaaaaaaaaaaaaaab, 0xaaaaaaaaaaaaaaaa};

static uint64_t third(void)
{
    uint64_t result;
    __asm__ volatile("movl $1, %%eax\n\tcvtsi2sdl %%eax, %%xmm0\n\tmovl $3, %%eax\n\tcvtsi2sdl %%eax, %%xmm1\n\t"
                     "divsd %%xmm1, %%xmm0\n\tmovq %%xmm0, %0"
                     : "=r"(result)
                     :
                     : "rax", "xmm0", "xmm1");
    return result;
}

static uint64_t wide_third(void)
{
    struct {
        uint64_t digits;
        uint16_t exponent;
    } __attribute__((packed)) result;
    static const uint32_t three = 3;
    __asm__ volatile("fld1\n\tfidivl %1\n\tfstpt %0" : "=m"(result) : "m"(three));
    return result.digits;
}

static void wait(unsigned round)
{
    if (round % 3)
        sys_thread_yield();
    else
        for (volatile unsigned i = 0; i < SPINS; i++)
            ;
}

static _Noreturn void work(uint64_t mode)
{
    const uint32_t mxcsr = (uint32_t)(0x1f80 | mode << 13);
    const uint16_t control = (uint16_t)(0x37f | mode << 10);
    uint32_t flags;
    uint16_t status;
    uint64_t kept;
    __asm__ volatile("ldmxcsr %0\n\tfninit\n\tfldcw %1\n\tmovq %2, %%xmm15" : : "m"(mxcsr), "m"(control), "r"(mode * 77));
    __asm__ volatile("fildl %0" : : "m"((uint32_t){(uint32_t)mode + 100}));
    for (unsigned round = 0; round < ROUNDS; round++) {
        __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr)); /* no flags */
        wait(round);
        __asm__ volatile("stmxcsr %0" : "=m"(flags));
        wrong += flags != mxcsr;
        wrong += third() != thirds[mode] || wide_third() != wide_thirds[mode];
        wait(round);
        __asm__ volatile("stmxcsr %0\n\tfnstsw %1" : "=m"(flags), "=m"(status));
        wrong += flags != (mxcsr | INEXACT) || !(status & INEXACT) || (status >> 11 & 7) != 7;
    }
    uint32_t top;
    __asm__ volatile("fistpl %0\n\tmovq %%xmm15, %1" : "=m"(top), "=r"(kept));
    wrong += top != mode + 100 || kept != mode * 77;
    __atomic_fetch_add(&done, 1, __ATOMIC_SEQ_CST);
    sys_thread_exit();
}

/* Division by zero that is not masked, and one instruction more, at which the x87 raises it. */
static __attribute__((noinline)) void divide_by_zero(bool is_x87)
{
    const uint32_t mxcsr = 0x1d80;
    const uint16_t control = 0x37b;
    if (is_x87)
        __asm__ volatile("fldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfld1" : : "m"(control));
    else
        __asm__ volatile("ldmxcsr %0\n\txorps %%xmm0, %%xmm0\n\tmovl $1, %%eax\n\t"
                         "cvtsi2sdl %%eax, %%xmm1\n\tdivsd %%xmm0, %%xmm1"
                         :
                         : "m"(mxcsr)
                         : "rax", "xmm0", "xmm1");
}

int main(int count, char **arguments)
{
    if (count > 1)
        divide_by_zero(!strcmp(arguments[1], "x87"));
    for (uint64_t i = 0; i < THREADS; i++)
        CHECK(sys_thread_create(sys_start_handle(START_HANDLE_SELF), (uint64_t)work, (uint64_t)(stacks[i] + STACK_SIZE - 8), i) > 0);
    while (done < THREADS)
        sys_thread_yield();
    CHECK(wrong == 0);
    return checks_finish("modes");
}
