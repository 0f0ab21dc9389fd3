#include "object/input.h"

#include <kernel/module.h>


#define INPUT_MAX 4096
#define WATCHERS 8

static uint8_t bytes[INPUT_MAX]; /* a ring */
static uint64_t first, end;      /* counts of bytes that were taken, and put in */
static void (*refill)(void);
static struct thread_queue waiting;
static struct endpoint *watchers[WATCHERS]; /* kept, until they are signalled */

static void set_awaited(void)
{
    input_awaited = waiting.first;
    for (unsigned i = 0; i < WATCHERS; i++)
        input_awaited |= watchers[i] && watchers[i]->receive_handles;
}

void input_source_set(void (*function)(void))
{
    refill = function;
}

bool input_has_room(void)
{
    return waiting.first || end - first < INPUT_MAX;
}

static void drop(struct endpoint **watcher)
{
    object_release(*watcher);
    *watcher = NULL;
}

void input_put(uint8_t byte)
{
    if (waiting.first)
        thread_wake(waiting.first, byte);
    else if (end - first < INPUT_MAX)
        bytes[end++ % INPUT_MAX] = byte;
    for (unsigned i = 0; first != end && i < WATCHERS; i++)
        if (watchers[i]) {
            endpoint_signal(watchers[i], 1);
            drop(&watchers[i]);
        }
    set_awaited();
}

int64_t input_watch(struct endpoint *endpoint)
{
    struct endpoint **unused = NULL;
    if (first != end)
        return 1;
    for (unsigned i = 0; i < WATCHERS; i++) {
        if (watchers[i] && !watchers[i]->receive_handles)
            drop(&watchers[i]);
        if (!watchers[i])
            unused = &watchers[i];
        else if (watchers[i] == endpoint)
            return 0;
    }
    if (!unused)
        return STATUS_LIMIT;
    object_retain(endpoint);
    *unused = endpoint;
    set_awaited();
    return 0;
}

void input_forget(const struct endpoint *endpoint)
{
    for (unsigned i = 0; i < WATCHERS; i++)
        if (watchers[i] == endpoint)
            drop(&watchers[i]);
    set_awaited();
}

int64_t input_take(void)
{
    bool was_full = end - first == INPUT_MAX;
    if (first == end) {
        thread_wait(current_thread, &waiting, THREAD_READING);
        input_awaited = true;
        return STATUS_OK;
    }
    uint8_t byte = bytes[first++ % INPUT_MAX];
    if (was_full && refill)
        refill();
    return byte;
}

void input_reach_begin(void)
{
    waiting.cursor = waiting.first;
    for (unsigned i = 0; i < WATCHERS; i++)
        if (watchers[i])
            object_reached(watchers[i]);
}

bool input_reach(void)
{
    return queue_reach(&waiting);
}
