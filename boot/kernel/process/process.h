/* Processes: an address space, handles, threads. A process that ended keeps its address space until the last handle to
 * it is closed, so that it can be looked at, or until others need the memory. */
#ifndef PROCESS_PROCESS_H
#define PROCESS_PROCESS_H
#include <ambilink/record.h>
#include <stddef.h>

#include "memory/space.h"
#include "object/endpoint.h"
#include "object/handle.h"
#include "object/thread.h"

extern const struct object_type process_type;

/* System calls of code elsewhere than in `size` bytes from `start` on are not the kernel's: they go on at `entry`. */
struct call_entry {
    uint64_t entry, start, size; /* 0: there is none */
};

struct process {
    struct object object;
    struct process_record record;
    struct budget *budget;      /* pays for what it causes */
    bool has_left;              /* the budget: it ended, and takes no more; what it has is still charged there */
    struct space space;
    struct handle_table handles;
    struct share share;
    struct process *starting;   /* is being started for it, and has handles already; NULL: none */
    struct endpoint *watcher;   /* gets a notice when the process ends; NULL: none */
    struct notice notice;
    uint64_t *record_link;        /* what leads to its record; NULL: it is dying */
    struct process *next_ending;  /* in the queue of processes_work */
    struct process *next_ended, **ended_link; /* in the list of those that ended and have their space; NULL: it is in none */
    uint64_t next_to_stop;        /* the record of a thread, when it ended */
    uint64_t live_threads;
    struct reach reach;
    uint64_t next_reach;          /* handles before this index were followed */
    struct call_entry call_entry; /* where system calls of foreign code go on */
};

/* An empty process; a name of 1 to PROCESS_NAME_MAX - 1 bytes. It joins the budget, which pays for it. NULL: no
 * memory. */
struct process *process_create(struct budget *budget, const char *name, size_t length);
/* The same with a budget of its own, which is made of another one. */
struct process *process_create_limited(struct budget *parent, struct cost limit, const char *name, size_t length);
/* The endpoint gets a notice when the process ends. False: another one does, from which a handle may still receive. */
bool process_watch(struct process *process, struct endpoint *endpoint, uint64_t badge);
/* A thread of a live process; it is ready. Not retained for the caller: the process keeps it. NULL: no memory. */
struct thread *process_start_thread(struct process *process, uint64_t entry, uint64_t stack, uint64_t argument);
/* How much priority its threads may have; those that have more are not changed. Its first thread has so much. */
void process_allow_priority(struct process *process, unsigned priority);
/* End one thread of a live process; with the last one the process ends with status 0. */
void process_end_thread(struct thread *thread);
/* End a process: from now on none of its threads runs and no handle comes in. processes_work does the rest. The first
 * process' end is the machine's. */
void process_end(struct process *process, unsigned state, int64_t status);
/* Go on with the ends of processes, within what work_left allows: their threads end, their handles are closed, then
 * their watchers get a notice. */
void processes_work(void);

/* A call found no memory, as budget_short says: give back an address space of a process that ended, the oldest that is of
 * use, or go on with that, within what work_left allows. False: there is none. */
bool processes_give_back(void);

/* End each process that touched a damaged page of the boot image, which was logged, with PROCESS_FAULTED and
 * STATUS_CORRUPT. To be called before the next thread runs where page_guard.damage is set. */
void process_end_damaged(void);
/* The first process, the newest, and the one that was made before another; NULL: there is none. */
struct process *process_first(void);
struct process *process_newest(void);
struct process *process_before(const struct process *process);
/* A collection: go on with what the process leads to, within what work_left allows. False: to be called again. */
bool process_reach(struct process *process);

/* Called before the first thread of a process first runs, with kernel_record.beginning set: a machine stops here. */
void process_begins(void);
#endif
