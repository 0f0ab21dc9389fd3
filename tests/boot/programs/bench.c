/* Loops of one kind each, between two lines; the machine's clock and instruction count at the lines tell. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "bench_loads.h"

#define PAGE AMBILINK_PAGE_SIZE
#define SYSTEM_CALLS 1000000
#define SWITCHES 100000
#define MAPPINGS 50000
#define LOOP 100000000

static handle_t endpoint;
static char stack[16384] __attribute__((aligned(16)));

static void begin(const char *what, unsigned long count)
{
    printf("begin %s %lu\n", what, count);
}

static void end(void)
{
    printf("end\n");
}

static void answer(void)
{
    for (;;) {
        struct message message = {0};
        handle_t reply;
        sys_receive(endpoint, &message, &reply);
        sys_reply(reply, &message);
    }
}

static void system_calls(void)
{
    begin("system-calls", SYSTEM_CALLS);
    for (unsigned long i = 0; i < SYSTEM_CALLS; i++)
        sys_memory_size(0);
    end();
}

static void calls(handle_t self)
{
    endpoint = (handle_t)sys_endpoint_create();
    sys_thread_create(self, (uint64_t)answer, (uint64_t)(stack + sizeof stack - 8), 0);
    struct message request = {0}, reply = {0};
    begin("thread-switches", SWITCHES);
    for (unsigned long i = 0; i < SWITCHES / 2; i++)
        sys_call(endpoint, &request, &reply);
    end();
}

static void mappings(handle_t self)
{
    handle_t memory = (handle_t)sys_memory_create(PAGE);
    begin("map-and-unmap", MAPPINGS);
    for (unsigned long i = 0; i < MAPPINGS; i++) {
        int64_t address = sys_process_map(self, memory, 0, PAGE, 0, PROT_READ_WRITE);
        *(volatile char *)address = 1;
        sys_process_unmap(self, (uint64_t)address, PAGE);
    }
    end();
}

static void loop(void)
{
    unsigned long value = 1;
    begin("loop-instructions", LOOP * 4ul);
    for (unsigned long i = LOOP; i; i--)
        __asm__ volatile("imulq $0x27d4eb2d, %0, %0\n\taddq %1, %0" : "+r"(value) : "r"(i));
    end();
}

struct load {
    const char *name;
    unsigned long (*run)(unsigned long rounds);
    unsigned long rounds;
};

static const struct load loads[] = {
    {"interpreter", load_interpreter, 5},
    {"tree", load_tree, 60},
    {"sort", load_sort, 3},
    {"compression", load_compression, 160},
    {"numbers", load_numbers, 120},
};

static void run_loads(void)
{
    unsigned long sum = 0;
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        begin(loads[i].name, loads[i].rounds);
        sum += loads[i].run(loads[i].rounds);
        end();
    }
    printf("sum %lu\n", sum);
}

int main(void)
{
    handle_t self = sys_start_handle(START_HANDLE_SELF);
    system_calls();
    calls(self);
    mappings(self);
    loop();
    run_loads();
    return 0;
}
