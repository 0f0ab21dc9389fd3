/* System calls of several processes, as the input says, with what a call takes most of the time; between them ticks,
 * faults and allocations that fail. After each all that must hold is checked, and at the end everything must be given
 * back. */
#include <ambilink/abi.h>
#include <stdlib.h>
#include <string.h>

#include "base/failure.h"
#include "base/log.h"
#include "base/record.h"
#include "base/work.h"
#include "checks.h"
#include "entry.h"
#include "layout.h"
#include "machine.h"
#include "memory/frames.h"
#include "memory/pool.h"
#include "memory/user.h"
#include "object/reply.h"
#include "process/collect.h"
#include "process/leave.h"
#include "process/process.h"

#define PROCESSES 4
#define AREA 0x100000ull /* where each process has its memory, which calls read and write */
#define AREA_PAGES 4
#define AREA_TO_READ (AREA + 0x100000) /* the same memory, which calls cannot write there */
#define FIRST_PROCESS 1
#define CALLS_MAX 300
#define CALLS_UNCHECKED 8 /* between two checks of everything, which take much longer than a call */

static struct input {
    const uint8_t *at, *end;
} input;

static uint8_t next_byte(void)
{
    return input.at < input.end ? *input.at++ : 0;
}

static uint64_t next_word(void)
{
    uint64_t word = 0;
    for (unsigned i = 0; i < 8; i++)
        word = word << 8 | next_byte();
    return word;
}

/* Arguments of the calls, by their numbers: h a handle, r rights, b a badge or a number, s a size, o an offset, a an
 * address that may be mapped, p a protection, m a message, w where something is written, l a list of mappings, n a
 * name. */
static const char *const arguments[] = {
    [SYS_HANDLE_CLOSE] = "h",      [SYS_HANDLE_DUPLICATE] = "hrb", [SYS_MEMORY_CREATE] = "sh", [SYS_MEMORY_SIZE] = "h",
    [SYS_PROCESS_CREATE] = "nbhss", [SYS_PROCESS_GRANT] = "hhrb",   [SYS_PROCESS_MAP] = "hhosap", [SYS_PROCESS_UNMAP] = "has",
    [SYS_PROCESS_PROTECT] = "hasp", [SYS_PROCESS_WATCH] = "hhb",   [SYS_PROCESS_EXIT] = "hb",   [SYS_THREAD_CREATE] = "haab",
    [SYS_THREAD_EXIT] = "",        [SYS_THREAD_SET_TLS] = "a",     [SYS_THREAD_YIELD] = "",     [SYS_THREAD_SLEEP] = "b",
    [SYS_ENDPOINT_CREATE] = "",    [SYS_CALL] = "hmm",             [SYS_RECEIVE] = "hmw",       [SYS_REPLY] = "hm",
    [SYS_CLOCK] = "b",             [SYS_LOG_WRITE] = "has",        [SYS_MACHINE_EXIT] = "bb",   [SYS_IMAGE_CHECK] = "b",
    [SYS_SERVICE_START] = "hbwh",  [SYS_PROCESS_MAP_ALL] = "hlb",  [SYS_INPUT_READ] = "h",
    [SYS_MACHINE_COUNTS] = "hw",
    [SYS_PROCESS_NUMBER] = "h",
};
#define CALLS (sizeof arguments / sizeof *arguments)

static const uint64_t edges[] = {0, 1, PAGE_SIZE - 1, PROCESS_LOWEST_ADDRESS, PROCESS_HIGHEST_ADDRESS - PAGE_SIZE, PROCESS_HIGHEST_ADDRESS,
                                 1ull << 47, 1ull << 63, -4096ull, UINT64_MAX, MEMORY_SIZE_MAX, MESSAGE_DATA_MAX + 1};

/* A message or a list is there to be read: in the area of the process. */
static void put(const void *what, size_t size, uint64_t address)
{
    user_write(current_thread->space, address, what, size);
}

static uint64_t area_address(void)
{
    return AREA + (uint64_t)(next_byte() % (AREA_PAGES * 16)) * (PAGE_SIZE / 16);
}

static uint64_t maybe_to_read(uint64_t address)
{
    return next_byte() >= 224 ? address - AREA + AREA_TO_READ : address;
}

static uint64_t size_argument(void)
{
    uint8_t byte = next_byte();
    return byte & 0x80 ? (uint64_t)byte : (uint64_t)(byte & 15) * PAGE_SIZE << (byte >> 4 & 5);
}

