/* The two contexts of ring 3. */
#include "contexts.h"

#include "base/bytes.h"
#include "base/log.h"
#include "check.h"
#include "entry.h"
#include "memory/frames.h"
#include "memory/page_table.h"

extern char user_code_start[], user_code_end[];

static struct context {
    struct frame frame __attribute__((aligned(16)));
    uint64_t table;
} contexts[2];
static unsigned current;
bool contexts_preempted;
volatile uint64_t ticks;

/* A name of the user half; the kernel does not reach its memory otherwise. */
static const char *user_text(uint64_t address)
{
    static char text[64];
    for (unsigned i = 0; i < sizeof text - 1; i++, address++) {
        uint64_t frame = page_lookup(contexts[current].table, PAGE_DOWN(address), NULL);
        text[i] = frame ? *(char *)physical_pointer(frame + address % PAGE_SIZE) : 0;
    }
    return text;
}

static void make_context(unsigned index)
{
    uint64_t table = page_table_create();
    struct context *context = &contexts[index];
    context->table = table;
    for (uint64_t offset = 0; offset < (uint64_t)(user_code_end - user_code_start); offset += PAGE_SIZE) {
        uint64_t frame = frame_alloc();
        memory_copy(physical_pointer(frame), user_code_start + offset, PAGE_SIZE);
        map(table, USER_CODE + offset, frame, PROT_READ_EXECUTE);
    }
    for (uint64_t offset = PAGE_SIZE; offset <= 4 * PAGE_SIZE; offset += PAGE_SIZE)
        map(table, USER_STACK_END - offset, frame_alloc(), PROT_READ_WRITE);
    map(table, USER_PRIVATE, frame_alloc(), PROT_READ_WRITE);
    frame_init_user(&context->frame, USER_CODE, USER_STACK_END, index);
}

static struct frame *switch_to(unsigned index)
{
    current = index;
    cpu_set_page_table(contexts[index].table);
    cpu_set_frame(&contexts[index].frame);
    return &contexts[index].frame;
}

struct frame *contexts_start(void)
{
    make_context(0);
    make_context(1);
    return switch_to(0);
}

struct frame *context_switch(void)
{
    return switch_to(current ^ 1);
}

bool context_demand(uint64_t address)
{
    if (address < USER_DEMAND || address >= USER_DEMAND_END)
        return false;
    map(contexts[current].table, PAGE_DOWN(address), frame_alloc(), PROT_READ_WRITE);
    return true;
}

static void set_window(enum window window, bool flush)
{
    static const struct {
        uint64_t *frame;
        unsigned prot;
    } forms[] = {
        [WINDOW_A] = {&page_a, PROT_READ_WRITE},
        [WINDOW_B] = {&page_b, PROT_READ_WRITE},
        [WINDOW_A_READ_ONLY] = {&page_a, PROT_READ_ONLY},
        [WINDOW_ABSENT] = {&page_a, PROT_NO_ACCESS},
        [WINDOW_SUPERVISOR] = {&page_a, PROT_READ_WRITE},
        [WINDOW_A_EXECUTABLE] = {&page_a, RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE},
    };
    uint64_t table = contexts[current].table;
    map(table, USER_WINDOW, *forms[window].frame, forms[window].prot);
    if (window == WINDOW_SUPERVISOR)
        *bottom_entry(table, USER_WINDOW) &= ~4ull;
    if (flush)
        cpu_flush_page(USER_WINDOW);
}

static void sleep_ticks(uint64_t count)
{
    for (uint64_t end = ticks + count; ticks < end;)
        cpu_wait_for_interrupt();
}

struct frame *system_call_handle(struct frame *frame)
{
    uint64_t a = frame->rdi, b = frame->rsi, c = frame->rdx, result = 0;
    switch (frame->rax) {
    case CALL_BY_IRET:
        frame->vector = 0;
        result = a + 1;
        break;
    case CALL_ADD_ONE:
        result = a + 1;
        break;
    case CALL_CHECK:
        check(user_text(a), b, c);
        break;
    case CALL_EXPECT:
        fault_forget();
        fault_continue = a;
        break;
    case CALL_FAULT:
        result = a == 0 ? fault_vector : a == 1 ? fault_error : a == 2 ? fault_address : fault_with_ac;
        fault_continue = 0;
        break;
    case CALL_HAS:
        result = has((enum protection)a);
        break;
    case CALL_KERNEL_TEXT:
        result = (uint64_t)system_call_handle;
        break;
    case CALL_FLAGS:
        result = read_flags();
        break;
    case CALL_WINDOW:
        set_window((enum window)a, b);
        break;
    case CALL_RELOAD:
        cpu_set_page_table(contexts[current].table);
        break;
    case CALL_PATCH: {
        uint8_t code[6] = {0xb8, (uint8_t)a, 0, 0, 0, 0xc3};
        memory_copy(physical_pointer(page_a), code, sizeof code);
        cpu_set_page_table(contexts[current].table); /* an instruction barrier: see docs/emulator.md */
        break;
    }
    case CALL_SWITCH:
        frame->rax = 0;
        return context_switch();
    case CALL_PREEMPT:
        contexts_preempted = a;
        break;
    case CALL_TICKS:
        result = ticks;
        break;
    case CALL_SLEEP:
        sleep_ticks(a);
        break;
    case CALL_DONE:
        check_finish();
    }
    frame->rax = result;
    return frame;
}
