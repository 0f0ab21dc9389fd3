/* Reply objects: the right to answer one call. It is a handle of its own, so that a server may answer late, or hand
 * the duty on; when the last handle is closed unanswered, the call fails with STATUS_PEER_GONE. */
#ifndef OBJECT_REPLY_H
#define OBJECT_REPLY_H
#include "object/thread.h"

extern const struct object_type reply_type;

struct reply {
    struct object object;
    struct thread *caller; /* NULL: none yet, or it died */
};

/* For no caller yet; the budget, which is the receiver's, pays for it: who keeps it pays. NULL: no memory. */
struct reply *reply_create(struct budget *budget);
/* The caller now waits for the answer. */
void reply_bind(struct reply *reply, struct thread *caller);
/* Answer by a handle of the running thread. STATUS_OK, or STATUS_PEER_GONE (the caller died): the handle is gone. Else it
 * stays, and the caller waits: the message is wrong, or STATUS_TOO_LONG, STATUS_LIMIT, STATUS_NO_MEMORY. Handles of the
 * message moved with STATUS_OK only. */
int64_t reply_answer(handle_t handle, uint64_t message_user);
#endif
