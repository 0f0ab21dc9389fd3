/* Takes all that it can get of each kind, gives it back, and wants to find exactly as much as before. The manifest
 * gives it 3 MiB of memory and 192 KiB of the kernel's. */
#include <stdbool.h>
#include <system/call.h>
#include <system/start.h>

#include "check.h"

#define PAGE AMBILINK_PAGE_SIZE
#define MEMORY (3 << 20)
#define KERNEL_MEMORY (192 << 10)
#define PLACE 0x30000000000
#define TABLE (2 << 20) /* what one page table maps */
#define MANY 8192

static handle_t self;
static handle_t made[MANY];

static uint64_t close_made(uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        CHECK(sys_handle_close(made[i]) == STATUS_OK);
    return count;
}

/* Pages that are left. Memory of so few pages has no page that lists them. */
static uint64_t pages_left(void)
{
    uint64_t count = 0, pages = 0;
    for (uint64_t size = 128; size; size /= 2)
        for (int64_t memory; (memory = sys_memory_create(size * PAGE)) > 0; pages += size)
            made[count++] = (handle_t)memory;
    close_made(count);
    return pages;
}

/* Endpoints that fit into what is left of the kernel's memory. */
static uint64_t endpoints_left(void)
{
    uint64_t count = 0;
    int64_t handle;
    while (count < MANY && (handle = sys_endpoint_create()) > 0)
        made[count++] = (handle_t)handle;
    CHECK(handle == STATUS_NO_MEMORY || handle == STATUS_LIMIT);
    return close_made(count);
}

static void take_memory(void)
{
    uint64_t pages = pages_left();
    CHECK(pages > 64 && pages < MEMORY / PAGE);
    CHECK(sys_memory_create(MEMORY) == STATUS_NO_MEMORY && sys_memory_create((pages + 16) * PAGE) == STATUS_NO_MEMORY);
    CHECK(pages_left() == pages);
}

static void take_endpoints(void)
{
    uint64_t count = endpoints_left();
    CHECK(count > 100 && count * 64 < KERNEL_MEMORY);
    CHECK(endpoints_left() == count);
}

static void take_handles(void)
{
    uint64_t count = 0;
    int64_t handle;
    while (count < MANY && (handle = sys_handle_duplicate(self, 0, 0)) > 0)
        made[count++] = (handle_t)handle;
    CHECK(handle == STATUS_LIMIT || handle == STATUS_NO_MEMORY);
    close_made(count);
}

static void take_processes(void)
{
    uint64_t count = 0;
    int64_t process;
    while (count < MANY && (process = sys_process_create("child", 5)) > 0)
        made[count++] = (handle_t)process;
    CHECK(process == STATUS_NO_MEMORY && count > 50 && count < MEMORY / PAGE);
    close_made(count);
}

/* One page in the range of each page table. */
static void take_page_tables(void)
{
    handle_t memory = (handle_t)sys_memory_create(PAGE);
    uint64_t count = 0;
    int64_t status;
    while (count < MANY && (status = sys_process_map(self, memory, 0, PAGE, PLACE + count * TABLE, PROT_READ_WRITE)) > 0)
        count++;
    CHECK(status == STATUS_NO_MEMORY && count > 64 && count < MEMORY / PAGE);
    CHECK(sys_process_unmap(self, PLACE, count * TABLE) == STATUS_OK && sys_handle_close(memory) == STATUS_OK);
}

static void take_mappings(void)
{
    handle_t memory = (handle_t)sys_memory_create(PAGE);
    uint64_t count = 0;
    int64_t status;
    while (count < MANY && (status = sys_process_map(self, memory, 0, PAGE, PLACE + 2 * count * PAGE, PROT_READ_ONLY)) > 0)
        count++;
    CHECK(status == STATUS_NO_MEMORY && count > 500 && count * 32 < KERNEL_MEMORY);
    CHECK(sys_process_unmap(self, PLACE, 2 * count * PAGE) == STATUS_OK && sys_handle_close(memory) == STATUS_OK);
}

/* Threads, as many as there can be, which wait for a message until their endpoint is closed. */
enum { THREADS = 512, STACK = 1024 };
static char stacks[THREADS][STACK] __attribute__((aligned(16)));
static handle_t endpoint;

static uint64_t start_threads(void (*function)(void), uint64_t limit)
{
    uint64_t count = 0;
    int64_t thread = 0;
    endpoint = (handle_t)sys_endpoint_create();
    while (count < limit && (thread = sys_thread_create(self, (uint64_t)function, (uint64_t)(stacks[count + 1] - 8), 0)) > 0) {
        CHECK(sys_handle_close((handle_t)thread) == STATUS_OK);
        count++;
    }
    CHECK(thread > 0 || thread == STATUS_NO_MEMORY);
    return count;
}

static void receive_and_end(void)
{
    struct message request = {0};
    handle_t reply;
    sys_receive(endpoint, &request, &reply);
    sys_thread_exit();
}

static void take_threads(void)
{
    uint64_t count = start_threads(receive_and_end, THREADS);
    CHECK(count > 50 && count < THREADS);
    CHECK(sys_handle_close(endpoint) == STATUS_OK);
    sys_thread_sleep(50000000); /* they end */
}

