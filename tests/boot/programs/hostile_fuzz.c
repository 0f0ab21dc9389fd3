/* Random system calls and messages to every service, from several threads and without any grant: arguments SEED COUNT.
 * What is answered does not matter here: that all the others go on as before is for the warden and the kernel's books
 * to find. It does to itself, too, what ends it, but seldom: a copy of its own handle, by which it ends or unmaps its
 * code. */
#include <hostlink/split_mix.h>
#include <protocol/names.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#define PAGE AMBILINK_PAGE_SIZE
#define ARENA 0x30000000000 /* its own mappings come here alone */
#define HANDLES 64
#define WORKERS 24
#define ENDINGS 40 /* threads in its processes, each of which ends by a fault and is logged */

static uint64_t random_state;
static handle_t self, own_endpoint;
static handle_t known[HANDLES]; /* 0: none */
static uint64_t calls, count, endings;
static char stacks[WORKERS + 1][16384] __attribute__((aligned(16)));
static char buffer[8192];

static uint64_t below(uint64_t limit)
{
    return split_mix(&random_state) % limit;
}

static const uint64_t edges[] = {0, 1, 7, PAGE - 1, PAGE, 65536, 65537, 1ull << 30, PROCESS_HIGHEST_ADDRESS, 1ull << 47, 1ull << 63, UINT64_MAX - 4095, UINT64_MAX};

static uint64_t number(void)
{
    switch (below(4)) {
    case 0: return split_mix(&random_state);
    case 1: return edges[below(sizeof edges / sizeof *edges)];
    default: return below(20);
    }
}

static handle_t *place(void)
{
    return &known[below(HANDLES)];
}

static handle_t handle(void)
{
    return below(8) ? *place() : (handle_t)(below(4) ? below(80) : number());
}

/* Those that the program itself needs are not closed or given away. */
static bool is_needed(handle_t which)
{
    return which == self || which == own_endpoint || which == sys_start_handle(START_HANDLE_LOADER) ||
           which == sys_start_handle(START_HANDLE_NAMES);
}

/* In the place of what was known there, which is closed. */
static void keep(int64_t made)
{
    if (made <= 0)
        return;
    handle_t *where = place();
    if (is_needed(*where)) {
        sys_handle_close((handle_t)made);
        return;
    }
    if (*where)
        sys_handle_close(*where);
    *where = (handle_t)made;
}

static uint64_t size(void)
{
    return below(6) ? (1 + below(20)) * PAGE : number();
}

static uint64_t address(void)
{
    return below(4) ? ARENA + below(64) * PAGE : below(2) ? 0 : ARENA + below(64) * (2ull << 20);
}

static void *pointer(uint64_t room)
{
    return below(8) ? buffer + below(sizeof buffer - room) : (void *)number();
}

static const char *const texts[] = {"console", "files", "etc/motd", "/../etc/motd", "audit", "fortune", "names", "\x1b[2J\n\r", "",
                                    "libc.so", "services/names", "a/very/long/name/that/no/service/has/ever/registered/anywhere/at/all"};

static struct message message(void)
{
    struct message made = {.word = {below(14)}, .data = pointer(600), .size = below(8) ? below(600) : number()};
    for (unsigned i = 1; i < MESSAGE_WORDS; i++)
        made.word[i] = number();
    if (below(2)) {
        const char *text = texts[below(sizeof texts / sizeof *texts)];
        made.data = (void *)text;
        made.size = strlen(text) + below(2);
    }
    made.handle_count = below(3) ? 0 : below(MESSAGE_HANDLES + 2);
    for (uint64_t i = 0; i < made.handle_count && i < MESSAGE_HANDLES; i++) {
        int64_t copy = sys_handle_duplicate(handle(), RIGHT_TRANSFER | (uint32_t)below(RIGHTS_ALL + 1), 0);
        made.handle[i] = copy > 0 ? (handle_t)copy : handle();
        if (is_needed(made.handle[i]))
            made.handle[i] = 0;
    }
    return made;
}

static void call(void)
{
    struct message request = message(), reply = {.data = pointer(600), .size = below(8) ? 600 : number()};
    int64_t status = sys_call(handle(), below(30) ? &request : pointer(sizeof request), below(30) ? &reply : pointer(sizeof reply));
    /* What was not sent is still here. */
    for (uint64_t i = 0; status != STATUS_OK && i < request.handle_count && i < MESSAGE_HANDLES; i++)
        if (!is_needed(request.handle[i]))
            sys_handle_close(request.handle[i]);
    for (uint64_t i = 0; status == STATUS_OK && i < reply.handle_count && i < MESSAGE_HANDLES; i++)
        keep(reply.handle[i]);
}

