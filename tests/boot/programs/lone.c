/* What is left of the CPU for a process with one thread: beside thousands of threads that sleep, beside hundreds that
 * spin. Time is the machine's, which the emulator makes of instructions. */
#include <protocol/loader.h>
#include <stdint.h>
#include <system/call.h>

#include "check.h"

#define MILLISECOND 1000000ull
#define TURN (10 * MILLISECOND)
#define TURNS 5
#define LOOPS 1000

/* Loops that fit into some turns, when no other thread is ready. */
static uint64_t count_loops(void)
{
    uint64_t loops = 0;
    sys_thread_sleep(1); /* until a tick */
    for (uint64_t end = (uint64_t)sys_clock(0) + TURNS * TURN; (uint64_t)sys_clock(0) < end; loops++)
        for (int i = 0; i < LOOPS; i++)
            __asm__ volatile("");
    return loops;
}

/* Milliseconds that pass while it lets others go first so many times. */
static uint64_t yield(unsigned times)
{
    uint64_t begin = (uint64_t)sys_clock(0);
    while (times--)
        sys_thread_yield();
    return ((uint64_t)sys_clock(0) - begin) / MILLISECOND;
}

int main(void)
{
    const uint64_t alone = count_loops();
    CHECK(loader_start("sleepers") >= 0);
    sys_thread_sleep(30 * TURN);
    const uint64_t beside_sleepers = count_loops();
    printf("%llu loops alone, %llu beside sleepers\n", (unsigned long long)alone, (unsigned long long)beside_sleepers);
    CHECK(beside_sleepers >= alone - alone / 1000);
    CHECK(loader_start("crowd") >= 0);
    sys_thread_sleep(30 * TURN);
    const uint64_t milliseconds = yield(TURNS);
    printf("%llu ms for %d turns beside a crowd\n", (unsigned long long)milliseconds, TURNS);
    CHECK(milliseconds <= (TURNS + 1) * TURN / MILLISECOND);
    return checks_finish("lone");
}
