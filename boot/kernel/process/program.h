/* Programs that the kernel places and does not link: static ones, and dynamic ones beside their interpreter. */
#ifndef PROCESS_PROGRAM_H
#define PROCESS_PROGRAM_H
#include "process/process.h"

struct program {
    uint64_t entry;             /* its own */
    uint64_t start;             /* the first instruction: entry, or the interpreter's */
    uint64_t base, program_headers, program_header_count;
    uint64_t interpreter;       /* base of it; 0: none */
    char interpreter_name[128]; /* PT_INTERP without a leading "/", or "" */
};

/* Place an ELF file, `size` bytes at an offset of the archive, in a process. False: *rule is what it breaks or lacks, and
 * what was mapped so far stays: the caller gives the process up. */
bool program_place(struct process *process, struct memory *archive, uint64_t offset, uint64_t size,
                   struct program *program, const char **rule);
#endif
