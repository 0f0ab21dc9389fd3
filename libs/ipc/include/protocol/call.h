/* Both ends of a call. Neither keeps a handle that it did not ask for. */
#ifndef PROTOCOL_CALL_H
#define PROTOCOL_CALL_H
#include <ambilink/abi.h>

/* Sends `request`; the answer's words and handles replace those in *reply, and its data goes to reply->data (at most
 * reply->size bytes). Returns the kernel's status, or word 0 of the answer. Of the answer's handles as many are kept as
 * reply->handle_count said before, and of a refusal none: others are closed. */
int64_t ipc_call(handle_t endpoint, const struct message *request, struct message *reply);

/* A request that carries a string (without its NUL) as data. */
struct message ipc_text_request(uint64_t operation, const char *text);

/* A request, to the function that handles it. */
struct ipc_request {
    struct message message; /* its data ends with a NUL that is not counted */
    handle_t reply; /* 0: a message of the kernel, or it was answered */
};
typedef void ipc_handler(void *context, struct ipc_request *request);

/* Receive requests and have them handled, for ever: returns a status only when nothing can be received any more.
 * `buffer` takes data of at most `size` - 1 bytes. Whatever handle the handler did not take it closes, and it answers
 * STATUS_INVALID to what the handler neither answered nor kept. */
int64_t ipc_serve(handle_t endpoint, void *buffer, uint64_t size, ipc_handler *handle, void *context);
/* The handle is the caller's from now on; 0: the request has none there, or it was taken. */
handle_t ipc_take(struct ipc_request *request, unsigned index);
/* Answers a request; only the first time. */
void ipc_respond(struct ipc_request *request, int64_t status, const struct message *answer);

/* A handle that calls an endpoint of its own, whose messages come to `served`, with this badge: when the last such handle is closed,
 * also by a process' end, MESSAGE_NO_CALLERS comes there. *receives is to be closed when nothing is served there any more.
 * Returns the handle, or a status. */
int64_t ipc_make_member(handle_t served, uint64_t badge, handle_t *receives);

/* Answers with a status, and what `answer` holds beside word 0. */
void ipc_answer(handle_t reply, int64_t status, const struct message *answer);
#endif