static uint64_t message_argument(void)
{
    uint64_t address = area_address();
    struct message message = {.data = (void *)area_address(), .size = next_byte() * 33u % 5000, .handle_count = next_byte() % 6};
    for (unsigned i = 0; i < MESSAGE_HANDLES; i++)
        message.handle[i] = next_byte() % 32;
    put(&message, sizeof message, address);
    return maybe_to_read(address);
}

static uint64_t prot_argument(void)
{
    return next_byte() & 15;
}

static uint64_t address_argument(void)
{
    uint8_t byte = next_byte();
    return byte & 0x80 ? 0 : AREA + (uint64_t)(byte & 63) * PAGE_SIZE * (byte & 64 ? 512 : 1);
}

static void put_list(uint64_t address)
{
    for (unsigned i = 0; i < 3; i++) {
        struct map_request request = {next_byte() % 8 * PAGE_SIZE, size_argument(), address_argument(), next_byte() % 32,
                                      (uint32_t)prot_argument()};
        put(&request, sizeof request, address + i * sizeof request);
    }
}

static uint64_t list_argument(void)
{
    uint64_t address = area_address();
    put_list(address);
    return address;
}

static handle_t last_handle; /* of this call's arguments */

static uint64_t handle_argument(void)
{
    return last_handle = next_byte() % 32;
}

/* Mostly no more than the handle has, or nothing would come of it. */
static uint64_t rights_argument(void)
{
    uint8_t how = next_byte();
    uint64_t any = next_byte() | (uint64_t)next_byte() << 8;
    const struct handle_slot *slot = handle_slot(current_thread->handles, last_handle);
    if (!slot || how >= 240)
        return any;
    return how & 1 ? slot->rights : slot->rights & any;
}

static uint64_t argument(char kind)
{
    uint8_t odd = next_byte();
    if (odd >= 248)
        return odd & 1 ? next_word() : edges[next_byte() % (sizeof edges / sizeof *edges)];
    switch (kind) {
    case 'h': return handle_argument();
    case 'r': return rights_argument();
    case 's': return size_argument();
    case 'o': return next_byte() % 8 * PAGE_SIZE;
    case 'a': return address_argument();
    case 'p': return prot_argument();
    case 'm': return message_argument();
    case 'w':
    case 'n': return maybe_to_read(area_address());
    case 'l': return list_argument();
    default: return next_byte() % 8;
    }
}

static struct thread *caller; /* of the call that is made */

static void caller_release(void)
{
    if (caller)
        object_release(caller);
    caller = NULL;
}

static void call(struct frame *frame)
{
    const uint64_t handles = count_handles();
    const int64_t number = (int64_t)frame->rax;
    frame->rip += 2;
    frame->rcx = frame->rip;
    caller = current_thread;
    object_retain(caller);
    system_call_handle(frame);
    const bool is_refused = caller->record.state == THREAD_READY && frame->rip == frame->rcx && (int64_t)frame->rax < 0;
    if (is_refused && count_handles() > handles)
        panic("call %u gives status %d, and a handle", number, (int64_t)frame->rax);
    caller_release();
}

static void new_call(struct frame *frame)
{
    uint64_t number = next_byte() % (CALLS + 1), values[6] = {0};
    const char *kinds = number < CALLS && arguments[number] ? arguments[number] : "bbb";
    for (unsigned i = 0; kinds[i]; i++)
        values[i] = argument(kinds[i]);
    frame->rax = number;
    frame->rdi = values[0], frame->rsi = values[1], frame->rdx = values[2];
    frame->r10 = values[3], frame->r8 = values[4], frame->r9 = values[5];
    call(frame);
}

static void act(void)
{
    struct frame *frame = &current_thread->frame;
    uint8_t what = next_byte();
    frame->vector = what < 224 ? VECTOR_SYSTEM_CALL : what < 240 ? VECTOR_TIMER : what < 248 ? 14 : 13;
    frame->error = 0;
    if (frame->vector == 14)
        machine_fault_address = address_argument();
    if (what >= 208 && what < 224)
        failing_allocation = what - 207;
    if (what < 224 && frame->rip != frame->rcx && frame->rcx) { /* the same again, with what another thread wrote meanwhile */
        if (frame->rax == SYS_PROCESS_MAP_ALL && next_byte() >= 128)
            put_list(frame->rsi);
        call(frame);
    } else if (what < 224) {
        new_call(frame);
    } else {
        trap_from_user(frame);
    }
    failing_allocation = 0;
}

