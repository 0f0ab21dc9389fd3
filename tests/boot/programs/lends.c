/* A process of high priority calls a service of the lowest while one between them uses the processor. As `service`, `middle` or
 * `high`. */
#include <protocol/loader.h>
#include <protocol/names.h>
#include <string.h>
#include <system/call.h>
#include <system/signal.h>
#include <threads.h>

#include "check.h"

#define MILLISECOND 1000000ull
#define BEGINS 5  /* ms after which middle uses the processor */
#define LASTS 40  /* and for how long */
#define CALLS 10  /* ms after which high calls */
#define KEEPS 1   /* a request: use the processor before the answer */

static uint64_t now(void)
{
    return (uint64_t)sys_clock(0);
}

static void use_processor(void)
{
    for (uint64_t end = now() + LASTS * MILLISECOND; now() < end;)
        ;
}

static uint32_t lock;

static int wait_for_lock(void *unused)
{
    (void)unused;
    return sys_futex_lock(&lock, 0, now() + MILLISECOND) == STATUS_TIMED_OUT;
}

/* The lock is one that others wait for, says the kernel, for ever. */
static void contest(void)
{
    thrd_t waiter;
    int timed_out = 0;
    lock = (uint32_t)sys_thread_number();
    CHECK(thrd_create(&waiter, wait_for_lock, NULL) == thrd_success && thrd_join(waiter, &timed_out) == thrd_success && timed_out);
}

static int serve(void)
{
    int64_t endpoint = names_serve("service");
    struct message request = {0};
    contest();
    for (handle_t reply; sys_receive((handle_t)endpoint, &request, &reply) == STATUS_OK; request = (struct message){0}) {
        if (request.word[0] == KEEPS)
            use_processor();
        sys_reply(reply, &(struct message){.word = {0, now()}});
    }
    return 1;
}

static void high(void)
{
    const uint64_t begin = now();
    int64_t service = names_lookup("service"), middle = loader_start("middle"), status;
    struct message request = {0}, reply = {0};
    CHECK(service > 0 && middle > 0);
    sys_thread_sleep(CALLS * MILLISECOND);
    CHECK(sys_call((handle_t)service, &request, &reply) == STATUS_OK);
    const uint64_t answered = (reply.word[1] - begin) / MILLISECOND;
    printf("answered after %llu ms\n", (unsigned long long)answered);
    CHECK(answered < BEGINS + LASTS / 2);
    CHECK(loader_wait((uint64_t)middle, &status) == STATUS_OK);
    CHECK(now() - begin > (BEGINS + LASTS) * MILLISECOND);
    /* What a caller lent goes when it waits no more. */
    const uint64_t called = now();
    CHECK(sys_call_until((handle_t)service, &(struct message){.word = {KEEPS}}, &reply, called + MILLISECOND) == STATUS_TIMED_OUT);
    CHECK(sys_thread_priority(0, 1) >= 0);
    CHECK(now() - called < LASTS / 2 * MILLISECOND);
}

int main(int count, char **arguments)
{
    const char *role = count > 1 ? arguments[1] : "";
    if (strcmp(role, "service") == 0)
        return serve();
    if (strcmp(role, "middle") == 0) {
        sys_thread_sleep(BEGINS * MILLISECOND);
        use_processor();
        return 0;
    }
    high();
    return checks_finish("lends");
}
