/* Long work in the kernel: chains of objects that hold each other end, and much memory is made, mapped, protected and
 * unmapped, while another thread of the process must get its turns. Arguments: the chain's length, pages of memory, and
 * how often the other thread must have run while the memory was made. */
#include <stdbool.h>
#include <stdlib.h>

#include "check.h"
#include "counts.h"

#define PAGE AMBILINK_PAGE_SIZE
#define PLACE 0x200000000000
#define SPECIAL 256  /* one link in so many holds more than the link before it */
#define WAITING_MAX 64
#define STACK 4096

static handle_t self;
static bool good;
static char stacks[WAITING_MAX + 1][STACK] __attribute__((aligned(16)));

static int64_t want(int64_t status)
{
    good &= status >= 0;
    return status;
}

static handle_t new_thread(void (*entry)(uint64_t), unsigned stack, uint64_t argument)
{
    return (handle_t)want(sys_thread_create(self, (uint64_t)entry, (uint64_t)(stacks[stack] + STACK - 8), argument));
}

/* --- Another thread, which wants the processor every 10 ms ------------------------------------------------------------ */

static volatile unsigned pulses;
static volatile bool pulse_ends;

static void pulse(uint64_t unused)
{
    (void)unused;
    while (!pulse_ends) {
        sys_thread_sleep(10 * MILLISECOND);
        pulses++;
    }
    pulse_ends = false;
    sys_thread_exit();
}

/* --- Chains ----------------------------------------------------------------------------------------------------------- */

static handle_t endpoints[WAITING_MAX];
static volatile unsigned woken;

static void caller(uint64_t index)
{
    struct message request = {0}, reply = {0};
    if (sys_call(endpoints[index], &request, &reply) == STATUS_PEER_GONE)
        woken++;
    sys_thread_exit();
}

static void give(handle_t process, handle_t what, uint32_t rights)
{
    want(sys_process_grant(process, what, rights, 0));
}

/* The link holds an endpoint at which a thread waits, that thread, memory of its own and mapped memory. */
static void make_special(handle_t link, unsigned index)
{
    handle_t endpoint = (handle_t)want(sys_endpoint_create()), memory = (handle_t)want(sys_memory_create(3 * PAGE));
    endpoints[index] = (handle_t)want(sys_handle_duplicate(endpoint, RIGHT_CALL, 0));
    handle_t thread = new_thread(caller, index, index);
    give(link, endpoint, RIGHT_RECEIVE);
    give(link, thread, RIGHT_MANAGE);
    give(link, memory, RIGHT_READ | RIGHT_WRITE);
    want(sys_process_map(link, memory, 0, 2 * PAGE, 0, PROT_READ_WRITE));
    want(sys_process_watch(link, endpoint, 1));
    sys_handle_close(endpoint);
    sys_handle_close(thread);
    sys_handle_close(memory);
    sys_thread_sleep(MILLISECOND); /* it waits */
}

/* Each link holds the one before it, and nothing else does. */
static void chain_ends(unsigned length, bool by_end)
{
    struct machine_counts before = counts_settled();
    handle_t last = 0;
    unsigned special = 0;
    good = true;
    woken = 0;
    for (unsigned i = 0; i < length && good; i++) {
        handle_t link = (handle_t)want(sys_process_create("link", 4));
        if (last) {
            give(link, last, RIGHT_MANAGE | RIGHT_TRANSFER);
            sys_handle_close(last);
        }
        if (i % SPECIAL == 0 && special < WAITING_MAX)
            make_special(link, special++);
        last = link;
    }
    CHECK(good);
    if (by_end)
        want(sys_process_end(last, 0));
    sys_handle_close(last);
    counts_settled();
    CHECK(woken == special);
    for (unsigned i = 0; i < special; i++)
        sys_handle_close(endpoints[i]);
    CHECK(counts_are(&before, by_end ? "a chain whose head was ended" : "a chain whose head was closed"));
}

/* Processes that hold many, which hold many. */
static void tree_ends(unsigned width)
{
    struct machine_counts before = counts_settled();
    handle_t root = (handle_t)want(sys_process_create("root", 4));
    for (unsigned i = 0; i < width; i++) {
        handle_t branch = (handle_t)want(sys_process_create("branch", 6));
        for (unsigned j = 0; j < width; j++) {
            handle_t leaf = (handle_t)want(sys_process_create("leaf", 4));
            give(branch, leaf, RIGHT_MANAGE);
            give(leaf, branch, RIGHT_MANAGE);
            sys_handle_close(leaf);
        }
        give(root, branch, RIGHT_MANAGE);
        sys_handle_close(branch);
    }
    sys_handle_close(root);
    CHECK(good);
    CHECK(counts_are(&before, "a tree"));
}

/* --- Much memory ------------------------------------------------------------------------------------------------------ */

static void much_memory(uint64_t pages, unsigned least_pulses)
{
    struct machine_counts before = counts_settled();
    uint64_t size = pages * PAGE;
    good = true;
    unsigned first = pulses;
    handle_t memory = (handle_t)want(sys_memory_create(size));
    unsigned while_made = pulses - first;
    CHECK(good && while_made >= least_pulses);
    CHECK(want(sys_process_map(self, memory, 0, size, PLACE, PROT_READ_WRITE)) == PLACE);
    uint64_t *words = (uint64_t *)PLACE;
    bool zero = true;
    for (uint64_t at = 0; at < pages; at += pages / 64 + 1) {
        zero &= words[at * (PAGE / 8)] == 0;
        words[at * (PAGE / 8)] = at;
    }
    int64_t other = want(sys_process_map(self, memory, 0, size, 0, PROT_READ_ONLY));
    want(sys_process_protect(self, PLACE, size, PROT_READ_ONLY));
    bool kept = true;
    for (uint64_t at = 0; at < pages; at += pages / 64 + 1)
        kept &= words[at * (PAGE / 8)] == at && *(uint64_t *)(other + (int64_t)(at * PAGE)) == at;
    CHECK(zero && kept);
    want(sys_process_protect(self, PLACE + PAGE, size - 2 * PAGE, PROT_READ_WRITE));
    words[(pages - 2) * (PAGE / 8)] = 1;
    want(sys_process_unmap(self, PLACE, size));
    want(sys_process_unmap(self, (uint64_t)other, size));
    sys_handle_close(memory);
    /* At once: what just died comes back before there is no memory. */
    memory = (handle_t)want(sys_memory_create(size));
    sys_handle_close(memory);
    CHECK(good && counts_are(&before, "much memory"));
    printf("the other thread ran %u times meanwhile\n", while_made);
}

int main(int argc, char **argv)
{
    unsigned length = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
    uint64_t pages = argc > 2 ? (uint64_t)atoi(argv[2]) : 10000;
    self = sys_start_handle(START_HANDLE_SELF);
    sys_handle_close(new_thread(pulse, WAITING_MAX, 0));
    chain_ends(3 * SPECIAL, false); /* makes what is kept, e.g. a page of handles */
    chain_ends(length, false);
    chain_ends(length / 4, true);
    tree_ends(20);
    much_memory(pages, argc > 3 ? (unsigned)atoi(argv[3]) : 0);
    pulse_ends = true;
    return checks_finish("chain");
}
