/* Waiting: for time, for words of memory, for calls with a time-out. The first argument is how many nanoseconds the median
 * of 200 sleeps of a millisecond may take, the second how many beside a thread of lower priority that never waits. */
#include <protocol/loader.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "check.h"

#define MILLISECOND 1000000ll
#define SLEEPS 200
#define CROWD 400
#define STACK_SIZE 4096

static char stacks[CROWD][STACK_SIZE] __attribute__((aligned(16)));
static volatile unsigned word, other, woken, timed_out, failed;
static handle_t endpoint;

static int64_t now(void)
{
    return sys_clock(CLOCK_SINCE_BOOT);
}

static void start(void (*entry)(uint64_t argument), unsigned stack, uint64_t argument)
{
    const uint64_t top = (uint64_t)(stacks[stack] + STACK_SIZE - 8);
    const int64_t thread = sys_thread_create(sys_start_handle(START_HANDLE_SELF), (uint64_t)entry, top, argument);
    CHECK(thread > 0);
    sys_handle_close((handle_t)thread);
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void check_sleep(int64_t limit)
{
    static int64_t spans[SLEEPS];
    for (unsigned i = 0; i < SLEEPS; i++) {
        const int64_t before = now();
        sys_thread_sleep(MILLISECOND);
        spans[i] = now() - before;
    }
    qsort(spans, SLEEPS, sizeof *spans, compare);
    printf("sleeps of a millisecond: least %lld, median %lld\n", (long long)spans[0], (long long)spans[SLEEPS / 2]);
    CHECK(spans[0] >= MILLISECOND);
    CHECK(spans[SLEEPS / 2] <= limit);
    const int64_t before = now();
    CHECK(sys_thread_sleep(30 * MILLISECOND) == STATUS_OK && now() - before >= 30 * MILLISECOND);
}

static void wait_for(uint64_t address)
{
    const int64_t status = sys_futex_wait((const void *)address, 0, 0, 0);
    __atomic_fetch_add(status == STATUS_OK ? &woken : &failed, 1, __ATOMIC_SEQ_CST);
    sys_thread_exit();
}

static void wait_for_shared(uint64_t address)
{
    const int64_t status = sys_futex_wait((const void *)address, 0, FUTEX_SHARED, 0);
    __atomic_fetch_add(status == STATUS_OK ? &woken : &failed, 1, __ATOMIC_SEQ_CST);
    sys_thread_exit();
}

static void wait_until(uint64_t deadline)
{
    const int64_t status = sys_futex_wait((const void *)&word, 0, 0, deadline);
    __atomic_fetch_add(status == STATUS_TIMED_OUT ? &timed_out : &woken, 1, __ATOMIC_SEQ_CST);
    sys_thread_exit();
}

/* Until they wait: each has had a turn, or several. */
static void let_others_run(void)
{
    for (unsigned i = 0; i < 5; i++) {
        sys_thread_yield();
        sys_thread_sleep(MILLISECOND / 4);
    }
}

static void check_word(void)
{
    const char *const bytes = (const char *)&word;
    CHECK(sys_futex_wait((const void *)&word, 1, 0, 0) == STATUS_CHANGED);
    CHECK(sys_futex_wait(bytes + 1, 0, 0, 0) == STATUS_INVALID && sys_futex_wait((const void *)&word, 0, 2, 0) == STATUS_INVALID);
    CHECK(sys_futex_wait((const void *)0x10000, 0, 0, 0) == STATUS_BAD_ADDRESS);
    CHECK(sys_futex_wait((const void *)0x10000, 0, FUTEX_SHARED, 0) == STATUS_BAD_ADDRESS);
    CHECK(sys_futex_wait((const void *)0xffff800000000000, 0, 0, 0) == STATUS_BAD_ADDRESS);
    CHECK(sys_futex_wake((const void *)&word, UINT64_MAX, 0) == 0);
    const int64_t before = now();
    CHECK(sys_futex_wait((const void *)&word, 0, 0, 1) == STATUS_TIMED_OUT); /* it was long ago */
    CHECK(sys_futex_wait((const void *)&word, 0, 0, (uint64_t)before + 2 * MILLISECOND) == STATUS_TIMED_OUT);
    CHECK(now() - before >= 2 * MILLISECOND && now() - before < 20 * MILLISECOND);
    for (unsigned i = 0; i < 5; i++)
        start(wait_for, i, (uint64_t)&word);
    let_others_run();
    CHECK(sys_futex_wake((const void *)&word, 2, FUTEX_SHARED) == 0); /* they wait for the address */
    CHECK(sys_futex_wake((const void *)&word, 2, 0) == 2);
    let_others_run();
    CHECK(woken == 2);
    CHECK(sys_futex_requeue((const void *)&word, 1, (const void *)&other, 1, FUTEX_COMPARE, 7) == STATUS_CHANGED);
    CHECK(sys_futex_requeue((const void *)&word, 1, (const void *)&other, 1, FUTEX_COMPARE, 0) == 2);
    CHECK(sys_futex_requeue((const void *)&word, 0, (const void *)&word, UINT64_MAX, 0, 0) == 1); /* a circle */
    CHECK(sys_futex_wake((const void *)&other, 9, 0) == 1 && sys_futex_wake((const void *)&word, 9, 0) == 1);
    let_others_run();
    CHECK(woken == 5 && failed == 0);
}

static void check_time_outs(void)
{
    woken = 0;
    start(wait_until, 0, (uint64_t)(now() + 3 * MILLISECOND));
    start(wait_until, 1, UINT64_MAX);
    start(wait_until, 2, INT64_MAX);
    sys_thread_sleep(5 * MILLISECOND);
    CHECK(timed_out == 1 && woken == 0);
    CHECK(sys_futex_wake((const void *)&word, 9, 0) == 2);
    let_others_run();
    CHECK(woken == 2);
}

static void check_crowd(void)
{
    woken = 0;
    for (unsigned i = 0; i < CROWD; i++)
        start(wait_for, i, (uint64_t)&word);
    let_others_run();
    CHECK(sys_futex_requeue((const void *)&word, 1, (const void *)&other, CROWD - 2, 0, 0) == CROWD - 1); /* in steps */
    CHECK(sys_futex_wake((const void *)&other, UINT64_MAX, 0) == CROWD - 2);
    CHECK(sys_futex_wake((const void *)&word, UINT64_MAX, 0) == 1);
    while (woken < CROWD)
        let_others_run();
    /* Each its own word. */
    woken = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        memset(stacks[i], 0, 8);
        start(wait_for, i, (uint64_t)stacks[i]);
    }
    let_others_run();
    unsigned sum = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        sum += (unsigned)sys_futex_wake(stacks[i * 7 % CROWD], 2, 0);
        CHECK(sys_futex_wake(stacks[i * 7 % CROWD], 2, 0) == 0);
    }
    CHECK(sum == CROWD);
    while (woken < CROWD)
        let_others_run();
    CHECK(failed == 0);
}

