#include "object/input.h"

#include <kernel/module.h>

#include "object/thread.h"

#define INPUT_MAX 4096

static uint8_t bytes[INPUT_MAX]; /* a ring */
static uint64_t first, end;      /* counts of bytes that were taken, and put in */
static void (*refill)(void);
static struct thread_queue waiting;

void input_source_set(void (*function)(void))
{
    refill = function;
}

bool input_has_room(void)
{
    return waiting.first || end - first < INPUT_MAX;
}

void input_put(uint8_t byte)
{
    if (waiting.first)
        thread_wake(waiting.first, byte);
    else if (end - first < INPUT_MAX)
        bytes[end++ % INPUT_MAX] = byte;
    input_awaited = waiting.first;
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
}

bool input_reach(void)
{
    return queue_reach(&waiting);
}
