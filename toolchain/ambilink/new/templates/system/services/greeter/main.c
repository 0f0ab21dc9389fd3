/* Answers each call with a greeting of the name that came with it. */
#include <greeting/greeting.h>
#include <protocol/call.h>
#include <protocol/names.h>
#include <system/call.h>

int main(void)
{
    int64_t endpoint = sys_endpoint_create();
    if (endpoint < 0)
        return 1;
    int64_t clients = sys_handle_duplicate((handle_t)endpoint, RIGHT_CALL | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
    if (clients < 0 || names_register(GREETER, (handle_t)clients) != STATUS_OK)
        return 1;
    for (;;) {
        char name[GREETING_NAME_MAX], text[GREETING_MAX];
        struct message request = {.data = name, .size = sizeof name};
        handle_t reply;
        if (sys_receive((handle_t)endpoint, &request, &reply) != STATUS_OK)
            return 1;
        struct message answer = {.data = text, .size = greeting_write(text, name, request.size)};
        ipc_answer(reply, STATUS_OK, &answer);
    }
}
