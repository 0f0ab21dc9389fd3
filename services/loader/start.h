/* What a new process finds when it starts: its authority, which stands in the start block (<ambilink/start.h>), and its stack. */
#ifndef START_H
#define START_H
#include "child.h"

/* What the first thread needs to know; addresses in the process. */
struct start_values {
    uint64_t entry, program_headers, program_header_count;
    uint64_t info;            /* struct start_info */
};

/* Write what of the start block differs from process to process; false: reported. */
bool start_block_finish(const struct child *child, struct start_info *info);
/* The last steps of a start, when all is ready for target_map: stack, mappings, the first thread. False: reported. */
bool start_run(struct child *child, const struct start_values *values);
#endif
