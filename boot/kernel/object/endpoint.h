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

/* Of an endpoint that joined a set. */
struct membership {
    struct endpoint *set; /* kept */
    struct notice notice; /* for the set, when no handle may call any more; its badge is 0: the set is not to know */
};

struct endpoint {
    struct object object;
    struct endpoint_record record;
    struct thread_queue callers, receivers;
    struct notice *last_notice;           /* of a ring of those that were not received yet; the next is the oldest */
    struct membership *joined;     /* where what comes here is received; NULL: here */
    struct endpoint *next_waiting; /* in the queue of endpoints_work */
    struct reach reach;
    bool is_waiting;               /* in the queue, which keeps the endpoint */
    bool has_members;              /* others are joined to it */
    uint32_t signals;              /* bits of endpoint_signal that were not received yet */
    uint32_t receive_handles;      /* when the last goes, callers get STATUS_PEER_GONE */
    uint32_t call_handles;         /* when the last goes, the set gets its notice */
};

/* `server`: the process that is named as its server until one receives. `budget` pays for it. NULL: no memory. */
struct endpoint *endpoint_create(struct budget *budget, const struct process_record *server);

/* The running thread calls; addresses are the user's. STATUS_OK: it waits, and has its result when it is woken. This
 * and endpoint_receive may answer CALL_AGAIN. */
int64_t endpoint_call(struct endpoint *endpoint, uint64_t badge, uint64_t request_user, uint64_t reply_user);
/* The running thread receives. STATUS_OK: it has a message, or waits. */
int64_t endpoint_receive(struct endpoint *endpoint, uint64_t request_user, uint64_t handle_user);

/* What comes to one is received at another from now on: so one thread waits for several. Neither is joined yet, or has others
 * joined to it, but that `set` may have some; nothing waits at `member`: else STATUS_OVERLAP. With a badge, the set gets a
 * notice with it when the last handle that may call `member` is closed. `budget` pays; STATUS_NO_MEMORY. */
int64_t endpoint_join(struct endpoint *member, struct endpoint *set, uint64_t badge, struct budget *budget);
/* Bits are set, for a message of the kernel's (MESSAGE_SIGNALLED): those that come before it is received are one message, so
 * that nothing is kept for any. STATUS_PEER_GONE: no handle may receive. */
int64_t endpoint_signal(struct endpoint *endpoint, uint32_t bits);

/* A message without a caller: to a thread that receives, when endpoints_work comes to it or later. Without a handle
 * that may receive, to none. */
void endpoint_notify(struct endpoint *endpoint, struct notice *notice);
/* Go on with what endpoints were left with, within what work_left allows: notices for threads that receive; and where
 * the last handle that may receive was closed, the ends of calls. */
void endpoints_work(void);
/* A collection: go on with what it leads to, within what work_left allows. False: to be called again. */
bool endpoint_reach(struct endpoint *endpoint);
#endif
