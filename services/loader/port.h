/* What the loader service asks of the system that it runs on: the contract of a port.
 *
 * All other files of this folder are policy: what to start, restart, adopt, open and close. A port is one file that defines
 * the functions below, for one kernel: port/ambilink.c for ours, tests/loader/port/ for the development machine. Policy
 * calls nothing else but libs/rtld, libs/hostlink and libs/bootimage, and of a C library memcpy, memset, memchr, strlen,
 * strchr, strcmp, strncmp and strcpy. It runs in one thread.
 *
 * Rules for every function:
 *   - Addresses, offsets and sizes are bytes. "Pages" means multiples of PORT_PAGE_SIZE.
 *   - A function that fails has changed nothing: what it made before it failed it has given back, and its
 *     out-parameters hold nothing that the caller must give back. It has reported nothing either: policy does that.
 *   - What a function returns through an out-parameter belongs to the caller, until the function named there takes it.
 *   - `struct port_space`, `struct port_memory` and `struct port_reply` are opaque: their `id` has a meaning to the port
 *     only. It may be a handle, a capability or a pointer. 0 is none.
 *
 * What a system may lack:
 *   - Memory that two address spaces see at once. A system that moves pages to their new owner sets port_boot.moves_pages.
 *     A range of a memory object then leaves `view` when port_map maps it, and is mapped once. Policy writes memory before
 *     it maps it, in any case, and touches it later only where pages are shared. Such a system cannot change the list of
 *     modules of a running process: LOADER_OPEN, _CLOSE, _SWEEP, _SYMBOL and _ADDRESS are refused; all else works.
 *   - Mapping the boot image's own pages (port_boot.image_memory): the port may map a copy instead. It costs memory only.
 *   - A boot image in one piece: the packer's archive can be one module that the system hands over, by whatever call.
 *   - Processes that the kernel links: port_next_started and port_start answer PORT_NOT_FOUND and PORT_ABSENT.
 *   - Authority that a process can be given: port_grant answers PORT_OK with 0.
 *   - Budgets: a port may ignore who pays, and leave the shares 0.
 *   - An end of the machine: port_verdict may do nothing. */
#ifndef PORT_H
#define PORT_H
#include <stdbool.h>
#include <stdint.h>

#define PORT_PAGE_SIZE 4096
#define PORT_WORDS 6    /* of a request and its answer */
#define PORT_MAP_MAX 64 /* mappings of one port_map */

/* Zero or a failure. A port may return other negative numbers of its own: they go into reports unread. The values are those of
 * the protocol (<protocol/loader.h>), where they answer requests. */
enum port_status {
    PORT_OK = 0,
    PORT_INVALID = -1,
    PORT_NO_RIGHT = -3,
    PORT_NO_MEMORY = -4,
    PORT_OVERLAP = -6,    /* the address range is taken */
    PORT_GONE = -7,       /* the process, or the client, has ended */
    PORT_LIMIT = -8,      /* a table is full */
    PORT_TOO_LONG = -9,   /* more data than the client takes */
    PORT_NOT_FOUND = -11,
    PORT_ABSENT = -13,    /* this system has no such thing */
};

/* Protection of a mapping. Never write with execute. */
enum { PORT_READ = 1, PORT_WRITE = 2, PORT_EXECUTE = 4 };

struct port;              /* the port's own state; every function gets it */

struct port_space {       /* an address space, and the process in it */
    uint64_t id;
};

struct port_memory {      /* pages that can be mapped into address spaces */
    uint64_t id;
    uint8_t *view;        /* where the loader reads and writes them */
    uint64_t size;        /* bytes, pages */
};

/* --- Start and end of the loader ----------------------------------------------------------------------------------- */

struct port_boot {
    const uint8_t *image; /* the archive (<ambilink/image.h>): readable as long as the loader runs; page-aligned */
    uint64_t image_size;
    uint64_t image_memory; /* for port_mapping.memory: its read-only pages */
    uint64_t share_memory, share_kernel_memory; /* bytes: the budget of a service that the manifest gives none; 0: no budgets */
    bool failed;          /* the system could not start everything that it had to, and reported that */
    bool moves_pages;     /* see above */
};

