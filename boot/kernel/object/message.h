/* Messages between two threads: data goes from address space to address space in one copy, handles move. */
#ifndef OBJECT_MESSAGE_H
#define OBJECT_MESSAGE_H
#include "object/thread.h"

/* Fetch what a thread wants to send, and check all that is the sender's to get right: STATUS_BAD_ADDRESS,
 * STATUS_INVALID, STATUS_BAD_HANDLE, STATUS_NO_RIGHT. */
int64_t message_read(const struct thread *sender, uint64_t user, struct message *message);

/* Hand a message over to where the receiver wants it. `sender` NULL: the kernel's, with neither data nor handles.
 * `reply_handle`: NULL, or what is written to the receiver's reply_handle_out.
 *
 * The message was just read, so STATUS_BAD_ADDRESS and STATUS_TOO_LONG are the receiver's mistake; STATUS_LIMIT and
 * STATUS_NO_MEMORY: its handle table cannot grow. On failure the sender has all its handles, the receiver none of them. */
int64_t message_deliver(const struct thread *sender, const struct message *sent, uint64_t badge, const struct thread *receiver,
                        const handle_t *reply_handle);
#endif
