/* Registers as "crash" and, when it is called, writes to an address that nothing is mapped at. */
#include <protocol/names.h>
#include <stddef.h>
#include <system/call.h>

__attribute__((noinline)) void break_rule(volatile int *where)
{
    *where = 1;
}

__attribute__((noinline)) void on_request(uint64_t address)
{
    break_rule((volatile int *)address);
    __asm__ volatile(""); /* not a tail call: the frame belongs into the backtrace */
}

int main(void)
{
    handle_t endpoint = (handle_t)sys_endpoint_create(), reply;
    int64_t callable = sys_handle_duplicate(endpoint, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DUPLICATE, 0);
    if (names_register("crash", (handle_t)callable) != STATUS_OK)
        return 1;
    struct message request = {0};
    sys_receive(endpoint, &request, &reply);
    on_request(request.word[1]);
    return 0;
}