static void check_shared(void)
{
    const handle_t self = sys_start_handle(START_HANDLE_SELF);
    const handle_t memory = (handle_t)sys_memory_create(8192);
    const int64_t one = sys_process_map(self, memory, 0, 8192, 0, PROT_READ_WRITE);
    const int64_t two = sys_process_map(self, memory, 4096, 4096, 0, PROT_READ_ONLY);
    CHECK(one > 0 && two > 0);
    woken = 0;
    start(wait_for_shared, 0, (uint64_t)one + 4096 + 40);
    start(wait_for_shared, 1, (uint64_t)two + 40);
    start(wait_for_shared, 2, (uint64_t)one + 40);
    start(wait_for, 3, (uint64_t)two + 40);
    let_others_run();
    CHECK(sys_process_unmap(self, (uint64_t)one + 4096, 4096) == STATUS_OK); /* a thread that waits there, waits on */
    CHECK(sys_futex_wake((const void *)(one + 4096 + 40), 9, FUTEX_SHARED) == STATUS_BAD_ADDRESS);
    CHECK(sys_futex_wake((const void *)(two + 40), 9, FUTEX_SHARED) == 2);
    CHECK(sys_futex_wake((const void *)(two + 40), 9, FUTEX_SHARED) == 0);
    CHECK(sys_process_unmap(self, (uint64_t)two, 4096) == STATUS_OK);
    CHECK(sys_futex_wake((const void *)(two + 40), 9, 0) == 1); /* an address needs no memory */
    CHECK(sys_process_unmap(self, (uint64_t)one, 4096) == STATUS_OK);
    CHECK(sys_process_map(self, memory, 0, 4096, (uint64_t)two, PROT_READ_ONLY) == two);
    CHECK(sys_futex_wake((const void *)(two + 40), 9, FUTEX_SHARED) == 1);
    let_others_run();
    CHECK(woken == 4 && failed == 0);
    CHECK(sys_process_unmap(self, (uint64_t)two, 4096) == STATUS_OK && sys_handle_close(memory) == STATUS_OK);
}

