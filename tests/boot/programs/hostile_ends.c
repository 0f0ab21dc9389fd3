/* Objects that end give everything back, however they hold each other: each kind is made and left as often as the argument
 * says, and then frames, small objects and handles are as before, exactly. */
#include <stdbool.h>
#include <stdlib.h>

#include "check.h"
#include "counts.h"

#define PAGE AMBILINK_PAGE_SIZE
#define TABLE (512ull * PAGE)        /* what a page table maps */
#define DIRECTORY (512 * TABLE)
#define PLACE 0x200000000000

static handle_t self;
static bool good;

static void want(int64_t status)
{
    good &= status >= 0;
}

static void drop(int64_t handle)
{
    want(sys_handle_close((handle_t)handle));
}

static handle_t new_process(void)
{
    int64_t process = sys_process_create("ends", 4);
    want(process);
    return (handle_t)process;
}

static handle_t new_endpoint(void)
{
    int64_t endpoint = sys_endpoint_create();
    want(endpoint);
    return (handle_t)endpoint;
}

static int64_t give(handle_t to, handle_t what, uint32_t rights)
{
    int64_t handle = sys_process_grant(to, what, rights, 0);
    want(handle);
    return handle;
}

#define HOLD (RIGHT_MANAGE | RIGHT_DUPLICATE | RIGHT_TRANSFER)

/* --- One cycle of each kind ------------------------------------------------------------------------------------------ */

static void thread_main(void)
{
    sys_thread_exit();
}

/* By turns: a thread that said that it is done may not have ended yet. */
static int64_t new_thread(void (*entry)(void))
{
    static char stack[8][4096] __attribute__((aligned(16)));
    static unsigned next;
    int64_t thread = sys_thread_create(self, (uint64_t)entry, (uint64_t)(stack[next++ % 8] + sizeof *stack - 8), 0);
    want(thread);
    return thread;
}

static void thread_that_ends(int i)
{
    int64_t thread = new_thread(thread_main);
    if (i % 2)
        sys_thread_yield();
    drop(thread);
    sys_thread_yield();
}

static handle_t page;

static void mapping_alone(int i)
{
    const uint64_t places[] = {PLACE + (uint64_t)i * TABLE, PLACE + (uint64_t)(i % 1000) * DIRECTORY};
    for (int j = 0; j < 2; j++) {
        want(sys_process_map(self, page, 0, PAGE, places[j], i % 3 ? PROT_READ_WRITE : PROT_NO_ACCESS));
        want(sys_process_unmap(self, places[j], PAGE));
    }
}

static void mapping_in_parts(int i)
{
    int64_t memory = sys_memory_create(4 * PAGE);
    uint64_t at = PLACE + (uint64_t)i * TABLE - 2 * PAGE; /* in two tables */
    want(sys_process_map(self, (handle_t)memory, 0, 4 * PAGE, at, PROT_READ_WRITE));
    want(sys_process_protect(self, at + PAGE, PAGE, PROT_NO_ACCESS));
    want(sys_process_unmap(self, at + 2 * PAGE, PAGE));
    want(sys_process_unmap(self, at, 4 * PAGE));
    drop(memory);
}

static void memory_of_sizes(int i)
{
    drop(sys_memory_create((uint64_t)(i % 100 ? i % 8 + 1 : 300) * PAGE));
}

static void process_that_holds_itself(int i)
{
    handle_t process = new_process();
    want(sys_process_map(process, page, 0, PAGE, PLACE + (uint64_t)i * PAGE, PROT_READ_WRITE));
    give(process, process, HOLD);
    drop(process);
}

static void processes_in_a_ring(int i)
{
    enum { LONGEST = 5 };
    handle_t ring[LONGEST], endpoint = new_endpoint();
    int length = i % (LONGEST - 1) + 2;
    for (int j = 0; j < length; j++)
        ring[j] = new_process();
    for (int j = 0; j < length; j++)
        give(ring[j], ring[(j + 1) % length], HOLD);
    /* An endpoint that only one of them receives from, and that watches another. */
    give(ring[0], endpoint, RIGHT_RECEIVE | RIGHT_CALL);
    want(sys_process_watch(ring[1], endpoint, 1));
    drop(endpoint);
    for (int j = 0; j < length; j++)
        drop(ring[j]);
}

