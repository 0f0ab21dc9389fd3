/* The kernel's calls, their rights and their refusals, from a process that holds few handles. */
#include <protocol/call.h>
#include <stdbool.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "check.h"

#define PAGE AMBILINK_PAGE_SIZE

static handle_t self;

static void check_handles(void)
{
    CHECK(sys_handle_close(0) == STATUS_BAD_HANDLE);
    CHECK(sys_handle_close(12345) == STATUS_BAD_HANDLE);
    int64_t memory = sys_memory_create(PAGE);
    CHECK(memory > 0);
    int64_t read_only = sys_handle_duplicate((handle_t)memory, RIGHT_READ, 0);
    CHECK(read_only > 0 && read_only != memory);
    CHECK(sys_handle_duplicate((handle_t)read_only, RIGHT_READ, 0) == STATUS_NO_RIGHT);
    CHECK(sys_handle_duplicate((handle_t)memory, RIGHT_EXECUTE, 0) == STATUS_NO_RIGHT);
    CHECK(sys_process_map(self, (handle_t)read_only, 0, PAGE, 0, PROT_READ_WRITE) == STATUS_NO_RIGHT);
    CHECK(sys_process_grant(self, (handle_t)read_only, RIGHT_READ, 0) == STATUS_NO_RIGHT);
    CHECK(sys_handle_close((handle_t)read_only) == STATUS_OK && sys_handle_close((handle_t)read_only) == STATUS_BAD_HANDLE);
    CHECK(sys_handle_close((handle_t)memory) == STATUS_OK);
}

static void check_memory(void)
{
    CHECK(sys_memory_create(0) == STATUS_INVALID);
    CHECK(sys_memory_create(100) == STATUS_INVALID);
    CHECK(sys_memory_create(1ull << 40) == STATUS_INVALID);
    CHECK(sys_memory_create(1ull << 29) == STATUS_NO_MEMORY);
    handle_t memory = (handle_t)sys_memory_create(4 * PAGE);
    CHECK(sys_memory_size(memory) == 4 * PAGE && sys_memory_size(self) == STATUS_BAD_HANDLE);
    CHECK(sys_process_map(self, memory, 0, 4 * PAGE, 0, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE) == STATUS_NO_RIGHT);
    CHECK(sys_process_map(self, memory, 0, 4 * PAGE, 0, PROT_READ_EXECUTE) == STATUS_NO_RIGHT);
    CHECK(sys_process_map(self, memory, 0, 4 * PAGE, 0, 99) == STATUS_INVALID);
    CHECK(sys_process_map(self, memory, PAGE, 4 * PAGE, 0, PROT_READ_WRITE) == STATUS_INVALID);
    CHECK(sys_process_map(self, memory, 1, PAGE, 0, PROT_READ_WRITE) == STATUS_INVALID);
    CHECK(sys_process_map(self, memory, 0, PAGE, 0x1000, PROT_READ_WRITE) == STATUS_INVALID);
    CHECK(sys_process_map(self, memory, 0, PAGE, 0xffff800000000000, PROT_READ_WRITE) == STATUS_INVALID);
    int64_t mapped = sys_process_map(self, memory, 0, 4 * PAGE, 0, PROT_READ_WRITE);
    CHECK(mapped > 0 && mapped % PAGE == 0);
    char *bytes = (char *)mapped;
    CHECK(bytes[0] == 0 && bytes[4 * PAGE - 1] == 0);
    bytes[2 * PAGE] = 7;
    CHECK(sys_process_map(self, memory, 0, PAGE, (uint64_t)mapped + PAGE, PROT_READ_WRITE) == STATUS_OVERLAP);
    int64_t again = sys_process_map(self, memory, 2 * PAGE, PAGE, 0, PROT_READ_ONLY);
    CHECK(again > 0 && *(char *)again == 7);
    CHECK(sys_process_protect(self, (uint64_t)mapped, 4 * PAGE, PROT_READ_EXECUTE) == STATUS_NO_RIGHT);
    CHECK(sys_process_protect(self, (uint64_t)mapped + PAGE, PAGE, PROT_READ_ONLY) == STATUS_OK);
    bytes[0] = 1;
    bytes[2 * PAGE] = 8;
    CHECK(*(char *)again == 8);
    CHECK(sys_process_unmap(self, (uint64_t)mapped + PAGE, PAGE) == STATUS_OK);
    CHECK(sys_process_protect(self, (uint64_t)mapped, 4 * PAGE, PROT_READ_ONLY) == STATUS_OVERLAP);
    CHECK(bytes[0] == 1 && bytes[2 * PAGE] == 8);
    CHECK(sys_process_unmap(self, (uint64_t)mapped, 4 * PAGE) == STATUS_OK);
    CHECK(sys_process_unmap(self, (uint64_t)again, PAGE) == STATUS_OK);
    CHECK(sys_handle_close(memory) == STATUS_OK);
}

