#include "machine.h"

#include <ambilink/abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/work.h"
#include "entry.h"
#include "layout.h"
#include "memory/frames.h"
#include "memory/guard.h"
#include "memory/page_table.h"

#define TICKS_WITHOUT_WORK 4
#define LOG_KEPT 8192

/* Where the kernel lies, of its linker script and of entry.S: for reports of its own faults, which there are none of
 * here. */
const char kernel_text_start[1], kernel_rodata_start[1], kernel_data_start[1], kernel_end[1], kernel_build_id[64];
const char kernel_stack_guard[PAGE_SIZE], kernel_stack_end[1], coroutine_stack_guard[PAGE_SIZE];
uint64_t coroutine_stack[STACK_SIZE / sizeof(uint64_t)];
jmp_buf machine_over;
uint64_t machine_fault_address;
static unsigned idle_ticks;
static uint8_t image_state[IMAGE_PAGES];
static uint64_t page_table;
static char log_kept[LOG_KEPT + 1];
static size_t log_size;

void *memory_copy(void *to, const void *from, size_t size) { return memcpy(to, from, size); }
void *memory_fill(void *to, int value, size_t size) { return memset(to, value, size); }
void page_clear(void *page) { memset(page, 0, PAGE_SIZE); }
int memory_compare(const void *left, const void *right, size_t size) { return memcmp(left, right, size); }

static void keep_log(char c)
{
    if (log_size == LOG_KEPT)
        log_size = 0;
    log_kept[log_size++] = c;
    log_kept[log_size] = 0;
}

static bool compare_page(uint64_t frame)
{
    const uint64_t page = (frame - IMAGE_START) / PAGE_SIZE;
    if (page < IMAGE_PAGES - 1)
        image_state[page] = GUARD_INTACT;
    return page < IMAGE_PAGES - 1;
}

void machine_forget_image(void)
{
    memset(image_state, 0, sizeof image_state);
    page_guard = (struct page_guard){.start = IMAGE_START, .state = image_state, .check = compare_page};
}

void machine_start(void)
{
    uint8_t *memory = mmap(NULL, MEMORY_START + MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    log_sink_set(keep_log);
    physical_offset = (uint64_t)memory;
    frames_add_region(MEMORY_START, MEMORY_START + MEMORY_SIZE);
    frames_reserve(IMAGE_START, IMAGE_START + IMAGE_PAGES * PAGE_SIZE);
    frames_ready();
    kernel_page_table = frame_alloc();
}

/* A panic is a finding, since programs are all that acts here. */
void machine_exit(uint8_t code)
{
    if (strstr(log_kept, "panic")) {
        fprintf(stderr, "%s", log_kept);
        abort();
    }
    (void)code;
    longjmp(machine_over, 1);
}

void cpu_wait_for_interrupt(void)
{
    struct frame timer = {.vector = VECTOR_TIMER};
    trap_from_kernel(&timer);
    if (!work_waiting && ++idle_ticks > TICKS_WITHOUT_WORK) {
        idle_ticks = 0;
        longjmp(machine_over, 1);
    }
}

void cpu_set_frame(struct frame *frame)
{
    (void)frame;
    idle_ticks = 0;
}

/* Now and then one comes while the kernel works. */
bool cpu_interrupt_waits(void)
{
    static unsigned asked;
    return asked++ % 4 == 3;
}

bool coroutine_runs, coroutine_is_in_vain;
void coroutine_stop(void) {}
void cpu_set_page_table(uint64_t physical) { page_table = physical; }
uint64_t cpu_page_table(void) { return page_table; }
void cpu_set_thread_pointer(uint64_t base) { (void)base; }
void cpu_flush_page(uint64_t address) { (void)address; }
uint64_t cpu_fault_address(void) { return machine_fault_address; }
bool cpu_entropy(uint64_t *number) { return *number = 1; }
void cpu_fpu_save(uint8_t state[FPU_STATE_SIZE]) { state[0]++; }
void cpu_fpu_load(const uint8_t state[FPU_STATE_SIZE]) { (void)state[FPU_STATE_SIZE - 1]; }
void cpu_fpu_reset(uint8_t state[FPU_STATE_SIZE]) { memset(state, 0, FPU_STATE_SIZE); }
void interrupts_init(void) {}
void timer_init(void) {}
void timer_acknowledge(void) {}
void timer_arm(uint64_t span) { (void)span; }

/* Each time that it is read, so much has passed. */
uint64_t timer_counts(void)
{
    static uint64_t counts;
    return counts += 500;
}

void interrupt_dispatch(unsigned line) { (void)line; }
void last_words_put(char c) { (void)c; }

void frame_init_user(struct frame *frame, uint64_t entry, uint64_t stack, uint64_t argument)
{
    *frame = (struct frame){.rip = entry, .rsp = stack, .rdi = argument};
}

void frame_save(const struct frame *frame, uint64_t registers[SIGNAL_REGISTERS])
{
    memcpy(registers, frame, SIGNAL_REGISTERS * sizeof *registers);
}

void frame_enter(struct frame *frame, uint64_t entry, uint64_t stack, uint64_t argument)
{
    frame->rip = entry, frame->rsp = stack, frame->rdi = argument, frame->vector = 0;
}

void frame_pass_on(struct frame *frame, uint64_t entry)
{
    frame->rcx = frame->rip, frame->rip = entry, frame->vector = 0;
}

bool frame_restore(struct frame *frame, const uint64_t registers[SIGNAL_REGISTERS])
{
    frame->rip = registers[0], frame->vector = 0;
    return registers[0] < PROCESS_HIGHEST_ADDRESS;
}

void frame_call(const struct frame *frame, uint64_t call[CALL_WORDS])
{
    const uint64_t words[CALL_WORDS] = {frame->rax, frame->rdi, frame->rsi, frame->rdx, frame->r10, frame->r8, frame->r9};
    memcpy(call, words, sizeof words);
}

/* rcx has the address behind the instruction syscall: the call is to be made again where rip is another. */
void frame_call_again(struct frame *frame)
{
    frame->rip -= 2;
}