/* Calls that a server keeps and does not answer. */
static void call_and_end(void)
{
    struct message request = {0}, reply = {0};
    sys_call(endpoint, &request, &reply);
    sys_thread_exit();
}

static void take_messages(void)
{
    uint64_t count = start_threads(call_and_end, 50);
    for (uint64_t i = 0; i < count; i++) {
        struct message request = {0};
        CHECK(sys_receive(endpoint, &request, &made[i]) == STATUS_OK);
    }
    CHECK(count == 50);
    CHECK(sys_handle_close(endpoint) == STATUS_OK);
    close_made(count);
    sys_thread_sleep(50000000);
}

/* A budget that is made of this one's: it is reserved, it is a limit, and it comes back. */
static void limit_a_child(void)
{
    enum { CHILDS = 64 };
    static handle_t paid[CHILDS];
    uint64_t before = pages_left(), count = 0;
    CHECK(sys_process_create_for(0, MEMORY, 4096, "child", 5) == STATUS_NO_MEMORY);
    CHECK(sys_process_create_for(0, CHILDS * PAGE, KERNEL_MEMORY, "child", 5) == STATUS_NO_MEMORY);
    CHECK(sys_process_create_for(0, CHILDS * PAGE, 0, "child", 5) == STATUS_INVALID);
    CHECK(sys_process_create_for(0, CHILDS * PAGE + 1, 4096, "child", 5) == STATUS_INVALID);
    CHECK(sys_process_create_for(0, UINT64_MAX - PAGE + 1, UINT64_MAX, "child", 5) == STATUS_NO_MEMORY);
    int64_t child = sys_process_create_for(0, CHILDS * PAGE, 16384, "child", 5);
    CHECK(child > 0 && pages_left() == before - CHILDS);
    CHECK(sys_memory_create_for((handle_t)child, (CHILDS + 1) * PAGE) == STATUS_NO_MEMORY);
    for (int64_t memory; (memory = sys_memory_create_for((handle_t)child, PAGE)) > 0;)
        paid[count++] = (handle_t)memory;
    CHECK(count > CHILDS / 2 && count < CHILDS && pages_left() == before - CHILDS);
    handle_t grandchild = (handle_t)sys_process_create_for((handle_t)child, 0, 0, "grandchild", 10);
    CHECK((int32_t)grandchild == STATUS_NO_MEMORY);
    /* What outlives its payer stays paid for, and the rest comes back. */
    CHECK(sys_process_end((handle_t)child, 0) == STATUS_OK && sys_handle_close((handle_t)child) == STATUS_OK);
    CHECK(pages_left() == before - count);
    while (count)
        CHECK(sys_handle_close(paid[--count]) == STATUS_OK);
    CHECK(pages_left() == before);
    /* No process pays that is not the caller's to manage. */
    handle_t weak = (handle_t)sys_handle_duplicate(self, 0, 0);
    CHECK(sys_memory_create_for(weak, PAGE) == STATUS_NO_RIGHT && sys_memory_create_for(9999, PAGE) == STATUS_BAD_HANDLE);
    CHECK(sys_process_create_for(weak, 0, 0, "child", 5) == STATUS_NO_RIGHT);
    CHECK(sys_memory_create_for(sys_start_handle(START_HANDLE_LOADER), PAGE) == STATUS_BAD_HANDLE);
    CHECK(sys_handle_close(weak) == STATUS_OK);
}

/* Budgets are made one of another, and each maker is given up; the way back to the root stays short. */
static void nest_budgets(void)
{
    unsigned depth = 0;
    int64_t outer = 0, inner;
    while ((inner = sys_process_create_for((handle_t)outer, (100 - 4 * depth) * PAGE, KERNEL_MEMORY - (8 + 2 * depth) * PAGE, "inner", 5)) > 0) {
        CHECK(!outer || sys_handle_close((handle_t)outer) == STATUS_OK);
        outer = inner;
        depth++;
    }
    CHECK(inner == STATUS_INVALID && depth > 12 && depth < 16);
    CHECK(sys_handle_close((handle_t)outer) == STATUS_OK);
}

int main(void)
{
    void (*const takes[])(void) = {take_memory,  take_endpoints,   take_handles, take_processes,
                                   take_page_tables, take_mappings, take_threads, take_messages, limit_a_child, nest_budgets};
    self = sys_start_handle(START_HANDLE_SELF);
    take_handles(); /* the table keeps its pages */
    take_threads();
    uint64_t pages = pages_left(), endpoints = endpoints_left();
    for (unsigned i = 0; i < sizeof takes / sizeof *takes; i++) {
        takes[i]();
        CHECK(pages_left() == pages);
        CHECK(endpoints_left() == endpoints);
        if (checks_failed) {
            printf("after %u: %llu pages of %llu, %llu endpoints of %llu\n", i, (unsigned long long)pages_left(),
                   (unsigned long long)pages, (unsigned long long)endpoints_left(), (unsigned long long)endpoints);
            break;
        }
    }
    return checks_finish("quota");
}
