/* Endpoints: call, receive, reply. A call waits for a receiver and then for the answer; a message goes
 * from address space to address space in one copy. The right to answer is a handle of its own, so that a
 * server may answer late, or hand the duty on; closing it unanswered fails the call. */
#include "kernel.h"

struct endpoint *endpoint_create(struct process *server)
{
    struct endpoint *endpoint = pool_alloc(sizeof *endpoint);
    if (endpoint) {
        endpoint->object = (struct object){OBJECT_ENDPOINT, 1};
        endpoint->record.server = (uint64_t)&server->record;
    }
    return endpoint;
}

void endpoint_receive_handle_added(struct endpoint *endpoint)
{
    endpoint->receive_handles++;
}

void endpoint_receive_handle_closed(struct endpoint *endpoint)
{
    if (--endpoint->receive_handles)
        return;
    endpoint->record.server = 0;
    while (endpoint->callers.first)
        thread_wake(endpoint->callers.first, STATUS_PEER_GONE);
    while (endpoint->receivers.first)
        thread_wake(endpoint->receivers.first, STATUS_BAD_HANDLE);
    while (endpoint->exited) {
        struct process *process = endpoint->exited;
        endpoint->exited = process->next_exited;
        object_release(process);
    }
}

void endpoint_destroy(struct endpoint *endpoint)
{
    pool_free(endpoint, sizeof *endpoint);
}

void reply_destroy(struct reply *reply)
{
    if (reply->caller) {
        reply->caller->reply = NULL;
        thread_wake(reply->caller, STATUS_PEER_GONE);
    }
    pool_free(reply, sizeof *reply);
}

/* Copy a message between two threads' processes and move its handles. STATUS_BAD_ADDRESS says that the
 * receiver's memory is wrong, so the sender's memory must have been read before. */
static int64_t message_deliver(struct process *from, const struct message *sent, uint64_t badge, struct process *to,
                               uint64_t user)
{
    struct message received;
    if (!user_read(to, &received, user, sizeof received))
        return STATUS_BAD_ADDRESS;
    if (sent->size > received.size)
        return STATUS_TOO_LONG;
    if (sent->size && !user_copy(to, (uint64_t)received.data, from, (uint64_t)sent->data, sent->size))
        return STATUS_BAD_ADDRESS;
    memory_copy(received.word, sent->word, sizeof received.word);
    received.badge = badge;
    received.size = sent->size;
    received.handle_count = 0;
    memory_fill(received.handle, 0, sizeof received.handle);
    for (uint64_t i = 0; i < sent->handle_count; i++) {
        int64_t moved = handle_move(from, sent->handle[i], to);
        if (moved < 0)
            return moved;
        received.handle[received.handle_count++] = (handle_t)moved;
    }
    return user_write(to, user, &received, sizeof received) ? STATUS_OK : STATUS_BAD_ADDRESS;
}

/* Fetch what a sender wants to send, and check all that is the sender's to get right. Done when the message
 * is handed in, and again when it is handed over: the sender's other threads may have changed things. */
static int64_t message_read(struct process *sender, uint64_t user, struct message *message)
{
    if (!user_read(sender, message, user, sizeof *message))
        return STATUS_BAD_ADDRESS;
    if (message->size > MESSAGE_DATA_MAX || message->handle_count > MESSAGE_HANDLES)
        return STATUS_INVALID;
    uint8_t probe;
    for (uint64_t done = 0; done < message->size; done += PAGE_SIZE)
        if (!user_read(sender, &probe, (uint64_t)message->data + done, 1))
            return STATUS_BAD_ADDRESS;
    if (message->size && !user_read(sender, &probe, (uint64_t)message->data + message->size - 1, 1))
        return STATUS_BAD_ADDRESS;
    for (uint64_t i = 0; i < message->handle_count; i++) {
        struct handle_slot *slot = handle_slot(sender, message->handle[i]);
        if (!slot)
            return STATUS_BAD_HANDLE;
        if (!(slot->rights & RIGHT_TRANSFER))
            return STATUS_NO_RIGHT;
        for (uint64_t j = 0; j < i; j++)
            if (message->handle[j] == message->handle[i])
                return STATUS_INVALID;
    }
    return STATUS_OK;
}

/* Hand the caller's request to a receiver; on success the caller waits for the answer. The request was just
 * read, so STATUS_BAD_ADDRESS is the receiver's mistake. */
static int64_t hand_over(struct thread *caller, const struct message *request, struct thread *receiver)
{
    struct reply *reply = pool_alloc(sizeof *reply);
    if (!reply)
        return STATUS_NO_MEMORY;
    reply->object = (struct object){OBJECT_REPLY, 1};
    int64_t handle = handle_insert(receiver->process, reply, RIGHT_TRANSFER, 0);
    int64_t status = handle;
    if (handle > 0) {
        handle_t value = (handle_t)handle;
        status = message_deliver(caller->process, request, caller->badge, receiver->process, receiver->message_out);
        if (status == STATUS_OK && !user_write(receiver->process, receiver->reply_handle_out, &value, sizeof value))
            status = STATUS_BAD_ADDRESS;
        if (status != STATUS_OK)
            handle_close(receiver->process, value);
    }
    if (status == STATUS_OK) {
        reply->caller = caller;
        caller->reply = reply;
        thread_queue_remove(caller);
        caller->record.state = THREAD_AWAITING_REPLY;
    }
    object_release(reply);
    return status;
}

