#include <greeting/greeting.h>
#include <protocol/call.h>
#include <protocol/names.h>

bool greeting_ask(char text[GREETING_MAX], const char *name)
{
    int64_t greeter = names_lookup(GREETER); /* waits until it is registered */
    if (greeter < 0)
        return false;
    struct message request = ipc_text_request(0, name);
    struct message answer = {.data = text, .size = GREETING_MAX - 1};
    if (ipc_call((handle_t)greeter, &request, &answer) != STATUS_OK)
        return false;
    text[answer.size] = 0;
    return true;
}
