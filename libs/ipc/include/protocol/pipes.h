/* Pipes, local sockets and counters. What a client gets is an end: a handle to call, which it may duplicate, send and grant. An
 * end goes when its last handle is closed, also with the process that had it. Every request is answered at once: who must wait
 * hands over an endpoint to be signalled (PIPES_POLL), and asks again then. Memory for what is on its way is the client's. */
#ifndef PROTOCOL_PIPES_H
#define PROTOCOL_PIPES_H
#include <ambilink/abi.h>

enum pipes_operation {
    PIPES_PIPE = 1, /* handle: memory; reply handles: the end to read, the end to write */
    PIPES_COUNTER,  /* word 1: count, word 2: 1 if a read takes one; reply handle: an end */
    PIPES_PAIR,     /* word 1: enum pipes_kind of a socket; handles: two memories; reply handles: two ends, connected */
    PIPES_SOCKET,   /* word 1: the same; handle: memory, of PIPES_DATAGRAM alone; reply handle: an end */
    /* To an end. */
    PIPES_READ,     /* word 1: bytes wanted, word 2: PIPES_PEEK, PIPES_WHOLE; reply: struct pipes_read in word 1 on; data: bytes,
                       with PIPES_WHOLE behind them the sender's address and a struct pipes_passed for each handle */
    PIPES_WRITE,    /* words 1 to 3: how many handles, bytes of the key of the receiver (0: who it is connected to); data: bytes,
                       struct pipes_passed for each handle, the key; reply word 1: how many bytes were taken */
    PIPES_POLL,     /* word 1: POLL... events; reply word 1: those that hold, as poll() has them. Where none does, and a handle
                       came, it is signalled once when one does; reply word 2: its number */
    PIPES_DISARM,   /* word 1: that number: it is not signalled any more */
    PIPES_LOOK,     /* reply: struct pipes_status in word 1 on */
    PIPES_BIND,     /* word 1: bytes of the key; data: key, address. The address is kept as it is */
    PIPES_LISTEN,   /* word 1: how many may wait */
    PIPES_CONNECT,  /* data: key; handles: two memories, and an endpoint to signal where PIPES_AGAIN; a datagram socket: none */
    PIPES_ACCEPT,   /* reply handle: an end; data: the address of who connected */
    PIPES_SHUTDOWN, /* word 1: bits PIPES_NO_READ, PIPES_NO_WRITE */
    PIPES_NAME,     /* word 1: 1: of who it is connected to; reply data: address */
};

enum pipes_kind { PIPES_READER = 1, PIPES_WRITER, PIPES_COUNT, PIPES_STREAM, PIPES_DATAGRAM, PIPES_SEQUENCED };

/* Statuses, beside STATUS_LIMIT (the client has all that it may), STATUS_INVALID, STATUS_TOO_LONG. */
#define PIPES_AGAIN (-100)
#define PIPES_BROKEN (-101)        /* nothing reads what is written any more */
#define PIPES_NOT_CONNECTED (-102)
#define PIPES_IS_CONNECTED (-103)
#define PIPES_REFUSED (-104)       /* nothing listens there */
#define PIPES_IN_USE (-105)        /* the key */
#define PIPES_WRONG_KIND (-106)    /* of end for what is asked */
#define PIPES_OTHER_KIND (-107)    /* of socket at the key */

#define PIPES_PEEK 1u
#define PIPES_WHOLE 2u
#define PIPES_NO_READ 1u
#define PIPES_NO_WRITE 2u
#define PIPES_ATOMIC 4096u   /* bytes that a pipe takes as a whole or not */
#define PIPES_MEMORY 65536u  /* bytes of a memory that is handed over */
#define PIPES_KEY_MAX 120    /* bytes of the key that a socket is found by */
#define PIPES_ADDRESS_MAX 110
#define PIPES_HEAD_MAX 128   /* bytes that a datagram takes beside its own, at most */
#define PIPES_DATA_MAX (MESSAGE_DATA_MAX - 1024) /* bytes of one request or answer */
#define PIPES_PASSED_MAX MESSAGE_HANDLES

/* What goes with a handle that is passed: of its sender, for its receiver. */
struct pipes_passed {
    uint64_t word[4];
};
struct pipes_read {
    uint64_t size, address_size, passed, whole; /* `whole`: bytes of a datagram, of which `size` were asked for */
};
struct pipes_status {
    uint64_t kind, readable, listens, peer_process;
};
#endif