int64_t endpoint_call(struct endpoint *endpoint, uint64_t badge, uint64_t request_user, uint64_t reply_user)
{
    struct thread *caller = current_thread;
    struct message request, answer;
    int64_t status = message_read(caller->process, request_user, &request);
    if (status != STATUS_OK)
        return status;
    if (!user_read(caller->process, &answer, reply_user, sizeof answer))
        return STATUS_BAD_ADDRESS;
    if (!endpoint->receive_handles)
        return STATUS_PEER_GONE;
    caller->message_in = request_user;
    caller->message_out = reply_user;
    caller->badge = badge;
    caller->record.operation = request.word[0];
    while (endpoint->receivers.first) {
        struct thread *receiver = endpoint->receivers.first;
        status = hand_over(caller, &request, receiver);
        if (status == STATUS_BAD_ADDRESS) { /* tell the receiver, look for another */
            thread_wake(receiver, STATUS_BAD_ADDRESS);
            continue;
        }
        if (status != STATUS_OK)
            return status;
        caller->record.endpoint = (uint64_t)&endpoint->record;
        thread_wake(receiver, STATUS_OK);
        return STATUS_OK;
    }
    thread_queue_remove(caller);
    caller->record.state = THREAD_CALLING;
    caller->record.endpoint = (uint64_t)&endpoint->record;
    thread_queue_add(&endpoint->callers, caller);
    return STATUS_OK;
}

/* Tell the running thread of one process that ended. */
static int64_t receive_exit(struct endpoint *endpoint, struct thread *receiver)
{
    struct process *process = endpoint->exited;
    struct message notice = {.word = {MESSAGE_PROCESS_EXITED, process->record.state, (uint64_t)process->record.exit_status,
                                      process->record.number}};
    handle_t none = 0;
    int64_t status = message_deliver(process, &notice, process->watcher_badge, receiver->process, receiver->message_out);
    if (status != STATUS_OK)
        return status;
    if (!user_write(receiver->process, receiver->reply_handle_out, &none, sizeof none))
        return STATUS_BAD_ADDRESS;
    endpoint->exited = process->next_exited;
    object_release(process);
    return STATUS_OK;
}

int64_t endpoint_receive(struct endpoint *endpoint, uint64_t request_user, uint64_t handle_user)
{
    struct thread *receiver = current_thread;
    endpoint->record.server = (uint64_t)&receiver->process->record;
    receiver->message_out = request_user;
    receiver->reply_handle_out = handle_user;
    if (endpoint->exited)
        return receive_exit(endpoint, receiver);
    while (endpoint->callers.first) {
        struct thread *caller = endpoint->callers.first;
        struct message request;
        int64_t status = message_read(caller->process, caller->message_in, &request);
        if (status == STATUS_OK) {
            status = hand_over(caller, &request, receiver);
            if (status == STATUS_OK || status == STATUS_BAD_ADDRESS)
                return status;
        }
        thread_wake(caller, status);
    }
    thread_queue_remove(receiver);
    receiver->record.state = THREAD_RECEIVING;
    receiver->record.endpoint = (uint64_t)&endpoint->record;
    thread_queue_add(&endpoint->receivers, receiver);
    return STATUS_OK;
}

int64_t endpoint_reply(handle_t handle, uint64_t message_user)
{
    struct process *process = current_thread->process;
    int64_t status;
    struct reply *reply = handle_object(process, handle, OBJECT_REPLY, 0, &status);
    if (!reply)
        return status;
    struct message answer;
    status = message_read(process, message_user, &answer);
    if (status != STATUS_OK)
        return status;
    struct thread *caller = reply->caller;
    if (caller) {
        status = message_deliver(process, &answer, 0, caller->process, caller->message_out);
        if (status == STATUS_TOO_LONG)
            return status;
        reply->caller = NULL;
        caller->reply = NULL;
        thread_wake(caller, status);
    }
    handle_close(process, handle);
    return caller ? STATUS_OK : STATUS_PEER_GONE;
}

void endpoint_process_exited(struct endpoint *endpoint, struct process *process)
{
    if (!endpoint->receive_handles)
        return;
    struct process **link = &endpoint->exited;
    while (*link)
        link = &(*link)->next_exited;
    *link = process;
    object_retain(process);
    while (endpoint->receivers.first && endpoint->exited) {
        struct thread *receiver = endpoint->receivers.first;
        thread_wake(receiver, receive_exit(endpoint, receiver));
    }
}