/* Called once, first. Without a port there is no log: a port that cannot be opened ends the machine or the loader itself. */
struct port *port_open(struct port_boot *boot);
/* port_receive has no more events, and everything else was given back. Does not fail. */
void port_close(struct port *port);
/* The services of the boot were started, or were refused. Authority that only they were to get (PORT_NAMES_SERVE) is
 * given back: who calls a registry that never came must not wait for it. */
void port_booted(struct port *port);
/* Every program of the manifest ended. The machine may end here; where it does not, requests are still answered. */
void port_verdict(struct port *port, bool passed);

/* --- The loader itself --------------------------------------------------------------------------------------------- */

/* Pages of the archive, before the loader reads them: true when they are what was packed. False: one is damaged, which
 * is reported here or by the system; offset + size lie in the archive. The header and the directory need no such call.
 * libs/imagetree has the check (<imagetree/tree.h>) for a port whose system does not do it. A text's pages, which the
 * loader does not read, are the system's to check: when they are mapped, or first used. */
bool port_image_check(struct port *port, uint64_t offset, uint64_t size);

/* A block for any type, not zeroed; NULL: no memory. port_free takes it with the same size. */
void *port_allocate(struct port *port, uint64_t size);
void port_free(struct port *port, void *block, uint64_t size);
/* 64 bits that a process cannot predict. They choose load addresses, and are what AT_RANDOM leads to. */
uint64_t port_random(struct port *port);
/* One line with its line end, `size` bytes. */
void port_log(struct port *port, const char *line, uint64_t size);

/* --- Address spaces ------------------------------------------------------------------------------------------------ */

/* What pays for a process, and for what it and this service make for it. */
struct port_budget {
    uint64_t memory, kernel_memory; /* bytes, taken from the payer's budget; both 0: it shares that */
    struct port_space payer;        /* id 0: this service */
    uint32_t priority;              /* the most that its threads may have; a system without such ignores it */
};

/* An address space with nothing in it, of a process that does not run yet. *number names the process to clients and to
 * the log: not 0, and no other process has it, or had it. When the process ends, port_receive says so, once.
 * NO_MEMORY, LIMIT. The caller owns *space: port_space_close. `name` ends with NUL, and is not kept. */
int64_t port_space_create(struct port *port, const char *name, const struct port_budget *budget, struct port_space *space,
                          uint64_t *number);
/* The process ends, if it has not ended; its mappings go. That it ended is not received, or is received later, for a number
 * that policy then ignores. */
void port_space_close(struct port *port, struct port_space space);

/* Zeroed pages, which `payer` pays for, all visible in memory->view. `size`: pages, not 0. The first `growth` bytes of it may
 * come, and be paid for, when they are touched; here they are not. NO_MEMORY, LIMIT, INVALID (more than one memory can have).
 * The caller owns *memory: port_memory_release. */
int64_t port_memory_create(struct port *port, struct port_space payer, uint64_t size, uint64_t growth,
                           struct port_memory *memory);
/* The view goes. Pages that are mapped in an address space stay as long as they are mapped there. */
void port_memory_release(struct port *port, const struct port_memory *memory);

struct port_mapping {
    uint64_t memory;      /* port_memory.id, or port_boot.image_memory */
    uint64_t offset;      /* in it; pages */
    uint64_t size;        /* pages, not 0; offset + size lie in the memory */
    uint64_t address;     /* in the address space; pages, not 0 */
    unsigned prot;        /* PORT_... */
};
/* 1 to PORT_MAP_MAX mappings, in their order: all of them or, after a failure, none. Then *failed is the index of the
 * one that cannot be made. OVERLAP, NO_MEMORY, INVALID, GONE. The image's memory is never mapped writable, memory that
 * port_memory_create made never executable. */
int64_t port_map(struct port *port, struct port_space space, const struct port_mapping *list, unsigned count, unsigned *failed);
/* Whatever is mapped in the range goes; there may be holes. Cannot fail in a range that port_map made; where the process has
 * ended it does nothing. */
void port_unmap(struct port *port, struct port_space space, uint64_t address, uint64_t size);

