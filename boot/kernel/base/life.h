/* When processes were created, began, were ready and ended, for a reader of the machine's memory: <ambilink/record.h>.
 * The table has room for the first LIVES_MAX processes; it counts the others. */
#ifndef BASE_LIFE_H
#define BASE_LIFE_H
#include <ambilink/record.h>

/* A new process; leads from the record to its life, unless the table is full. */
void life_begin(struct process_record *record);
/* The process reached this for the first time; its life is in the table. */
void life_note(const struct process_record *record, enum life_event event);
/* Called after each note, with kernel_lives.changing set: a machine stops here. */
void life_changes(void);

/* The process reached this; only the first time counts. Inline: a server asks for thousands of requests. */
static inline void life_reach(const struct process_record *record, enum life_event event)
{
    const struct process_life *life = (const struct process_life *)record->life;
    if (life && !life->instant[event])
        life_note(record, event);
}
#endif