#define LARGE (3 * 1024 * 1024)
#define TABLE (2 * 1024 * 1024) /* what one page table maps */
#define TABLES 400              /* tests/boot/test_programs.py knows it too */

/* More frames than a short list holds, and page tables that go when nothing is in them. */
static void check_large_memory(void)
{
    handle_t memory = (handle_t)sys_memory_create(LARGE);
    int64_t mapped = sys_process_map(self, memory, 0, LARGE, 0, PROT_READ_WRITE);
    CHECK(memory > 0 && mapped > 0);
    bool zero = true, kept = true;
    for (uint64_t at = 0; at < LARGE; at += PAGE) {
        zero &= *(uint64_t *)(mapped + (int64_t)at) == 0;
        *(uint64_t *)(mapped + (int64_t)at) = at + 1;
    }
    int64_t again = sys_process_map(self, memory, TABLE, LARGE - TABLE, 0, PROT_READ_ONLY);
    for (uint64_t at = TABLE; at < LARGE; at += PAGE)
        kept &= *(uint64_t *)(again + (int64_t)(at - TABLE)) == at + 1;
    CHECK(zero && kept);
    CHECK(sys_process_unmap(self, (uint64_t)again, LARGE - TABLE) == STATUS_OK);
    CHECK(sys_process_unmap(self, (uint64_t)mapped, LARGE) == STATUS_OK);
    kept = true;
    for (uint64_t i = 0; i < TABLES; i++) {
        uint64_t place = 0x30000000000 + i * TABLE;
        kept &= sys_process_map(self, memory, 0, TABLE, place, PROT_READ_ONLY) == (int64_t)place;
        kept &= *(uint64_t *)(place + PAGE) == PAGE + 1;
        kept &= sys_process_unmap(self, place, TABLE) == STATUS_OK;
    }
    CHECK(kept);
    CHECK(sys_handle_close(memory) == STATUS_OK);
}

static void check_map_all(void)
{
    static struct map_request list[MAP_REQUESTS_MAX + 1];
    const uint64_t base = 0x30000000000;
    handle_t memory = (handle_t)sys_memory_create(4 * PAGE);
    handle_t read_only = (handle_t)sys_handle_duplicate(memory, RIGHT_READ, 0);
    for (unsigned i = 0; i <= MAP_REQUESTS_MAX; i++)
        list[i] = (struct map_request){i % 4 * PAGE, PAGE, base + i * PAGE, memory, PROT_READ_WRITE};
    CHECK(sys_process_map_all(self, list, 0) == STATUS_INVALID);
    CHECK(sys_process_map_all(self, list, MAP_REQUESTS_MAX + 1) == STATUS_INVALID);
    CHECK(sys_process_map_all(memory, list, 1) == STATUS_BAD_HANDLE);
    CHECK(sys_process_map_all(self, (void *)0x10, 1) == STATUS_BAD_ADDRESS);
    CHECK(sys_process_map_all(self, list, MAP_REQUESTS_MAX) == MAP_REQUESTS_MAX);
    *(char *)(base + PAGE) = 5;
    CHECK(*(char *)(base + 61 * PAGE) == 5 && *(char *)base == 0);
    CHECK(sys_process_unmap(self, base, MAP_REQUESTS_MAX * PAGE) == STATUS_OK);
    /* Each of these ends the list where it stands. */
    const struct map_request wrong[] = {
        {0, PAGE, 0, memory, PROT_READ_ONLY},
        {0, PAGE, base, memory, PROT_READ_ONLY},
        {0, PAGE, base + 8 * PAGE, read_only, PROT_READ_WRITE},
        {0, PAGE, base + 8 * PAGE, memory, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE},
        {0, PAGE, base + 8 * PAGE, self, PROT_READ_ONLY},
        {4 * PAGE, PAGE, base + 8 * PAGE, memory, PROT_READ_ONLY},
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        list[2] = wrong[i];
        CHECK(sys_process_map_all(self, list, 4) == 2);
        CHECK(sys_process_unmap(self, base, 4 * PAGE) == STATUS_OK);
    }
    CHECK(sys_handle_close(read_only) == STATUS_OK && sys_handle_close(memory) == STATUS_OK);
}