/* The first thread: it begins at `entry` with the stack pointer `stack`. At most once for a space. NO_MEMORY, LIMIT, INVALID. */
int64_t port_thread_start(struct port *port, struct port_space space, uint64_t entry, uint64_t stack);

/* What a process may be given. */
enum port_authority {
    PORT_SELF,        /* over its own address space */
    PORT_LOADER,      /* requests to this service; each comes with the number of the process */
    PORT_NAMES,       /* calls to the service registry */
    PORT_NAMES_SERVE, /* receiving those calls: the registry itself */
    PORT_LOG,         /* lines on the system's log */
    PORT_IMAGE,       /* reading the whole boot image */
    PORT_IMAGE_PARTS, /* the same, and giving others parts of it */
    PORT_INPUT,       /* taking the machine's keys */
};
/* *value is what the process finds in its start block under that heading; 0 where there is nothing to give. It goes with the
 * space. `number`: of the process. NO_MEMORY, LIMIT. */
int64_t port_grant(struct port *port, struct port_space space, enum port_authority authority, uint64_t number, uint32_t *value);

/* --- Processes that the system starts itself ----------------------------------------------------------------------- */

struct port_process {
    uint32_t service;     /* index into the archive's services; set after a failure too */
    struct port_space space;
    uint64_t number;
    struct port_memory block; /* its start block (<ambilink/start.h>), seen by both; id 0: none, or pages move */
    uint64_t block_address; /* in the process */
    uint64_t low;         /* nothing lies below this address of the process, down to half of it; 0: nothing known */
};
/* The next one of those that ran before the loader; NOT_FOUND: there are no more. After any other failure the process has
 * been ended, and the next call goes on behind it. The caller owns process->space and ->block. */
int64_t port_next_started(struct port *port, struct port_process *process);
/* The system links and starts a service; as with port_space_create, its end will be received. ABSENT, NO_MEMORY, or
 * what the system reported. The caller owns process->space and ->block. Where the manifest gives it no budget, it
 * shares the payer's; id 0: it has a share of its own. */
int64_t port_start(struct port *port, uint32_t service, struct port_space payer, struct port_process *process);

/* --- Requests ------------------------------------------------------------------------------------------------------ */

struct port_reply {       /* the duty to answer one request */
    uint64_t id;
};

/* What a process hands to another one that it starts; no part of policy looks into it. id 0: nothing. */
struct port_gift {
    uint64_t id;
};

struct port_event {
    enum { PORT_REQUEST, PORT_ENDED } kind;
    uint64_t number;      /* the process that asks, as PORT_LOADER was granted; or that ended */

    /* PORT_REQUEST */
    uint64_t word[PORT_WORDS];
    uint64_t size;        /* bytes that were written to `data` */
    struct port_gift gift;   /* the caller owns it: port_answer or port_gift_drop takes it */
    struct port_reply reply; /* the caller owns it: port_reply takes it. It may be kept as long as need be. */

    /* PORT_ENDED */
    bool faulted, signalled; /* signalled: the status is the number of the signal */
    int64_t status;
};
/* Wait for the next event. Data of a request goes to `data`, at most `size` bytes: a longer one the port refuses itself,
 * with PORT_TOO_LONG. False: there will be no more; policy then returns from its loop. */
bool port_receive(struct port *port, struct port_event *event, void *data, uint64_t size);

struct port_answer {
    uint64_t word[PORT_WORDS]; /* word[0] is overwritten by the status */
    const void *data;
    uint64_t size;
    struct port_gift gift; /* the client's from now on; dropped where it cannot take it */
};
/* Takes `reply` in any case. A client that has gone is no failure; one that cannot take the data gets TOO_LONG. */
void port_reply(struct port *port, struct port_reply reply, int64_t status, const struct port_answer *answer);
/* No process gets it. */
void port_gift_drop(struct port *port, struct port_gift gift);

/* A process takes a signal, which comes from process `sender`; where it has said nothing of signals, what the signal does by
 * default is done: it is ended by it, or nothing. INVALID: no signal. GONE. A system without signals refuses with ABSENT. */
int64_t port_signal(struct port *port, struct port_space space, uint64_t signal, uint64_t sender);
#endif