static struct process *processes[PROCESSES];
static uint64_t first_frames, first_pieces;

static void need(bool condition)
{
    if (!condition)
        panic("the fuzzer's own processes cannot be made");
}

static void grant(struct process *process, void *object, uint32_t rights, uint64_t badge)
{
    need(handle_insert(&process->handles, object, rights, badge) > 0);
}

/* Each has itself, an endpoint of its own, those of the others with badges, memory, and a part of the boot image; one
 * of them may end its neighbour and read keys. */
static void processes_make(void)
{
    const uint32_t more = RIGHT_DUPLICATE | RIGHT_TRANSFER;
    for (unsigned i = 0; i < PROCESSES; i++)
        need(processes[i] = process_create(&root_budget, "fuzz", 4));
    struct memory *image = memory_create_run(IMAGE_START, IMAGE_PAGES * PAGE_SIZE);
    need(image);
    for (unsigned i = 0; i < PROCESSES; i++) {
        struct process *process = processes[i];
        struct memory *area = memory_create(process->budget, AREA_PAGES * PAGE_SIZE);
        struct endpoint *endpoint = endpoint_create(process->budget, &process->record);
        need(area && endpoint);
        need(space_map(&process->space, area, 0, area->size, AREA, PROT_READ_WRITE, PROT_READ_WRITE) > 0);
        need(space_map(&process->space, area, 0, area->size, AREA_TO_READ, PROT_READ_ONLY, PROT_READ_ONLY) > 0);
        grant(process, process, RIGHT_MANAGE | more, 0);
        grant(process, endpoint, RIGHT_CALL | RIGHT_RECEIVE | RIGHT_MINT | more, 0);
        for (unsigned j = 0; j < PROCESSES; j++)
            grant(processes[j], endpoint, RIGHT_CALL | more, i + 1);
        grant(process, area, RIGHT_READ | RIGHT_WRITE | more, 0);
        grant(process, image, i % 2 ? RIGHT_READ | more : RIGHT_READ | RIGHT_EXECUTE | more, 0);
        if (!i) {
            grant(process, processes[1], RIGHT_MANAGE | RIGHT_WATCH | more, 0);
            grant(process, &system_object, RIGHT_LOG | RIGHT_INPUT | more, 0);
        }
        object_release(endpoint);
        object_release(area);
        need(process_start_thread(process, 0x400000, AREA + PAGE_SIZE, 0));
    }
    object_release(image);
}

static void work_off(void)
{
    while (!leftover_work() || collection_waits()) {
        work_begin();
        collect();
    }
}

static struct process *process_with_threads(void)
{
    for (uint64_t record = kernel_record.processes; record;) {
        struct process *process = (struct process *)(record - offsetof(struct process, record));
        if (process->live_threads)
            return process;
        record = process->record.next;
    }
    return NULL;
}

/* What has threads is ended; then nothing may be left. */
static void processes_end(void)
{
    current_thread = NULL;
    for (unsigned i = 0; i < PROCESSES; i++)
        object_release(processes[i]);
    for (struct process *process; (process = process_with_threads()); work_off())
        process_end(process, PROCESS_EXITED, 0);
    work_off();
    const struct process_record *left = (const struct process_record *)kernel_record.processes;
    if (left->number != FIRST_PROCESS)
        panic("process %u is left, which nothing can reach", left->number);
}

int LLVMFuzzerInitialize(int *count, char ***words);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *count, char ***words)
{
    (void)count, (void)words;
    machine_start();
    root_budget.limit = (struct cost){1 << 20, 1 << 30};
    need(process_create(&root_budget, "first", 5)); /* its end would be the machine's */
    first_frames = kernel_record.frames_used;
    first_pieces = pool_used();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = (struct input){data, data + size};
    machine_forget_image();
    processes_make();
    volatile unsigned calls = 0;
    if (!setjmp(machine_over)) {
        schedule();
        while (input.at < input.end && calls++ < CALLS_MAX) {
            act();
            if (calls % CALLS_UNCHECKED == 0)
                check_everything();
        }
    }
    failing_allocation = 0;
    caller_release();
    processes_end();
    check_everything();
    if (kernel_record.frames_used != first_frames || pool_used() != first_pieces)
        panic("%u frames and %u pieces of the pool are lost", kernel_record.frames_used - first_frames, pool_used() - first_pieces);
    return 0;
}
