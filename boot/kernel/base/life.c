#include "base/life.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "timer.h"

struct kernel_lives kernel_lives; /* all zero at first, so that no file has room for it */

/* Never inlined, never empty to the compiler: a machine stops here. */
__attribute__((noinline)) void life_changes(void)
{
    __asm__ volatile("" ::: "memory");
}

void life_begin(struct process_record *record)
{
    uint64_t index = kernel_lives.count++;
    if (index == 0) {
        kernel_lives.magic = LIVES_MAGIC;
        kernel_lives.capacity = LIVES_MAX;
        kernel_lives.frequency = TIMER_FREQUENCY;
    }
    if (index >= LIVES_MAX)
        return;
    struct process_life *life = &kernel_lives.life[index];
    life->number = record->number;
    memory_copy(life->name, record->name, sizeof life->name);
    record->life = (uint64_t)life;
    life_note(record, LIFE_CREATED);
}

void life_note(const struct process_record *record, enum life_event event)
{
    struct process_life *life = (struct process_life *)record->life;
    uint64_t *instant = &life->instant[event];
    *instant = clock_counts() | 1; /* never 0 */
    life->state = record->state;
    life->exit_status = record->exit_status;
    kernel_lives.changing = (uint64_t)instant;
    life_changes();
}