/* The lowest number that is free, and the lowest addresses where there is room. */
static void check_reuse(void)
{
    enum { COUNT = 300 }; /* more than one page of handles */
    static int64_t handles[COUNT], places[COUNT];
    bool ascending = true, same = true;
    handle_t memory = (handle_t)sys_memory_create(2 * PAGE);
    for (int i = 0; i < COUNT; i++) {
        handles[i] = sys_handle_duplicate(memory, RIGHT_READ, 0);
        places[i] = sys_process_map(self, memory, 0, PAGE, 0, PROT_READ_ONLY);
        ascending &= handles[i] > 0 && places[i] > 0 && (!i || (handles[i] > handles[i - 1] && places[i] > places[i - 1]));
    }
    CHECK(ascending);
    const int gaps[] = {250, 7, 8, 100, 0};
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        same &= sys_handle_close((handle_t)handles[gaps[i]]) == STATUS_OK;
        same &= sys_process_unmap(self, (uint64_t)places[gaps[i]], PAGE) == STATUS_OK;
    }
    /* Two pages have room at 7 and 8 only; one page fits before them. */
    same &= sys_process_map(self, memory, 0, 2 * PAGE, 0, PROT_READ_ONLY) == places[7];
    same &= sys_process_unmap(self, (uint64_t)places[7], 2 * PAGE) == STATUS_OK;
    const int order[] = {0, 7, 8, 100, 250};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        same &= sys_handle_duplicate(memory, RIGHT_READ, 0) == handles[order[i]];
        same &= sys_process_map(self, memory, 0, PAGE, 0, PROT_READ_ONLY) == places[order[i]];
    }
    CHECK(same);
    for (int i = COUNT; i--;) {
        same &= sys_handle_close((handle_t)handles[i]) == STATUS_OK;
        same &= sys_process_unmap(self, (uint64_t)places[i], PAGE) == STATUS_OK;
    }
    CHECK(same && sys_handle_close(memory) == STATUS_OK);
}

static void check_pointers(void)
{
    struct message message = {0};
    int64_t endpoint = sys_endpoint_create();
    CHECK(endpoint > 0);
    CHECK(sys_call((handle_t)endpoint, (void *)0x10, &message) == STATUS_BAD_ADDRESS);
    CHECK(sys_call((handle_t)endpoint, &message, (void *)0xffffffff80110000) == STATUS_BAD_ADDRESS);
    message.data = (void *)0xffffffff80110000;
    message.size = 8;
    struct message reply = {0};
    CHECK(sys_call((handle_t)endpoint, &message, &reply) == STATUS_BAD_ADDRESS);
    message.size = MESSAGE_DATA_MAX + 1;
    CHECK(sys_call((handle_t)endpoint, &message, &reply) == STATUS_INVALID);
    message = (struct message){.handle = {4000}, .handle_count = 1};
    CHECK(sys_call((handle_t)endpoint, &message, &reply) == STATUS_BAD_HANDLE);
    message.handle_count = 99;
    CHECK(sys_call((handle_t)endpoint, &message, &reply) == STATUS_INVALID);
    CHECK(sys_process_create((void *)0x8, 4) == STATUS_BAD_ADDRESS);
    CHECK(sys_reply((handle_t)endpoint, &reply) == STATUS_BAD_HANDLE);
    CHECK(sys_handle_close((handle_t)endpoint) == STATUS_OK);
}

static void check_rights(void)
{
    CHECK(sys_start_handle(START_HANDLE_SYSTEM) == 0 && sys_start_handle(START_HANDLE_IMAGE) == 0);
    CHECK(sys_machine_exit(self, VERDICT_PASS) == STATUS_BAD_HANDLE);
    CHECK(sys_log_write(self, "x", 1) == STATUS_BAD_HANDLE);
    CHECK(sys_input_read(self) == STATUS_BAD_HANDLE && !sys_start_handle(START_HANDLE_INPUT));
    handle_t loader = sys_start_handle(START_HANDLE_LOADER);
    struct message message = {0};
    handle_t reply;
    CHECK(sys_receive(loader, &message, &reply) == STATUS_NO_RIGHT);
    CHECK(sys_handle_duplicate(loader, RIGHT_RECEIVE, 0) == STATUS_NO_RIGHT);
    CHECK(ipc_call(loader, &(struct message){.word = {4711}}, &(struct message){0}) == STATUS_INVALID);
    /* A registry that only its service may serve. */
    CHECK(sys_receive(sys_start_handle(START_HANDLE_NAMES), &message, &reply) == STATUS_NO_RIGHT);
}

