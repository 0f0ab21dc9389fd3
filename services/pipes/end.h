/* Ends of pipes and sockets, and what is on its way to each. Knows no messages.
 *
 * What is read of an end lies in a ring in memory that a client brought (and may still write to: so nothing in it is trusted),
 * at positions that only grow. What the tables take is bounded for each owner, a manifest entry, in ends, in waiters and in
 * handles on their way; together they are within a process' table of handles. Functions return STATUS_OK or a status of
 * protocol/pipes.h. */
#ifndef END_H
#define END_H
#include <protocol/pipes.h>
#include <stdbool.h>
#include <stddef.h>

#define OWNERS 12
#define ENDS_OF_OWNER 64
#define WAITERS_OF_OWNER 96
#define PASSED_OF_OWNER 32
#define ENDS (OWNERS * ENDS_OF_OWNER)

struct owner {
    char name[PROCESS_NAME_MAX];
    unsigned ends, waiters, passed;
};

/* Who is to be signalled when one of the events holds, or there is so much room to write; of a waiter for the end that others
 * write to, in the end itself, else in what it writes to. */
struct wish {
    uint32_t events;
    uint32_t room; /* 0: it does not wait for that */
    bool is_of_receiver;
};
struct waiter {
    struct waiter *next;
    handle_t endpoint;
    uint32_t number;
    struct wish wish;
};

/* A handle on its way, from the position of the first byte that was sent with it. */
struct passed {
    struct passed *next;
    uint64_t position;
    handle_t handle;
    struct owner *owner; /* who sent it */
    struct pipes_passed about;
};

struct end {
    enum pipes_kind kind; /* 0: free */
    uint32_t generation;
    struct owner *owner;
    uint64_t process;  /* that made it */
    handle_t receives; /* its endpoint */
    struct end *peer;  /* whose ring it writes to; NULL: none (any more) */
    uint8_t *ring;     /* NULL: none */
    uint64_t start, stop; /* positions of what can be read */
    bool is_over;      /* nothing is written any more to what it reads */
    bool is_connected, listens, reads_no_more, writes_no_more;
    struct passed *passed;
    struct waiter *waiters;
    uint64_t count;    /* of a counter */
    bool counts_down;
    uint8_t key_size, address_size;
    char key[PIPES_KEY_MAX], address[PIPES_ADDRESS_MAX];
    uint32_t backlog, pending_count;
    struct end *pending, *next_pending; /* ends that were not accepted yet */
    handle_t offered;  /* while it is pending: the handle for who accepts it */
};

#define ROOM_TO_CONNECT 0x10000u /* an event of what listens, beside those of poll() */

/* The endpoint that all is received at. */
void ends_serve_at(handle_t endpoint);
/* NULL: there is none, or the badge is one of an end that went. */
struct end *end_of_badge(uint64_t badge);
/* A new end; *handle is the only one to it, to be given away. */
int64_t end_make(struct owner *owner, uint64_t process, enum pipes_kind kind, struct end **made, handle_t *handle);
/* Its handles are gone, or it is not wanted: others know, and so do who waits for it. */
void end_drop(struct end *end);
/* Of those that are there. NULL: none has the key. */
struct end *end_find(const void *key, size_t size);
/* Takes the handle, or leaves it where it returns a status. */
int64_t end_bring_memory(struct end *end, handle_t memory);

/* What poll() says of it, of all events. */
uint32_t end_events(const struct end *end);
bool end_grants(const struct end *end, const struct wish *wish);
/* Something changed: signal who waits for what holds now. */
void end_changed(struct end *end);
/* The number of a waiter, or a status; takes the handle in the first case. */
int64_t end_wait(struct end *end, handle_t endpoint, const struct wish *wish);
void end_disarm(struct end *end, uint32_t number);

/* Bytes. */
struct sent {
    const void *data;
    size_t size;
    const struct pipes_passed *about; /* of each handle */
    const handle_t *handles;
    unsigned handle_count;
};
/* What is written by `from`, to what `to` reads: how many bytes, all of a datagram, or a status. Handles are taken then. */
int64_t end_write(struct end *from, struct end *to, const struct sent *sent);

struct got {
    const void *data; /* until the next call */
    struct pipes_read about;
    const char *address;
    struct passed *passed; /* the caller's to give or to free */
};
/* At most `size` bytes; PIPES_AGAIN. */
int64_t end_read(struct end *end, size_t size, bool peeks, struct got *got);
/* Those who write to what it reads have room again, or have none to write to. */
void end_tell_writers(const struct end *end, bool is_gone);
/* Of what it reads first; 0: nothing. */
uint64_t end_readable(const struct end *end);
/* Closes the handles. */
void passed_free(struct passed *list);
#endif