static void answer_late(uint64_t span)
{
    struct message request = {0};
    handle_t reply = 0;
    CHECK(sys_receive(endpoint, &request, &reply) == STATUS_OK);
    sys_thread_sleep(span);
    const struct message answer = {0};
    CHECK(sys_reply(reply, &answer) == (span > 2 * MILLISECOND ? STATUS_PEER_GONE : STATUS_OK));
    woken++;
    sys_thread_exit();
}

static void check_calls(void)
{
    endpoint = (handle_t)sys_endpoint_create();
    struct message request = {0}, reply = {0};
    handle_t answer = 0;
    int64_t before = now();
    CHECK(sys_call_until(endpoint, &request, &reply, (uint64_t)before + MILLISECOND) == STATUS_TIMED_OUT);
    CHECK(now() - before >= MILLISECOND);
    before = now();
    CHECK(sys_receive_until(endpoint, &request, &answer, (uint64_t)before + MILLISECOND) == STATUS_TIMED_OUT);
    CHECK(now() - before >= MILLISECOND);
    CHECK(sys_receive_until(endpoint, &request, &answer, 1) == STATUS_TIMED_OUT);
    woken = 0;
    start(answer_late, 0, MILLISECOND);
    CHECK(sys_call_until(endpoint, &request, &reply, (uint64_t)now() + 50 * MILLISECOND) == STATUS_OK);
    start(answer_late, 1, 10 * MILLISECOND);
    CHECK(sys_call_until(endpoint, &request, &reply, (uint64_t)now() + 2 * MILLISECOND) == STATUS_TIMED_OUT);
    CHECK(woken == 1);
    sys_thread_sleep(12 * MILLISECOND);
    CHECK(woken == 2);
}

static handle_t members[3], set;

static void call_member(uint64_t number)
{
    struct message request = {.word = {number}}, reply = {0};
    if (sys_call(members[number], &request, &reply) == STATUS_OK && reply.word[0] == number * 10)
        __atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
    sys_thread_exit();
}

static void signal_twice(uint64_t bits)
{
    sys_endpoint_signal(members[0], (uint32_t)bits);
    sys_endpoint_signal(set, (uint32_t)bits << 1);
    sys_thread_exit();
}

static void check_several_endpoints(void)
{
    struct message request = {0};
    handle_t reply = 0;
    set = (handle_t)sys_endpoint_create();
    for (unsigned i = 0; i < 3; i++) {
        members[i] = (handle_t)sys_endpoint_create();
        CHECK(sys_endpoint_join(members[i], set, 0) == STATUS_OK && sys_endpoint_join(members[i], set, 0) == STATUS_OVERLAP);
    }
    CHECK(sys_endpoint_join(set, set, 0) == STATUS_OVERLAP && sys_endpoint_join(set, members[0], 0) == STATUS_OVERLAP);
    CHECK(sys_endpoint_join((handle_t)sys_endpoint_create(), members[0], 0) == STATUS_OVERLAP); /* no chains */
    CHECK(sys_endpoint_join(set, 999, 0) == STATUS_BAD_HANDLE);
    const handle_t callable = (handle_t)sys_handle_duplicate(set, RIGHT_CALL, 0);
    CHECK(sys_endpoint_join(members[0], callable, 0) == STATUS_NO_RIGHT && sys_endpoint_signal(callable, 1) == STATUS_NO_RIGHT);
    woken = 0;
    for (uint64_t i = 0; i < 3; i++)
        start(call_member, (unsigned)i, i);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(sys_receive(set, &request, &reply) == STATUS_OK && reply);
        const struct message answer = {.word = {request.word[0] * 10}};
        CHECK(sys_reply(reply, &answer) == STATUS_OK);
    }
    let_others_run();
    CHECK(woken == 3);
    start(signal_twice, 0, 5);
    CHECK(sys_receive(members[1], &request, &reply) == STATUS_OK && !reply); /* it is there already, or wakes this one */
    uint64_t bits = request.word[1];
    CHECK(request.word[0] == MESSAGE_SIGNALLED);
    if (bits != (5 | 10) && sys_receive(set, &request, &reply) == STATUS_OK)
        bits |= request.word[1];
    CHECK(bits == (5 | 10) && sys_receive_until(set, &request, &reply, 1) == STATUS_TIMED_OUT);
    for (unsigned i = 0; i < 9; i++)
        CHECK(sys_endpoint_signal(members[2], 1u << i) == STATUS_OK); /* one message */
    CHECK(sys_receive(set, &request, &reply) == STATUS_OK && request.word[1] == 0x1ff);
    CHECK(sys_receive_until(set, &request, &reply, 1) == STATUS_TIMED_OUT);
    const handle_t signals = (handle_t)sys_handle_duplicate(members[0], RIGHT_SIGNAL, 0);
    sys_handle_close(set);
    CHECK(sys_endpoint_signal(signals, 1) == STATUS_PEER_GONE);
    CHECK(sys_call(members[0], &request, &request) == STATUS_PEER_GONE);
}