/* A second thread of this process: it answers one call with what it got, one by closing the reply. */
static handle_t echo_endpoint;
static char thread_stack[16384] __attribute__((aligned(16)));

static void echo_thread(void)
{
    static char text[64];
    for (int round = 0; round < 2; round++) {
        struct message request = {.data = text, .size = sizeof text};
        handle_t reply = 0;
        sys_receive(echo_endpoint, &request, &reply);
        request.word[0] += request.badge;
        if (round == 0)
            sys_reply(reply, &request);
        else
            sys_handle_close(reply);
    }
    sys_thread_exit();
}

static void echo_caller(void)
{
    char back[8];
    struct message request = {.word = {99}}, reply = {.data = back, .size = sizeof back};
    sys_call(echo_endpoint, &request, &reply);
    sys_thread_exit();
}

static void check_messages(void)
{
    echo_endpoint = (handle_t)sys_endpoint_create();
    int64_t thread = sys_thread_create(self, (uint64_t)echo_thread, (uint64_t)(thread_stack + sizeof thread_stack - 8), 0);
    CHECK(thread > 0);
    handle_t badged = (handle_t)sys_handle_duplicate(echo_endpoint, RIGHT_CALL, 1000);
    char back[64] = {0};
    handle_t given = (handle_t)sys_memory_create(PAGE);
    struct message request = {.word = {5, 6}, .data = "hello there", .size = 11, .handle = {given}, .handle_count = 1};
    struct message reply = {.data = back, .size = sizeof back};
    CHECK(sys_call(badged, &request, &reply) == STATUS_OK);
    CHECK(reply.word[0] == 1005 && reply.word[1] == 6 && reply.size == 11 && memcmp(back, "hello there", 11) == 0);
    CHECK(reply.handle_count == 1 && sys_memory_size(reply.handle[0]) == PAGE);
    request.handle_count = 0;
    CHECK(sys_call(badged, &request, &reply) == STATUS_PEER_GONE);
    sys_handle_close((handle_t)thread);
}

/* A message whose data is unmapped while it waits fails its sender, not the receiver. */
static volatile int64_t late_status = 1;
static char late_stack[16384] __attribute__((aligned(16)));
static void *late_data;

static void late_thread(void)
{
    struct message request = {.data = late_data, .size = 8}, reply = {0};
    late_status = sys_call(echo_endpoint, &request, &reply);
    sys_thread_exit();
}

static void check_vanished_data(void)
{
    echo_endpoint = (handle_t)sys_endpoint_create();
    handle_t memory = (handle_t)sys_memory_create(PAGE);
    int64_t address = sys_process_map(self, memory, 0, PAGE, 0, PROT_READ_WRITE);
    late_data = (void *)address;
    CHECK(sys_thread_create(self, (uint64_t)late_thread, (uint64_t)(late_stack + sizeof late_stack - 8), 0) > 0);
    sys_thread_sleep(20000000); /* it calls, and waits */
    CHECK(late_status == 1 && sys_process_unmap(self, (uint64_t)address, PAGE) == STATUS_OK);
    int64_t good = sys_thread_create(self, (uint64_t)echo_caller, (uint64_t)(thread_stack + sizeof thread_stack - 8), 0);
    CHECK(good > 0);
    char data[8];
    struct message request = {.data = data, .size = sizeof data};
    handle_t reply = 0;
    CHECK(sys_receive(echo_endpoint, &request, &reply) == STATUS_OK && request.word[0] == 99);
    CHECK(sys_reply(reply, &request) == STATUS_OK);
    sys_thread_sleep(20000000);
    CHECK(late_status == STATUS_BAD_ADDRESS);
}

/* A message that cannot be delivered leaves its handles with the sender. */
static handle_t offered;
static volatile bool intruder_ran;

static void offering_thread(void)
{
    struct message request = {.word = {7}, .handle = {offered}, .handle_count = 1}, reply = {0};
    late_status = sys_call(echo_endpoint, &request, &reply);
    sys_thread_exit();
}

static void intruder(void)
{
    intruder_ran = true;
    sys_thread_exit();
}

