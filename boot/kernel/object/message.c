#include "object/message.h"

#include "base/bytes.h"
#include "memory/user.h"

int64_t message_read(const struct thread *sender, uint64_t user, struct message *message)
{
    if (!user_read(sender->space, message, user, sizeof *message))
        return STATUS_BAD_ADDRESS;
    if (message->size > MESSAGE_DATA_MAX || message->handle_count > MESSAGE_HANDLES)
        return STATUS_INVALID;
    uint8_t probe;
    for (uint64_t done = 0; done < message->size; done += PAGE_SIZE)
        if (!user_read(sender->space, &probe, (uint64_t)message->data + done, 1))
            return STATUS_BAD_ADDRESS;
    if (message->size && !user_read(sender->space, &probe, (uint64_t)message->data + message->size - 1, 1))
        return STATUS_BAD_ADDRESS;
    for (uint64_t i = 0; i < message->handle_count; i++) {
        struct handle_slot *slot = handle_slot(sender->handles, message->handle[i]);
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

static void close_handles(struct handle_table *table, const handle_t handle[], uint64_t count)
{
    while (count)
        handle_close(table, handle[--count]);
}

/* Give the receiver, which has room, handles of its own to what the sender's lead to. */
static void copy_handles(struct handle_table *from, const struct message *sent, struct handle_table *to,
                         struct message *received)
{
    for (uint64_t i = 0; i < sent->handle_count; i++) {
        const struct handle_slot *slot = handle_slot(from, sent->handle[i]);
        received->handle[i] = (handle_t)handle_insert(to, slot->object, slot->rights, slot->badge);
    }
    received->handle_count = sent->handle_count;
}

int64_t message_deliver(const struct thread *sender, const struct message *sent, uint64_t badge, const struct thread *receiver,
                        const handle_t *reply_handle)
{
    struct message received;
    if (!user_read(receiver->space, &received, receiver->message_out, sizeof received))
        return STATUS_BAD_ADDRESS;
    if (sent->size > received.size)
        return STATUS_TOO_LONG;
    int64_t status = sent->handle_count ? handle_reserve(receiver->handles, (unsigned)sent->handle_count) : STATUS_OK;
    if (status != STATUS_OK)
        return status;
    if (sent->size &&
        !user_copy(receiver->space, (uint64_t)received.data, sender->space, (uint64_t)sent->data, sent->size))
        return STATUS_BAD_ADDRESS;
    memory_copy(received.word, sent->word, sizeof received.word);
    received.badge = badge;
    received.size = sent->size;
    received.handle_count = 0;
    memory_fill(received.handle, 0, sizeof received.handle);
    if (sent->handle_count)
        copy_handles(sender->handles, sent, receiver->handles, &received);
    if (!user_write(receiver->space, receiver->message_out, &received, sizeof received) ||
        (reply_handle && !user_write(receiver->space, receiver->reply_handle_out, reply_handle, sizeof *reply_handle))) {
        close_handles(receiver->handles, received.handle, received.handle_count);
        return STATUS_BAD_ADDRESS;
    }
    if (sent->handle_count)
        close_handles(sender->handles, sent->handle, sent->handle_count);
    return STATUS_OK;
}
