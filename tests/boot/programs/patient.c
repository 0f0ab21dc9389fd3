/* Calls a service that keeps each request and never answers, until a time, again and again: what the service keeps is the
 * service's to pay for. */
#include <protocol/names.h>
#include <system/call.h>

#include "check.h"

#define CALLS 3000
#define ENDPOINTS 100
#define MILLISECOND 1000000

int main(void)
{
    int64_t mute = names_lookup("mute"), status = STATUS_TIMED_OUT;
    int calls = 0, endpoints = 0;
    CHECK(mute > 0);
    while (calls < CALLS && status == STATUS_TIMED_OUT) {
        struct message request = {.word = {1}}, reply;
        status = sys_call_until((handle_t)mute, &request, &reply, (uint64_t)sys_clock(CLOCK_SINCE_BOOT) + MILLISECOND);
        calls++;
    }
    CHECK(calls > 100 && calls < CALLS && status == STATUS_NO_MEMORY);
    while (endpoints < ENDPOINTS && sys_endpoint_create() > 0)
        endpoints++;
    CHECK(endpoints == ENDPOINTS);
    return checks_finish("patient");
}