/* A set gets a message once no handle may call a member any more. */
static void check_no_callers(void)
{
    struct message request = {0}, sent = {0};
    handle_t reply, calls[2];
    const handle_t set = (handle_t)sys_endpoint_create(), member = (handle_t)sys_endpoint_create();
    CHECK(sys_endpoint_join(member, set, 77) == STATUS_OK);
    const handle_t receives = (handle_t)sys_handle_duplicate(member, RIGHT_RECEIVE, 0);
    for (unsigned i = 0; i < 2; i++)
        calls[i] = (handle_t)sys_handle_duplicate(member, RIGHT_CALL | RIGHT_TRANSFER, 5 + i);
    sys_handle_close(member);
    sys_handle_close(calls[0]);
    CHECK(sys_receive_until(set, &request, &reply, 1) == STATUS_TIMED_OUT);
    sent.handle[0] = calls[1]; /* in a message that is refused, and then with a process' own endpoint */
    sent.handle_count = 1;
    CHECK(sys_call_until(calls[1], &sent, &request, 1) == STATUS_TIMED_OUT);
    CHECK(sys_receive_until(set, &request, &reply, 1) == STATUS_TIMED_OUT);
    sys_handle_close(calls[1]);
    CHECK(sys_receive(receives, &request, &reply) == STATUS_OK && !reply);
    CHECK(request.word[0] == MESSAGE_NO_CALLERS && request.badge == 77);
    CHECK(sys_receive_until(set, &request, &reply, 1) == STATUS_TIMED_OUT); /* once */
    for (unsigned i = 0; i < 2000; i++) { /* nothing is left of members */
        const handle_t other = (handle_t)sys_endpoint_create();
        CHECK(sys_endpoint_join(other, set, i + 1) == STATUS_OK);
        sys_handle_close(other);
        CHECK(sys_receive_until(set, &request, &reply, 1) == STATUS_OK);
    }
    sys_handle_close(receives);
    sys_handle_close(set);
}

static volatile int is_stopped;

static void spin(uint64_t argument)
{
    (void)argument;
    while (!is_stopped)
        other++;
    sys_thread_exit();
}

/* Beside a thread that never waits. */
static void check_priorities(int64_t limit)
{
    CHECK(sys_thread_priority(0, PRIORITY_ASK) == 5); /* as the manifest says */
    CHECK(sys_thread_priority(0, 6) == STATUS_NO_RIGHT && sys_thread_priority(0, 32) == STATUS_INVALID);
    CHECK(sys_process_priority(sys_start_handle(START_HANDLE_SELF), 6) == STATUS_NO_RIGHT);
    CHECK(sys_thread_priority(12345678, 1) == STATUS_PEER_GONE);
    CHECK(sys_thread_priority(0, 0) == 5);
    start(spin, 0, 0); /* it has 0, as its maker: so has the console */
    const unsigned before = other;
    CHECK(sys_thread_priority(0, 5) == 0);
    for (unsigned i = 0; i < 3; i++)
        sys_thread_yield(); /* no other thread is ready */
    CHECK(other == before);
    check_sleep(limit);
    CHECK(other != before);
    is_stopped = 1;
    CHECK(sys_thread_priority(0, 0) == 5);
    const handle_t child = (handle_t)sys_process_create("child", 5);
    CHECK(sys_process_priority(child, 6) == STATUS_NO_RIGHT && sys_process_priority(child, 5) == STATUS_OK);
    sys_handle_close(child);
    let_others_run();
}

int main(int count, char **arguments)
{
    CHECK(count == 3);
    check_sleep(atoll(arguments[1]));
    check_priorities(atoll(arguments[2]));
    check_word();
    check_time_outs();
    check_crowd();
    check_shared();
    check_calls();
    check_several_endpoints();
    check_no_callers();
    return checks_finish("waits");
}
