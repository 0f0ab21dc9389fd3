/* The first process of a system whose kernel is test-kernel-starts (kernel/starts.c): it lets another process start services,
 * ends that at each step, and compares what the machine has in use. Services of the manifest, by index: */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "starter.h"

enum { STARTER = 2, FIRST = 3, END = 7 };
#define ENDED_MAX 16 /* starts of a service that are ended on their way */
#define STEPS_MAX 100000

static handle_t sys;
static bool failed;
static volatile struct starter *shared = (volatile struct starter *)STARTER_PLACE;
static struct loaded_process starter;

static void say(const char *format, ...)
{
    char text[200];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(text, sizeof text, format, values);
    va_end(values);
    sys_log_write(sys, text, (uint64_t)length);
}

#define CHECK(condition)                                               \
    do                                                                 \
        if (!(condition)) {                                            \
            say("FAIL starts.c:%d: %s\n", __LINE__, #condition);       \
            failed = true;                                             \
        }                                                              \
    while (0)

static struct machine_counts settled(void)
{
    struct machine_counts counts;
    do {
        sys_thread_sleep(1000);
        sys_machine_counts(sys, &counts);
    } while (counts.ending);
    return counts;
}

static void check_same(const struct machine_counts *before, const char *what, uint64_t index, unsigned step)
{
    struct machine_counts now = settled();
    if (now.frames_used == before->frames_used && now.pieces == before->pieces && now.handles == before->handles)
        return;
    say("FAIL service %u, %s %u: frames %d, pieces %d, handles %d more than before\n", (unsigned)index, what, step,
        (int)(now.frames_used - before->frames_used), (int)(now.pieces - before->pieces), (int)(now.handles - before->handles));
    failed = true;
}

/* `loaded`: a process that was started. */
static void end(const struct loaded_process *loaded)
{
    CHECK(sys_process_end(loaded->process, 0) == STATUS_OK);
    CHECK(sys_handle_close(loaded->process) == STATUS_OK);
    CHECK(!loaded->block || sys_handle_close(loaded->block) == STATUS_OK);
}

static void begin_starter(void)
{
    CHECK(sys_service_start(sys, STARTER, 0, &starter) > 0);
    int64_t memory = sys_memory_create(AMBILINK_PAGE_SIZE);
    const handle_t self = sys_start_handle(START_HANDLE_SELF);
    CHECK(sys_process_map(self, (handle_t)memory, 0, AMBILINK_PAGE_SIZE, STARTER_PLACE, PROT_READ_WRITE) > 0);
    CHECK(sys_process_map(starter.process, (handle_t)memory, 0, AMBILINK_PAGE_SIZE, STARTER_PLACE, PROT_READ_WRITE) > 0);
    shared->system = (handle_t)sys_process_grant(starter.process, sys, RIGHT_MANAGE, 0);
    sys_handle_close((handle_t)memory);
}

static void end_starter(void)
{
    end(&starter);
    CHECK(sys_process_unmap(sys_start_handle(START_HANDLE_SELF), STARTER_PLACE, AMBILINK_PAGE_SIZE) == STATUS_OK);
}

/* After so many turns of its own the starter is ended, if it is not done by then. How many it had. */
static unsigned let_start(uint64_t index, unsigned most)
{
    begin_starter();
    unsigned steps = 0;
    shared->wanted = index;
    while (shared->wanted && steps < most) {
        sys_thread_yield();
        steps++;
    }
    CHECK(shared->wanted || shared->result > 0);
    end_starter();
    return steps;
}

static void try_service(uint64_t index)
{
    /* The second process with the same libraries has its bindings cached. */
    for (unsigned i = 0; i < 2; i++) {
        struct loaded_process loaded;
        CHECK(sys_service_start(sys, index, 0, &loaded) > 0);
        end(&loaded);
    }
    /* So are those of the starter, of which each is another process. */
    let_start(index, STEPS_MAX);
    let_start(index, 2);
    struct machine_counts before = settled();
    const unsigned steps = let_start(index, STEPS_MAX);
    check_same(&before, "after steps", index, steps);
    unsigned ended = 0;
    for (unsigned step = 2; step < steps; step += steps / ENDED_MAX + 1, ended++) {
        let_start(index, step);
        check_same(&before, "ended at step", index, step);
    }
    say("service %u: %u steps, ended at %u of them\n", (unsigned)index, steps, ended);
}

/* What another budget has is used up on the way, early or late. */
static void try_budgets(uint64_t index)
{
    unsigned refused = 0, done = 0;
    struct machine_counts before = settled();
    for (uint64_t pages = 4; pages < 400 && !done; pages += pages / 4) {
        int64_t payer = sys_process_create_for(0, pages * AMBILINK_PAGE_SIZE, 24 * AMBILINK_PAGE_SIZE, "payer", 5);
        CHECK(payer > 0);
        struct loaded_process loaded;
        const int64_t number = sys_service_start(sys, index, (handle_t)payer, &loaded);
        if (number > 0)
            end(&loaded);
        done += number > 0;
        refused += number < 0;
        sys_handle_close((handle_t)payer);
        check_same(&before, "with pages", index, (unsigned)pages);
    }
    CHECK(refused && done);
    say("service %u: refused with %u budgets\n", (unsigned)index, refused);
}

/* Two threads ask at once, the second one with this priority, the first with 0. */
static void try_both(unsigned priority)
{
    struct machine_counts before = settled();
    begin_starter();
    struct loaded_process loaded;
    shared->wanted = FIRST;
    sys_thread_yield();
    sys_thread_yield();
    CHECK(shared->wanted == FIRST);
    CHECK(sys_thread_priority(0, priority) == 0);
    CHECK(sys_service_start(sys, FIRST, sys_start_handle(START_HANDLE_SELF), &loaded) > 0);
    CHECK(sys_thread_priority(0, 0) == priority);
    end(&loaded);
    while (shared->wanted)
        sys_thread_yield();
    CHECK(shared->result > 0);
    end_starter();
    check_same(&before, "both", FIRST, priority);
}

/* Notices of ends keep the processes until they are received. Requests get no answer but that there is none. */
static void receive_notices(void)
{
    static struct message notice;
    static handle_t reply;
    while (sys_receive(sys_start_handle(START_HANDLE_LOADER), &notice, &reply) == STATUS_OK)
        if (reply)
            sys_handle_close(reply);
    sys_thread_exit();
}

int main(void)
{
    static char stack[8192] __attribute__((aligned(16)));
    sys = sys_start_handle(START_HANDLE_SYSTEM);
    CHECK(sys_thread_priority(0, 0) >= 0); /* the first process begins with the highest: others would never run */
    CHECK(sys_thread_create(sys_start_handle(START_HANDLE_SELF), (uint64_t)receive_notices, (uint64_t)(stack + sizeof stack - 8), 0) > 0);
    for (uint64_t index = FIRST; index < END; index++)
        try_service(index);
    try_budgets(FIRST);
    try_budgets(FIRST + 1);
    try_both(0);
    try_both(1);
    try_both(PRIORITY_MAX);
    /* What other calls take that are done in steps. */
    int64_t memory = sys_memory_create(16 << 20);
    CHECK(memory > 0 && sys_process_map(sys_start_handle(START_HANDLE_SELF), (handle_t)memory, 0, 16 << 20, 0, PROT_READ_WRITE) > 0);
    sys_machine_exit(sys, failed ? VERDICT_FAIL : VERDICT_PASS);
    return 0;
}