static void processes_that_hold_one_that_ended(int i)
{
    handle_t ended = new_process(), left = new_process(), right = new_process();
    give(left, right, HOLD);
    give(right, left, HOLD);
    give(left, ended, HOLD);
    give(ended, left, HOLD);
    drop(i % 2 ? left : right);
    want(sys_process_end(ended, 0));
    drop(ended);
    drop(i % 2 ? right : left);
}

static void watched_process(int i)
{
    handle_t process = new_process(), endpoint = new_endpoint(), none = 0;
    want(sys_process_watch(process, endpoint, 7));
    if (i % 3 == 0)
        drop(endpoint);
    want(sys_process_end(process, i));
    drop(process);
    struct message notice = {0};
    if (i % 3 == 1)
        want(sys_receive(endpoint, &notice, &none));
    if (i % 3)
        drop(endpoint);
}

/* A call that waits, with the only handles to its own endpoint in its message. */
static handle_t carried;
static volatile int64_t carried_status;

static void carrying_thread(void)
{
    struct message request = {.handle = {carried}, .handle_count = 1}, reply = {0};
    carried_status = sys_call(carried, &request, &reply);
    sys_thread_exit();
}

static void endpoint_in_its_own_message(int i)
{
    carried = new_endpoint();
    carried_status = 1;
    int64_t thread = new_thread(carrying_thread);
    sys_thread_yield();
    drop(thread);
    struct message request = {0};
    handle_t reply = 0;
    if (i % 2) {
        /* Received: the endpoint's handle moved, and the reply is closed unanswered. */
        want(sys_receive(carried, &request, &reply));
        drop(request.handle[0]);
        drop(reply);
    } else {
        drop(carried);
    }
    while (carried_status == 1)
        sys_thread_yield();
    good &= carried_status == STATUS_PEER_GONE || carried_status == STATUS_BAD_HANDLE; /* the tick came before the call */
    sys_thread_yield();
}

static void full_process(int i)
{
    handle_t process = new_process(), endpoint = new_endpoint();
    for (int j = 0; j < 4; j++) {
        give(process, endpoint, RIGHT_CALL);
        give(process, page, RIGHT_READ);
        want(sys_process_map(process, page, 0, PAGE, 0, PROT_READ_ONLY));
    }
    give(process, process, HOLD);
    drop(endpoint);
    if (i % 2)
        want(sys_process_end(process, 0));
    drop(process);
}

/* --- */

static void repeat(const char *what, void (*cycle)(int), int count)
{
    cycle(0);
    cycle(1); /* what is made once and kept, e.g. a page of the table of handles, is there */
    struct machine_counts before = counts_settled();
    good = true;
    for (int i = 0; i < count; i++)
        cycle(i);
    bool same = counts_are(&before, what);
    printf("%d times: %s\n", count, what);
    CHECK(good);
    CHECK(same);
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1000;
    self = sys_start_handle(START_HANDLE_SELF);
    page = (handle_t)sys_memory_create(PAGE);
    repeat("a thread ends", thread_that_ends, count);
    repeat("a page is mapped alone", mapping_alone, count);
    repeat("a mapping is taken apart", mapping_in_parts, count);
    repeat("memory of many sizes", memory_of_sizes, count);
    repeat("a process holds itself", process_that_holds_itself, count);
    repeat("processes hold each other", processes_in_a_ring, count);
    repeat("processes hold one that ended", processes_that_hold_one_that_ended, count);
    repeat("a process is watched", watched_process, count);
    repeat("a message carries its own endpoint", endpoint_in_its_own_message, count);
    repeat("a process with handles and mappings", full_process, count);
    return checks_finish("ends");
}
