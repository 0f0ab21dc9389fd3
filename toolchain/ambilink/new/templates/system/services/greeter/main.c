/* Answers each call with a greeting of the name that came with it. */
#include <greeting/greeting.h>
#include <protocol/call.h>
#include <protocol/names.h>

static void greet(void *context, struct ipc_request *request)
{
    (void)context;
    char text[GREETING_MAX];
    const struct message *message = &request->message;
    struct message answer = {.data = text, .size = greeting_write(text, message->data, message->size)};
    ipc_respond(request, STATUS_OK, &answer);
}

int main(void)
{
    char name[GREETING_NAME_MAX + 1];
    int64_t endpoint = names_serve(GREETER); /* the manifest lets a service register its own name */
    if (endpoint > 0)
        ipc_serve((handle_t)endpoint, name, sizeof name, greet, NULL);
    return 1;
}
