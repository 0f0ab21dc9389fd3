/* What the boot loader hands over, by whichever protocol: memory, command line, and the archive where it is a module. */
#ifndef START_HANDOVER_H
#define START_HANDOVER_H
#include <stdint.h>

#define COMMAND_LINE_MAX 256

struct handover {
    char command_line[COMMAND_LINE_MAX]; /* cut off where it is longer */
    uint64_t archive, archive_size;      /* physical; size 0: there is no such module */
};

/* Gives memory/frames the memory that there is; before page_table_init. What cannot be read: panic. The first 4 GiB are at their
 * physical addresses. */
void handover_read(struct handover *handover, uint32_t information, uint32_t magic);
#endif
