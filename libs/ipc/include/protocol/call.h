/* A call and its answer in one step. */
#ifndef PROTOCOL_CALL_H
#define PROTOCOL_CALL_H
#include <ambilink/abi.h>

/* Sends `request`; the answer's words and handles replace those in *reply, and its data goes to
 * reply->data (at most reply->size bytes). Returns the kernel's status, or word 0 of the answer. */
int64_t ipc_call(handle_t endpoint, const struct message *request, struct message *reply);

/* A request that carries a string (without its NUL) as data. */
struct message ipc_text_request(uint64_t operation, const char *text);

/* Answers with a status, and what `answer` holds beside word 0. */
void ipc_answer(handle_t reply, int64_t status, const struct message *answer);
#endif