static void check_failed_delivery(void)
{
    enum { HANDLES_MAX = 4096 };
    static handle_t handles[HANDLES_MAX];
    late_status = 1;
    echo_endpoint = (handle_t)sys_endpoint_create();
    offered = (handle_t)sys_memory_create(PAGE);
    uint64_t stack = (uint64_t)(late_stack + sizeof late_stack - 8);
    CHECK(sys_thread_create(self, (uint64_t)offering_thread, stack, 0) > 0);
    sys_thread_sleep(20000000); /* it calls, and waits */
    int64_t next = sys_handle_duplicate(self, 0, 0);
    CHECK(next > 0 && sys_handle_close((handle_t)next) == STATUS_OK);
    struct message request = {0};
    CHECK(sys_receive(echo_endpoint, &request, (handle_t *)0x10) == STATUS_BAD_ADDRESS);
    CHECK(sys_memory_size(offered) == PAGE && sys_handle_duplicate(self, 0, 0) == next);
    CHECK(sys_handle_close((handle_t)next) == STATUS_OK);

    handle_t reply = 0;
    CHECK(sys_receive(echo_endpoint, &request, &reply) == STATUS_OK && request.word[0] == 7);
    CHECK(sys_memory_size(offered) == STATUS_BAD_HANDLE && sys_memory_size(request.handle[0]) == PAGE);

    /* The caller's table, which is this process', is full. */
    size_t count = 0;
    int64_t handle;
    while (count < HANDLES_MAX && (handle = sys_handle_duplicate(self, 0, 0)) > 0)
        handles[count++] = (handle_t)handle;
    CHECK(handle == STATUS_LIMIT);
    CHECK(sys_reply(reply, &request) == STATUS_LIMIT && sys_memory_size(request.handle[0]) == PAGE);
    CHECK(sys_thread_create(self, (uint64_t)intruder, (uint64_t)(thread_stack + sizeof thread_stack - 8), 0) == STATUS_LIMIT);
    CHECK(sys_endpoint_create() == STATUS_LIMIT && sys_process_create("none", 4) == STATUS_LIMIT);
    while (count)
        sys_handle_close(handles[--count]);
    sys_thread_sleep(20000000);
    CHECK(!intruder_ran && late_status == 1);
    CHECK(sys_reply(reply, &request) == STATUS_OK && sys_memory_size(request.handle[0]) == STATUS_BAD_HANDLE);
    sys_thread_sleep(20000000);
    CHECK(late_status == STATUS_OK);
}

static void check_processes(void)
{
    int64_t process = sys_process_create("child", 5);
    CHECK(process > 0);
    CHECK(sys_process_create("", 0) == STATUS_INVALID);
    CHECK(sys_process_create("a\nb", 3) == STATUS_INVALID && sys_process_create("\x1b[2J", 4) == STATUS_INVALID);
    handle_t endpoint = (handle_t)sys_endpoint_create(), none = 1;
    CHECK(sys_process_watch((handle_t)process, endpoint, 99) == STATUS_OK);
    /* Its first instruction is at an address that is not mapped: the kernel ends it and says so. */
    CHECK(sys_thread_create((handle_t)process, 0xffff800000000000, 0, 0) == STATUS_INVALID);
    CHECK(sys_thread_create((handle_t)process, 0x40000000, 0, 0) > 0);
    struct message notice = {0};
    CHECK(sys_receive(endpoint, &notice, &none) == STATUS_OK);
    CHECK(none == 0 && notice.badge == 99 && notice.word[0] == MESSAGE_PROCESS_EXITED);
    CHECK(notice.word[1] == PROCESS_FAULTED && (int64_t)notice.word[2] == STATUS_FAULTED);
    CHECK(sys_thread_create((handle_t)process, 0x40000000, 0, 0) == STATUS_PEER_GONE);
    CHECK(sys_process_map((handle_t)process, endpoint, 0, PAGE, 0, PROT_READ_ONLY) == STATUS_PEER_GONE);
    CHECK(sys_handle_close((handle_t)process) == STATUS_OK);
}

static void check_clock(void)
{
    int64_t first = sys_clock(CLOCK_SINCE_BOOT);
    CHECK(first > 0 && sys_clock(7) == STATUS_INVALID);
    CHECK(sys_thread_sleep(15000000) == STATUS_OK);
    CHECK(sys_clock(CLOCK_SINCE_BOOT) - first >= 15000000);
    int64_t latest = 0;
    bool ascending = true;
    for (int i = 0; i < 1000; i++) {
        int64_t now = sys_clock(CLOCK_SINCE_BOOT);
        ascending &= now >= latest;
        latest = now;
    }
    CHECK(ascending);
}

int main(void)
{
    self = sys_start_handle(START_HANDLE_SELF);
    check_handles();
    check_memory();
    check_large_memory();
    check_map_all();
    check_reuse();
    check_pointers();
    check_rights();
    check_messages();
    check_vanished_data();
    check_failed_delivery();
    check_processes();
    check_clock();
    return checks_finish("kernel");
}
