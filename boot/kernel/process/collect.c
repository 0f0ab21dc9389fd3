#include "process/collect.h"

#include "base/record.h"
#include "base/work.h"
#include "object/input.h"
#include "process/process.h"

static enum { RESTS, FINDS_ROOTS, FOLLOWS, ENDS } stage;
static uint64_t begun, done;     /* numbers of collections */
static struct object *followed;  /* now; NULL: none */
static struct process *examined; /* the next that may run, or then be out of reach; kept; NULL: none is left */

static void examine(struct process *process)
{
    if (process)
        object_retain(process);
    if (examined)
        object_release(examined);
    examined = process;
}

/* Processes that run: a thread of theirs is ready, sleeps or waits for a key. False: work ran out. */
static bool find_roots(void)
{
    while (examined) {
        if (!work_left)
            return false;
        work_did(1);
        if (share_runs(&examined->share))
            object_reached(examined);
        examine(process_before(examined));
    }
    return input_reach();
}

/* False: work ran out. */
static bool follow_one(void)
{
    if (!(followed->type == &process_type ? process_reach((struct process *)followed)
                                          : endpoint_reach((struct endpoint *)followed)))
        return false;
    object_release(followed);
    followed = NULL;
    return true;
}

static bool follow_all(void)
{
    while (followed || (followed = reach_take())) {
        if (!work_left)
            return false;
        work_did(1);
        if (!follow_one())
            return false;
    }
    return true;
}

static void end_unreached(void)
{
    while (examined && work_left) {
        work_did(1);
        if (!is_reached(&examined->reach))
            process_end(examined, PROCESS_EXITED, STATUS_PEER_GONE);
        examine(process_before(examined));
    }
}

void collect(void)
{
    if (stage == RESTS) {
        collection_due = false;
        begun++;
        reach_begin();
        object_reached(process_first());
        input_reach_begin();
        examine(process_newest());
        stage = FINDS_ROOTS;
    }
    if (stage == FINDS_ROOTS && find_roots())
        stage = FOLLOWS;
    /* What ends now wakes who waits for it: that is seen first. */
    if (stage == FOLLOWS && follow_all() && !work_waiting) {
        reach_end();
        examine(process_newest());
        stage = ENDS;
    }
    if (stage != ENDS)
        return;
    end_unreached();
    if (examined)
        return;
    done = begun;
    stage = RESTS;
}

bool collection_waits(void)
{
    return collection_due || stage != RESTS;
}

bool collect_is_ending(void)
{
    return stage == ENDS;
}

uint64_t collection_next(void)
{
    return begun + 1;
}

uint64_t collection_done(void)
{
    return done;
}
