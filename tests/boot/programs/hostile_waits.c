/* Futexes, locks, signals and times, with what no program means: nothing of it may hurt others, or stay. It ends while threads wait in
 * every way. */
#include <protocol/loader.h>
#include <string.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "check.h"

#define WAITERS 60
#define CHAIN 40
#define STACK_SIZE 4096
#define KERNEL_ADDRESS 0xffff800000000000

static char stacks[WAITERS + CHAIN + 4][STACK_SIZE] __attribute__((aligned(16)));
static volatile unsigned words[CHAIN + 2], passed, used;
static const unsigned constant = 0;
static handle_t self, endpoint;
static uint64_t shared;

static void *at(uint64_t address)
{
    return (void *)address;
}

static void start(void (*entry)(uint64_t argument), uint64_t argument)
{
    const int64_t thread = sys_thread_create(self, (uint64_t)entry, (uint64_t)(stacks[used++] + STACK_SIZE - 8), argument);
    CHECK(thread > 0);
    sys_handle_close((handle_t)thread);
}

static void let_others_run(void)
{
    for (unsigned i = 0; i < 4; i++)
        sys_thread_yield();
    sys_thread_sleep(200000);
}

static void check_addresses(void)
{
    static const uint64_t bad[] = {0, 0x10000, 0x7ffffffffffc, PROCESS_HIGHEST_ADDRESS, KERNEL_ADDRESS, UINT64_MAX - 3};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        for (unsigned flags = 0; flags <= FUTEX_SHARED; flags++) {
            CHECK(sys_futex_wait(at(bad[i]), 0, flags, 1) == STATUS_BAD_ADDRESS);
            CHECK(sys_futex_wake(at(bad[i]), UINT64_MAX, flags) == (flags || bad[i] >= PROCESS_HIGHEST_ADDRESS ? STATUS_BAD_ADDRESS : 0));
            CHECK(sys_futex_lock(at(bad[i]), flags, 1) == STATUS_BAD_ADDRESS);
            CHECK(sys_futex_unlock(at(bad[i]), flags) == STATUS_BAD_ADDRESS);
        }
    CHECK(sys_futex_wait(&constant, 0, 0, 1) == STATUS_TIMED_OUT && sys_futex_lock(&constant, 0, 1) == STATUS_BAD_ADDRESS);
    CHECK(sys_futex_wake(at(3), 1, 0) == STATUS_INVALID && sys_futex_lock(at(3), 0, 0) == STATUS_INVALID);
    CHECK(sys_futex_requeue((void *)words, 0, at(KERNEL_ADDRESS), 9, 0, 0) == STATUS_BAD_ADDRESS);
    CHECK(sys_futex_requeue((void *)words, UINT64_MAX, (void *)words, UINT64_MAX, 4, 0) == STATUS_INVALID);
    CHECK(sys_thread_exit_word(at(KERNEL_ADDRESS)) == STATUS_OK && sys_thread_exit_word(NULL) == STATUS_OK);
    CHECK(sys_thread_create_with(self, (uint64_t)check_addresses, 0, 0, KERNEL_ADDRESS, NULL) == STATUS_INVALID);
    CHECK(sys_thread_create_with(self, (uint64_t)check_addresses, 0, 0, 0, at(KERNEL_ADDRESS)) == STATUS_BAD_ADDRESS);
}

/* Locks. */

static void lock_in_chain(uint64_t number)
{
    words[number] = (unsigned)sys_thread_number();
    if (number)
        passed += sys_futex_lock((void *)&words[number - 1], 0, 0) == STATUS_OK;
    else
        sys_futex_wait((const void *)&words[CHAIN], 0, 0, 0);
    if (number)
        sys_futex_unlock((void *)&words[number - 1], 0);
    sys_futex_unlock((void *)&words[number], 0);
    sys_thread_exit();
}

static void lock_then_other(uint64_t number)
{
    volatile unsigned *own = &words[number], *other = &words[!number];
    *own = (unsigned)sys_thread_number();
    let_others_run();
    if (sys_futex_lock((void *)other, 0, 0) == STATUS_OVERLAP) /* one of the two */
        passed++;
    sys_futex_unlock((void *)own, 0);
    sys_thread_exit();
}

