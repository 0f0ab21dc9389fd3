/* The processes that this service started, or took over: their records. */
#ifndef CHILD_H
#define CHILD_H
#include "space.h"

struct module_record {
    char *name;
    uint64_t base, low, high;
    uint64_t read_only, writable; /* bytes */
};

struct child {
    struct child *next;       /* in the order of their start */
    uint64_t number;
    const struct image_service *service;
    const char *name;
    struct space space;       /* port.id 0: the process is gone, or was not made yet */
    struct target target;     /* target.linker NULL: not begun yet, or gone */
    size_t object_count;      /* that it began with */
    enum { CHILD_RUNS, CHILD_EXITED, CHILD_FAULTED, CHILD_STOPPED, CHILD_SIGNALLED } state;
    unsigned refusals;        /* that were reported */
    int64_t exit_status;
    bool at_boot;             /* counts for the machine's verdict */
    bool reported;            /* its end, to its starter that waits for any */
    struct port_gift given;   /* by its starter, until it asks; id 0: nothing */
    uint64_t starter;         /* the process that asked for it; 0: none did, or it ended */
    uint64_t registered;      /* a bit for each name of the service's `registers` */
    struct module_record *modules;
    size_t module_count, module_limit;
};

/* A record that is in no list yet. NULL: no memory, reported. */
struct child *child_create(struct loader *loader, const struct image_service *service, bool at_boot);
/* It has a process: takes `space`. `top`: what is placed there lies below it; 0: anywhere. */
void child_begin(struct child *child, struct port_space space, uint64_t number, uint64_t top);
/* Its process ends, if it runs, and all that is held of it is given back. The record stays. */
void child_end(struct child *child);
/* It will not ask for what its starter gave it. */
void child_drop_gift(struct child *child);
/* The record goes too. */
void child_destroy(struct child *child);

void child_add(struct loader *loader, struct child *child);
/* Out of the list, and destroyed. */
void child_forget(struct child *child);
/* NULL: none of that number; none at that index. */
struct child *child_find(const struct loader *loader, uint64_t number);
struct child *child_at(const struct loader *loader, uint64_t index);

/* The file of its program. */
const struct image_file *child_program(const struct child *child);
/* What was recorded of its modules is no longer so. */
void child_forget_modules(struct child *child);
#endif
