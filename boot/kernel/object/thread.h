/* Threads, the queues that they wait in, and the scheduler: when a turn ends the CPU goes to the next budget, there to the
 * next process, and there to the next thread (base/turns.h). Threads with a priority above 0 come before all of those, and
 * take turns among their equals, whatever process they are of. A turn is a slice of time; beside its end the timer interrupts
 * when the next sleeper is due, and not otherwise. */
#ifndef OBJECT_THREAD_H
#define OBJECT_THREAD_H
#include <ambilink/record.h>

#include "base/heap.h"
#include "base/run_time.h"
#include "base/trie.h"
#include "base/turns.h"
#include "cpu.h"
#include "memory/space.h"
#include "object/handle.h"
#include "object/reach.h"

extern const struct object_type thread_type;

struct process;

/* How far a call came that is made again (CALL_AGAIN); it belongs to the call. */
struct progress {
    uint64_t call[CALL_WORDS]; /* number and arguments: another call has no use for it */
    void *object;              /* kept; NULL: none */
    uint64_t index;
    uint64_t address;
    uint32_t step;
    int32_t error; /* what the call returns once it has taken back what it did */
    struct space_progress range;
};

/* What the scheduler keeps of a process. */
struct share {
    struct turns turns;  /* its threads that are ready, of priority 0 */
    uint64_t urgent;     /* how many of a higher one are ready */
    unsigned priority_max;
    uint64_t sleepers;   /* how many wait until a time, or for a word of memory that others may have */
    uint64_t signal_entry;  /* where they take signals; 0: they take none */
    uint32_t fault_vectors; /* which faults are signals, by the machine's number */
    uint32_t stack_vectors; /* of those, which are taken on a thread's signal stack */
    uint64_t stack_signals; /* the same of signals */
    uint64_t pending;       /* signals for whichever thread takes them first */
    uint64_t sender;        /* what came with the last one of another process, and which that was; 0: none did */
    uint32_t sent;
    uint64_t run_counts;    /* of its threads (base/run_time.h) */
    struct trie threads; /* all of them, by number */
    struct trie waiters; /* those that wait for a word of the process' own memory, by address (object/futex.h) */
};

/* It has a thread that is ready, or that time or another process may wake. */
static inline bool share_runs(const struct share *share)
{
    return share->turns.first || share->urgent || share->sleepers;
}

/* A thread among those that wait for the same word: a ring, the first of which is in the trie. */
struct waiter {
    struct trie_node node;
    struct waiter *next, *previous; /* NULL: it waits for no word */
    struct memory *memory;          /* whose word it is, kept; NULL: the process' own */
    uint64_t ticket;                /* which is greater for those that came later */
};

struct thread {
    struct object object;
    struct thread_record record;
    struct frame frame __attribute__((aligned(16)));
    uint8_t fpu[FPU_STATE_SIZE] __attribute__((aligned(16)));
    /* Its process, which it keeps while it lives, and parts of that; NULL when the process was destroyed. */
    struct process *process;
    struct process_record *process_record;
    struct space *space;
    struct handle_table *handles;
    struct share *share;
    uint64_t *record_link;          /* what leads to its record, in the list of its process' threads */
    struct turns turn;
    unsigned priority, own_priority; /* with what it inherits by locks and calls, and without */
    unsigned contested;             /* locks of its own that others wait for */
    struct thread *lender, *borrower; /* whose call lends it a priority, and to which thread its own call does; NULL: none */
    uint64_t lock_word;             /* while it waits for a lock: its address; 0: it does not */
    uint64_t lock_list, lock_list_at; /* user addresses: locks that it has, and how far futex_abandon came; 0: none */
    unsigned lock_list_count;
    bool has_turns;                 /* it is ready, and not set aside */
    bool has_alarm;
    bool has_mask_after;
    bool is_disturbed;              /* its next wait ends at once */
    struct heap_node alarm;         /* its key is when to wake it, whatever it waits for, while `has_alarm` */
    struct thread *next, *previous; /* in a queue */
    struct thread_queue *queue;
    struct waiter waiter;           /* while THREAD_WAITING */
    uint64_t thread_pointer;
    char name[THREAD_NAME_MAX];     /* for reports; empty: none */
    struct trie_node by_number;     /* among its process' threads */
    uint64_t pending, mask;         /* signals that it is to take, and those that it does not take now (object/signal.h) */
    uint64_t mask_after;            /* while `has_mask_after`: what is the mask again after the next one */
    uint64_t accepts;               /* signals that it waits for, while THREAD_WAITING for no word */
    uint64_t signal_stack, signal_stack_size; /* user address; 0: none */
    uint64_t run_counts;            /* base/run_time.h */
    uint64_t exit_word;             /* user address: zeroed, and one waiter woken, when the thread exits; 0: none */
    struct thread **caller_link;      /* while THREAD_AWAITING_REPLY: where the reply object names it */
    uint64_t badge;                   /* of the handle called */
    uint64_t message_out;             /* user address: where to receive; what to send is record.request */
    uint64_t reply_handle_out;
    struct progress *progress, own_progress; /* of the call that it makes; NULL: none */
    uint64_t collection;              /* the call found no memory, and waits for this one; 0: it did not */
};