static void check_locks(void)
{
    words[0] = 12345678; /* no thread's number */
    CHECK(sys_futex_lock((void *)words, 0, 0) == STATUS_PEER_GONE && sys_futex_unlock((void *)words, 0) == STATUS_NO_RIGHT);
    CHECK(sys_futex_lock((void *)words, FUTEX_SHARED, 1) == STATUS_TIMED_OUT); /* it may be another process' */
    words[0] = 0;
    CHECK(sys_futex_lock((void *)words, 0, 0) == STATUS_OK && sys_futex_lock((void *)words, 0, 0) == STATUS_OVERLAP);
    CHECK(sys_futex_unlock((void *)words, 0) == STATUS_OK && words[0] == 0);
    start(lock_then_other, 0);
    start(lock_then_other, 1);
    for (unsigned i = 0; i < 5; i++)
        let_others_run();
    CHECK(passed == 1);
    passed = 0;
    for (uint64_t i = 0; i < CHAIN; i++) { /* longer than any that inherits */
        start(lock_in_chain, i);
        let_others_run();
    }
    CHECK(sys_futex_wake((const void *)&words[CHAIN], 1, 0) == 1);
    for (unsigned i = 0; i < CHAIN && passed < CHAIN - 1; i++)
        let_others_run();
    CHECK(passed == CHAIN - 1);
}

/* Signals. */

static volatile unsigned taken;

__attribute__((used)) static void take(struct signal_frame *frame)
{
    taken++;
    CHECK(sys_signal_entry(at(KERNEL_ADDRESS), 0, 0, 0) == STATUS_INVALID);
    struct signal_frame wrong = *frame;
    wrong.registers[15] = KERNEL_ADDRESS;
    register uint64_t number __asm__("rax") = SYS_SIGNAL_RETURN;
    int64_t status = (int64_t)number;
    __asm__ volatile("syscall" : "+a"(status) : "D"(&wrong) : "rcx", "r11", "memory");
    CHECK(status == STATUS_INVALID);
    status = SYS_SIGNAL_RETURN;
    __asm__ volatile("syscall" : "+a"(status) : "D"(KERNEL_ADDRESS) : "rcx", "r11", "memory");
    CHECK(status == STATUS_BAD_ADDRESS);
    frame->registers[16] |= 0x7000 | 0x4000 | 0x20000 | 0x100000; /* IOPL, NT, VM, VIP */
    frame->registers[16] &= ~0x200ull;                            /* interrupts */
    sys_signal_return(frame);
}

__asm__(".text\nentry_of_signals:\n\tandq $-16, %rsp\n\tcall take\n");
void entry_of_signals(struct signal_frame *frame);

static void check_signal_stacks(void)
{
    uint64_t before[2];
    static char stack[4096];
    CHECK(sys_signal_stack(KERNEL_ADDRESS, 4096, NULL) == STATUS_INVALID && sys_signal_stack(4096, UINT64_MAX - 1, NULL) == STATUS_INVALID);
    CHECK(sys_signal_stack(0, 4096, at(KERNEL_ADDRESS)) == STATUS_BAD_ADDRESS);
    CHECK(sys_signal_stack((uint64_t)stack, sizeof stack, before) == STATUS_OK && before[1] == 0);
    CHECK(sys_signal_entry(entry_of_signals, 0, UINT64_MAX, 0) == STATUS_OK);
    CHECK(sys_thread_signal(0, 3) == STATUS_OK && taken == 3);
    CHECK(sys_signal_stack(0, SIGNAL_STACK_ASK, before) == STATUS_OK && before[0] == (uint64_t)stack && before[1] == sizeof stack);
    CHECK(sys_signal_stack(0, 0, NULL) == STATUS_OK && sys_signal_entry(entry_of_signals, 0, 0, 0) == STATUS_OK);
}

