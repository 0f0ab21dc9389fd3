/* Endpoints: where calls and receivers meet, and where notices of the kernel arrive. */
#ifndef OBJECT_ENDPOINT_H
#define OBJECT_ENDPOINT_H
#include "object/thread.h"

extern const struct object_type endpoint_type;

/* A message of the kernel's, kept in the object that it is about, so that it needs no memory when it is due. */
struct notice {
    struct notice *next;
    void *owner;         /* the object that holds it: kept until the notice was received */
    uint64_t badge;
    uint64_t word[MESSAGE_WORDS];
};

struct endpoint {
    struct object object;
    struct endpoint_record record;
    struct thread_queue callers, receivers;
    struct notice *notices;      /* not received yet, oldest first */
    uint32_t receive_handles;    /* when the last goes, callers get STATUS_PEER_GONE */
};

/* `server`: the process that is named as its server until one receives. NULL: no memory. */
struct endpoint *endpoint_create(const struct process_record *server);

/* The running thread calls; addresses are the user's. STATUS_OK: it waits, and has its result when it is woken. */
int64_t endpoint_call(struct endpoint *endpoint, uint64_t badge, uint64_t request_user, uint64_t reply_user);
/* The running thread receives. STATUS_OK: it has a message, or waits. */
int64_t endpoint_receive(struct endpoint *endpoint, uint64_t request_user, uint64_t handle_user);

/* A message without a caller: to a thread that receives, now or later. Without a handle that may receive, to none. */
void endpoint_notify(struct endpoint *endpoint, struct notice *notice);
#endif
