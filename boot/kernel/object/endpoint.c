#include "object/endpoint.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "base/life.h"
#include "memory/pool.h"
#include "memory/user.h"
#include "object/message.h"
#include "object/reply.h"

static struct endpoint *first_waiting, **last_waiting = &first_waiting;

static bool has_notice(const struct endpoint *endpoint)
{
    return endpoint->last_notice || endpoint->signals;
}

/* Let endpoints_work come to it. */
static void wait_for_work(struct endpoint *endpoint)
{
    if (endpoint->is_waiting)
        return;
    object_retain(endpoint);
    endpoint->is_waiting = true;
    endpoint->next_waiting = NULL;
    *last_waiting = endpoint;
    last_waiting = &endpoint->next_waiting;
    work_waiting++;
}

/* The oldest notice was received, or cannot be any more. */
static void drop_notice(struct endpoint *endpoint)
{
    struct notice *last = endpoint->last_notice, *notice = last->next;
    last->next = notice->next;
    if (notice == last)
        endpoint->last_notice = NULL;
    object_release(notice->owner);
}

static void handle_made(void *object, uint32_t rights)
{
    struct endpoint *endpoint = object;
    if (rights & RIGHT_RECEIVE)
        endpoint->receive_handles++;
    if (rights & RIGHT_CALL)
        endpoint->call_handles++;
}

static void handle_closed(void *object, uint32_t rights)
{
    struct endpoint *endpoint = object;
    if (rights & RIGHT_CALL && !--endpoint->call_handles && endpoint->joined && endpoint->joined->notice.badge)
        endpoint_notify(endpoint, &endpoint->joined->notice);
    if (!(rights & RIGHT_RECEIVE) || --endpoint->receive_handles)
        return;
    endpoint->record.server = 0;
    wait_for_work(endpoint);
}

static bool endpoint_destroy(void *object)
{
    struct endpoint *endpoint = object;
    if (endpoint->joined) {
        object_release(endpoint->joined->set);
        pool_free(endpoint->joined);
    }
    pool_free(object);
    return true;
}

static void endpoint_reached(void *object)
{
    struct endpoint *endpoint = object;
    if (!reach_first(&endpoint->reach, endpoint))
        return;
    if (endpoint->joined)
        object_reached(endpoint->joined->set);
    endpoint->callers.cursor = endpoint->callers.first;
    endpoint->receivers.cursor = endpoint->receivers.first;
}

const struct object_type endpoint_type = {
    .destroy = endpoint_destroy,
    .handle_made = handle_made,
    .handle_closed = handle_closed,
    .reached = endpoint_reached,
};

/* Threads that wait here can be woken by any process that reaches it. */
bool endpoint_reach(struct endpoint *endpoint)
{
    return queue_reach(&endpoint->callers) && queue_reach(&endpoint->receivers);
}

struct endpoint *endpoint_create(struct budget *budget, const struct process_record *server)
{
    struct endpoint *endpoint = pool_alloc(budget, sizeof *endpoint);
    if (!endpoint)
        return NULL;
    endpoint->object = (struct object){.type = &endpoint_type, .references = 1};
    endpoint->record.server = (uint64_t)server;
    return endpoint;
}

/* Hand the caller's request to a receiver; then the caller waits for the answer. On failure neither has changed. */
static int64_t hand_over(struct thread *caller, const struct message *request, struct thread *receiver)
{
    int64_t status = handle_reserve(receiver->handles, 1 + (unsigned)request->handle_count);
    if (status != STATUS_OK)
        return status;
    struct reply *reply = reply_create(receiver->space->budget);
    if (!reply)
        return STATUS_NO_MEMORY;
    status = handle_insert(receiver->handles, reply, RIGHT_TRANSFER, 0);
    if (status > 0) {
        handle_t handle = (handle_t)status;
        status = message_deliver(caller, request, caller->badge, receiver, &handle);
        if (status == STATUS_OK) {
            reply_bind(reply, caller);
            thread_lend_priority(caller, receiver);
        } else {
            handle_close(receiver->handles, handle);
        }
    }
    object_release(reply);
    return status;
}

static struct endpoint *where_received(struct endpoint *endpoint)
{
    return endpoint->joined ? endpoint->joined->set : endpoint;
}

int64_t endpoint_join(struct endpoint *member, struct endpoint *set, uint64_t badge, struct budget *budget)
{
    if (member == set || member->joined || member->has_members || set->joined)
        return STATUS_OVERLAP;
    if (member->callers.first || member->receivers.first || member->last_notice || member->signals)
        return STATUS_OVERLAP;
    struct membership *joined = pool_alloc(budget, sizeof *joined);
    if (!joined)
        return STATUS_NO_MEMORY;
    object_retain(set);
    object_reached(set);
    *joined = (struct membership){set, {.owner = member, .badge = badge, .word = {MESSAGE_NO_CALLERS}}};
    member->joined = joined;
    set->has_members = true;
    return STATUS_OK;
}

int64_t endpoint_signal(struct endpoint *endpoint, uint32_t bits)
{
    if (!endpoint->receive_handles || !where_received(endpoint)->receive_handles)
        return STATUS_PEER_GONE;
    endpoint = where_received(endpoint);
    endpoint->signals |= bits;
    if (bits)
        wait_for_work(endpoint);
    return STATUS_OK;
}