struct thread_queue {
    struct thread *first, *last;
    struct thread *cursor; /* of queue_reach: the next to look at */
};

/* A thread waits for a key: then nothing that runs, and nothing that sleeps, is no deadlock. */
extern bool input_awaited;

/* The thread whose system call or trap this is; NULL: it ended or yielded. */
extern struct thread *current_thread;

/* A thread that is in no process and no queue yet, paid for by the budget; NULL: no memory. `entry` is a user address. */
struct thread *thread_create(struct budget *budget, uint64_t entry, uint64_t stack, uint64_t argument);
/* It runs no more and waits for nothing: dead. Its process is the caller's to care for. */
void thread_stop(struct thread *thread);
/* Out of its queue, or not ready: a thread whose process ended, and which will be stopped. */
void thread_set_aside(struct thread *thread);

/* The progress of the running thread's call, zeroed when it is new. It lies in the thread, so that there always is one. */
struct progress *thread_keep_progress(void);
void thread_forget_progress(struct thread *thread);
/* Memory for the running thread's call, which `budget` pays for, in steps where it is large; `growth` as MEMORY_CREATE has
 * it. STATUS_OK: *memory is the caller's. CALL_AGAIN: so is the call's result, and the same call is to ask again. STATUS_NO_MEMORY. */
int64_t thread_make_memory(struct budget *budget, uint64_t size, uint64_t growth, struct memory **memory);

void thread_ready(struct thread *thread);
/* It has its turns among others of that priority from now on. */
void thread_set_priority(struct thread *thread, unsigned priority);
/* It has at least this priority, of a thread that waits for what it does. */
void thread_inherit_priority(struct thread *thread, unsigned priority);
/* No thread waits for what it did: it has its own priority again, but while a call lends it one, or others wait for its locks: then
 * what it has, as far as its process may. */
void thread_restore_priority(struct thread *thread);
/* A thread that waits for an answer lends its priority to the one that received its call, until that wait ends or the other
 * receives again. */
void thread_lend_priority(struct thread *caller, struct thread *receiver);
/* No call lends it any more. */
void thread_end_loan(struct thread *thread);
/* One of a process' threads, which is not dead, by number; NULL: there is none. */
struct thread *thread_by_number(const struct share *share, uint64_t number);
/* A waiting thread's call has this result. */
void thread_wake(struct thread *thread, int64_t result);
void thread_sleep(struct thread *thread, uint64_t nanoseconds);
/* A waiting thread waits until then at most, by the clock since boot; its call then has the result STATUS_TIMED_OUT. */
void thread_wait_until(struct thread *thread, uint64_t deadline);
/* Let a thread wait in a queue (NULL: in none) in this state. */
void thread_wait(struct thread *thread, struct thread_queue *queue, enum thread_state state);
/* The turn of the running thread is over, and that of its process. */
void thread_yield(void);
/* A thread that waits for a word waits no more for it (object/futex.h). */
void waiter_remove(struct waiter *waiter);

/* Called at each switch to another thread. The kernel does not define it: a test's kernel does, to check itself. */
__attribute__((weak)) void thread_switches(void);

/* The frame of the thread to run now: the running one while it is ready, else the next; NULL: none is ready. A thread
 * whose process ended does not run any more. */
struct frame *schedule(void);
/* A thread waits for what is not another thread: some time, or a key. */
bool scheduler_waits(void);

/* A collection: the processes of a queue's threads are reached, from its cursor on, within what work_left allows.
 * False: to be called again. */
bool queue_reach(struct thread_queue *queue);
/* Wake those whose time has come, within what work_left allows; the rest is left work (base/work.h). */
void scheduler_wake_sleepers(void);
/* The timer interrupted: wake those whose time has come, and let it interrupt when something is due again. True: so is the
 * turn's end. */
bool scheduler_timer(void);
/* Nothing runs from now on until an interrupt; then something may run, and turns have ends. */
void scheduler_idles(void);
void scheduler_goes_on(void);
/* Some of that is left. */
extern bool sleepers_are_left;
#endif