static void check_signals(void)
{
    CHECK(sys_thread_signal(0, 5) == STATUS_INVALID); /* no entry */
    CHECK(sys_signal_entry(entry_of_signals, 0, 0, 0) == STATUS_OK);
    CHECK(sys_thread_signal(0, 65) == STATUS_INVALID && sys_thread_signal(87654321, 1) == STATUS_PEER_GONE);
    CHECK(sys_signal_mask(6, 0, NULL) == STATUS_INVALID && sys_signal_mask(SIGNAL_BLOCK, 0, at(KERNEL_ADDRESS)) == STATUS_BAD_ADDRESS);
    CHECK(sys_thread_signal(0, 64) == STATUS_OK && taken == 1);
    uint64_t flags;
    __asm__ volatile("pushfq\n\tpopq %0" : "=r"(flags));
    CHECK((flags & 0x127200) == 0x200);
    CHECK(sys_thread_signal(0, 0) == STATUS_OK && sys_thread_sleep(UINT64_MAX) == STATUS_INTERRUPTED);
    CHECK(sys_signal_mask(SIGNAL_BLOCK, 1, NULL) == STATUS_OK && sys_thread_signal(0, 1) == STATUS_OK && taken == 1);
    CHECK(sys_signal_mask(SIGNAL_WAIT, 0, NULL) == STATUS_INTERRUPTED && taken == 2);
    uint64_t mask = 0;
    CHECK(sys_signal_mask(SIGNAL_UNBLOCK, 0, &mask) == STATUS_OK && mask == 1);
    CHECK(sys_signal_mask(SIGNAL_BLOCK, 2, NULL) == STATUS_OK && sys_process_signal(0, 2, 77) == STATUS_OK && taken == 2);
    CHECK(sys_signal_mask(SIGNAL_PENDING, 5, at(KERNEL_ADDRESS)) == STATUS_BAD_ADDRESS);
    CHECK(sys_signal_mask(SIGNAL_PENDING, 5, &mask) == STATUS_OK && mask == 2);
    CHECK(sys_signal_accept(2, 1) == 2 && sys_signal_accept(2, 1) == STATUS_TIMED_OUT && sys_signal_accept(0, 1) == STATUS_TIMED_OUT);
    CHECK(sys_process_signal(0, 65, 0) == STATUS_INVALID && sys_process_signal(0, UINT32_MAX, 0) == STATUS_INVALID);
    CHECK(sys_process_signal((handle_t)sys_endpoint_create(), 1, 0) == STATUS_BAD_HANDLE && sys_process_signal(9999, 1, 0) == STATUS_BAD_HANDLE);
    CHECK(sys_signal_entry(entry_of_signals, 0, 0, 0) == STATUS_OK && sys_signal_mask(SIGNAL_SET, 0, NULL) == STATUS_OK);
    check_signal_stacks();
    CHECK(sys_thread_name("a\nb", 3) == STATUS_INVALID && sys_thread_name("0123456789abcdef", 16) == STATUS_INVALID);
}

/* The end. */

static struct {
    uint64_t first, offset, pending;
} list = {(uint64_t)0, 8, 0x1234};

static void wait_somehow(uint64_t number)
{
    struct message request = {0}, reply = {0};
    handle_t answer;
    const uint64_t deadline = number % 2 ? 0 : (uint64_t)INT64_MAX + number;
    sys_futex_list(number % 3 ? at(KERNEL_ADDRESS) : &list);
    switch (number % 8) {
    case 0:
        sys_futex_wait((const void *)&words[CHAIN + 1], 0, 0, deadline);
        break;
    case 1:
        sys_futex_wait(at(shared + number % 4 * 4), 0, FUTEX_SHARED, deadline);
        break;
    case 2:
        sys_call_until(endpoint, &request, &reply, deadline);
        break;
    case 3:
        sys_receive_until((handle_t)sys_endpoint_create(), &request, &answer, deadline);
        break;
    case 4:
        sys_thread_sleep(UINT64_MAX - number);
        break;
    case 5:
        sys_futex_lock(at(shared + 400), FUTEX_SHARED, deadline);
        break;
    case 6:
        sys_signal_accept(number, deadline);
        break;
    default:
        sys_signal_mask(SIGNAL_WAIT, 0, NULL);
    }
    __atomic_fetch_add(&passed, 1, __ATOMIC_SEQ_CST);
    sys_thread_exit();
}

static void wait_in_every_way(void)
{
    const handle_t memory = (handle_t)sys_memory_create(4096);
    shared = (uint64_t)sys_process_map(self, memory, 0, 4096, 0, PROT_READ_WRITE);
    endpoint = (handle_t)sys_endpoint_create();
    list.first = (uint64_t)&list.pending; /* a circle that leads nowhere */
    list.pending = list.first;
    *(volatile unsigned *)(shared + 400) = 77777777; /* of another process, if any */
    passed = 0;
    for (uint64_t i = 0; i < WAITERS; i++)
        start(wait_somehow, i);
    let_others_run();
    CHECK(passed == 0);
    CHECK(sys_process_unmap(self, shared, 4096) == STATUS_OK && sys_handle_close(memory) == STATUS_OK);
    let_others_run();
    CHECK(passed == 0);
}

int main(void)
{
    self = sys_start_handle(START_HANDLE_SELF);
    check_addresses();
    check_locks();
    check_signals();
    wait_in_every_way();
    return checks_finish("waits");
}