int64_t endpoint_call(struct endpoint *endpoint, uint64_t badge, uint64_t request_user, uint64_t reply_user)
{
    struct thread *caller = current_thread;
    struct message request, answer;
    int64_t status = message_read(caller, request_user, &request);
    if (status != STATUS_OK)
        return status;
    if (!user_read(caller->space, &answer, reply_user, sizeof answer))
        return STATUS_BAD_ADDRESS;
    if (!endpoint->receive_handles || !where_received(endpoint)->receive_handles)
        return STATUS_PEER_GONE;
    endpoint = where_received(endpoint);
    caller->record.request = request_user;
    caller->message_out = reply_user;
    caller->badge = badge;
    caller->record.operation = request.word[0];
    while (endpoint->receivers.first && !has_notice(endpoint)) {
        struct thread *receiver = endpoint->receivers.first;
        if (!work_left)
            return CALL_AGAIN;
        work_did(1);
        if (receiver->handles->closed) {
            thread_set_aside(receiver);
            continue;
        }
        status = hand_over(caller, &request, receiver);
        if (status == STATUS_BAD_ADDRESS) { /* the receiver's mistake: look for another */
            thread_wake(receiver, STATUS_BAD_ADDRESS);
            continue;
        }
        if (status != STATUS_OK)
            return status;
        caller->record.endpoint = (uint64_t)&endpoint->record;
        thread_wake(receiver, STATUS_OK);
        return STATUS_OK;
    }
    caller->record.endpoint = (uint64_t)&endpoint->record;
    thread_wait(caller, &endpoint->callers, THREAD_CALLING);
    return STATUS_OK;
}

static int64_t receive_signals(struct endpoint *endpoint, struct thread *receiver)
{
    const struct message message = {.word = {MESSAGE_SIGNALLED, endpoint->signals}};
    const handle_t none = 0;
    const int64_t status = message_deliver(NULL, &message, 0, receiver, &none);
    if (status == STATUS_OK)
        endpoint->signals = 0;
    return status;
}

/* Give a thread the oldest notice; it stays where that fails. */
static int64_t receive_notice(struct endpoint *endpoint, struct thread *receiver)
{
    if (!endpoint->last_notice)
        return receive_signals(endpoint, receiver);
    const struct notice *notice = endpoint->last_notice->next;
    struct message message = {0};
    handle_t none = 0;
    memory_copy(message.word, notice->word, sizeof message.word);
    int64_t status = message_deliver(NULL, &message, notice->badge, receiver, &none);
    if (status == STATUS_OK)
        drop_notice(endpoint);
    return status;
}

int64_t endpoint_receive(struct endpoint *endpoint, uint64_t request_user, uint64_t handle_user)
{
    struct thread *receiver = current_thread;
    endpoint = where_received(endpoint);
    endpoint->record.server = (uint64_t)receiver->process_record;
    life_reach(receiver->process_record, LIFE_READY);
    receiver->message_out = request_user;
    receiver->reply_handle_out = handle_user;
    thread_end_loan(receiver);
    if (has_notice(endpoint))
        return receive_notice(endpoint, receiver);
    while (endpoint->callers.first) {
        struct thread *caller = endpoint->callers.first;
        struct message request;
        if (!work_left)
            return CALL_AGAIN;
        work_did(1);
        if (caller->handles->closed) {
            thread_set_aside(caller);
            continue;
        }
        int64_t status = message_read(caller, caller->record.request, &request);
        if (status == STATUS_OK) {
            status = hand_over(caller, &request, receiver);
            if (status == STATUS_OK || status == STATUS_BAD_ADDRESS)
                return status;
            if (status == STATUS_NO_MEMORY && memory_comes_back())
                return CALL_AGAIN;
        }
        thread_wake(caller, status);
    }
    receiver->record.endpoint = (uint64_t)&endpoint->record;
    thread_wait(receiver, &endpoint->receivers, THREAD_RECEIVING);
    return STATUS_OK;
}

void endpoint_notify(struct endpoint *endpoint, struct notice *notice)
{
    if (!endpoint->receive_handles)
        return;
    endpoint = where_received(endpoint);
    struct notice *last = endpoint->last_notice;
    notice->next = last ? last->next : notice;
    if (last)
        last->next = notice;
    endpoint->last_notice = notice;
    object_retain(notice->owner);
    wait_for_work(endpoint);
}

/* A step; false: there is nothing to do. */
static bool endpoint_step(struct endpoint *endpoint)
{
    struct thread *receiver = endpoint->receivers.first;
    if (endpoint->receive_handles) {
        if (!receiver || !has_notice(endpoint))
            return false;
        if (receiver->handles->closed)
            thread_set_aside(receiver);
        else
            thread_wake(receiver, receive_notice(endpoint, receiver));
    } else if (endpoint->callers.first) {
        thread_wake(endpoint->callers.first, STATUS_PEER_GONE);
    } else if (receiver) {
        thread_wake(receiver, STATUS_BAD_HANDLE);
    } else if (endpoint->last_notice) {
        drop_notice(endpoint);
    } else {
        return false;
    }
    return true;
}

void endpoints_work(void)
{
    while (first_waiting && work_left) {
        struct endpoint *endpoint = first_waiting;
        work_did(1);
        if (endpoint_step(endpoint))
            continue;
        first_waiting = endpoint->next_waiting;
        if (!first_waiting)
            last_waiting = &first_waiting;
        endpoint->is_waiting = false;
        work_waiting--;
        object_release(endpoint);
    }
}