/* Its own endpoint's receiver: answers at random, or keeps the reply, or lets it go. */
static void serve(void)
{
    for (;;) {
        static char room[1024];
        handle_t reply = 0;
        struct message request = {.data = below(16) ? room : pointer(1), .size = below(16) ? sizeof room : number()};
        if (sys_receive(own_endpoint, &request, &reply) != STATUS_OK)
            continue;
        for (uint64_t i = 0; i < request.handle_count; i++)
            keep(request.handle[i]);
        struct message answer = message();
        if (!reply)
            continue;
        if (below(4))
            sys_reply(reply, &answer);
        if (below(8))
            sys_handle_close(reply);
        else
            keep(reply);
    }
}

static void *wander(void)
{
    sys_thread_yield();
    sys_thread_exit();
}

/* A thread of its own runs what ends it; one of a process that it made runs into nothing. */
static int64_t start_thread(handle_t process)
{
    if (process == self || endings >= ENDINGS)
        return sys_thread_create(self, (uint64_t)wander, (uint64_t)(stacks[WORKERS] + sizeof stacks[WORKERS] - 8), number());
    endings++;
    return sys_thread_create(process, number(), number(), number());
}

static void map_some(void)
{
    struct map_request list[4];
    for (unsigned i = 0; i < 4; i++)
        list[i] = (struct map_request){below(8) * PAGE, size(), address(), handle(), (uint32_t)below(16)};
    sys_process_map_all(handle(), list, below(6));
}

static void act(void)
{
    handle_t other = handle();
    switch (below(24)) {
    case 0: keep(sys_memory_create(size())); break;
    case 1: keep(sys_endpoint_create()); break;
    case 2: keep(sys_process_create(below(8) ? "made" : pointer(40), 1 + below(34))); break;
    case 3: keep(sys_handle_duplicate(other, (uint32_t)(below(2) ? below(RIGHTS_ALL + 1) : number()), number())); break;
    case 4: sys_process_grant(handle(), handle(), (uint32_t)below(RIGHTS_ALL + 1), number()); break;
    case 5: sys_process_map(handle(), handle(), below(8) * PAGE, size(), address(), (unsigned)below(16)); break;
    case 6: sys_process_unmap(handle(), ARENA + below(64) * PAGE, below(80) * PAGE); break;
    case 7: sys_process_protect(handle(), ARENA + below(64) * PAGE, below(80) * PAGE, (unsigned)below(16)); break;
    case 8: sys_process_watch(handle(), handle(), number()); break;
    case 9:
        if (!below(20))
            sys_process_end(other, (int64_t)number());
        break;
    case 10: keep(start_thread(other)); break;
    case 11: map_some(); break;
    case 12: sys_memory_size(other); break;
    case 13: sys_thread_yield(); break;
    case 14: sys_thread_sleep(below(1000000)); break;
    case 15: {
        struct message answer = message();
        sys_reply(other, &answer);
        break;
    }
    case 16:
        if (!is_needed(other))
            sys_handle_close(other);
        break;
    case 17:
        sys_log_write(other, pointer(100), below(100));
        sys_input_read(other);
        sys_machine_exit(other, (unsigned)number());
        break;
    default: call();
    }
}

static void work(void)
{
    while (calls < count) {
        calls++;
        act();
    }
    sys_thread_exit();
}

static bool start(unsigned index, void (*function)(void))
{
    return sys_thread_create(self, (uint64_t)function, (uint64_t)(stacks[index] + sizeof stacks[index] - 8), 0) > 0;
}

int main(int argument_count, char **arguments)
{
    random_state = (argument_count > 1 ? strtoull(arguments[1], NULL, 0) : 1) + (uint64_t)sys_clock(CLOCK_SINCE_BOOT);
    count = argument_count > 2 ? strtoull(arguments[2], NULL, 0) : 2000;
    self = sys_start_handle(START_HANDLE_SELF);
    own_endpoint = (handle_t)sys_endpoint_create();
    const int64_t console = names_lookup("console"), files = names_lookup("files");
    const int64_t first[] = {self, own_endpoint, sys_start_handle(START_HANDLE_LOADER), sys_start_handle(START_HANDLE_NAMES), console, files};
    for (unsigned i = 0; i < sizeof first / sizeof *first; i++)
        known[i] = first[i] > 0 ? (handle_t)first[i] : 0;
    /* One thread serves; of the calls that the others make some are never answered, and then the next one goes on. */
    unsigned threads = 0;
    start(threads++, serve);
    for (uint64_t before = calls; calls < count && threads < WORKERS; before = calls) {
        sys_thread_sleep(20000000);
        if (calls == before)
            start(threads++, work);
    }
    printf("%llu calls by %u threads\n", (unsigned long long)calls, threads);
}
