#include "object/reply.h"

#include "memory/pool.h"
#include "object/message.h"

static bool reply_destroy(void *object)
{
    struct reply *reply = object;
    if (reply->caller) {
        reply->caller->caller_link = NULL;
        thread_wake(reply->caller, STATUS_PEER_GONE);
    }
    pool_free(reply);
    return true;
}

/* An answer wakes the caller. */
static void reply_reached(void *object)
{
    const struct reply *reply = object;
    if (reply->caller)
        object_reached(reply->caller->process);
}

const struct object_type reply_type = {.destroy = reply_destroy, .reached = reply_reached};

struct reply *reply_create(struct budget *budget)
{
    struct reply *reply = pool_alloc(budget, sizeof *reply);
    if (!reply)
        return NULL;
    reply->object = (struct object){.type = &reply_type, .references = 1};
    return reply;
}

void reply_bind(struct reply *reply, struct thread *caller)
{
    reply->caller = caller;
    caller->caller_link = &reply->caller;
    object_reached(caller->process); /* by the reply, which may have been followed before it had a caller */
    thread_wait(caller, NULL, THREAD_AWAITING_REPLY);
}

int64_t reply_answer(handle_t handle, uint64_t message_user)
{
    int64_t status;
    struct reply *reply = handle_object(current_thread->handles, handle, &reply_type, 0, &status);
    if (!reply)
        return status;
    struct message answer;
    status = message_read(current_thread, message_user, &answer);
    if (status != STATUS_OK)
        return status;
    struct thread *caller = reply->caller;
    if (caller) {
        status = message_deliver(current_thread, &answer, 0, caller, NULL);
        if (status != STATUS_OK && status != STATUS_BAD_ADDRESS && status != STATUS_PEER_GONE)
            return status;
        reply->caller = NULL;
        caller->caller_link = NULL;
        thread_wake(caller, status);
    }
    handle_close(current_thread->handles, handle);
    return caller && status == STATUS_OK ? STATUS_OK : STATUS_PEER_GONE;
}
