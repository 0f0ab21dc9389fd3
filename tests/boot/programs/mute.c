/* Registers as "mute", takes a request and never answers it. */
#include <protocol/names.h>
#include <system/call.h>

int main(void)
{
    handle_t endpoint = (handle_t)sys_endpoint_create(), reply;
    int64_t callable = sys_handle_duplicate(endpoint, RIGHT_CALL | RIGHT_TRANSFER | RIGHT_DUPLICATE, 0);
    if (names_register("mute", (handle_t)callable) != STATUS_OK)
        return 1;
    for (;;) {
        struct message request = {0};
        sys_receive(endpoint, &request, &reply);
    }
}
