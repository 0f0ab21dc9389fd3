/* What the parts of this library know of each other. */
#ifndef LOADERKIT_INTERNAL_H
#define LOADERKIT_INTERNAL_H
#include <loaderkit/loader.h>

#pragma GCC visibility push(hidden)

static inline uint64_t whole_pages(uint64_t size)
{
    return (size + AMBILINK_PAGE_SIZE - 1) & ~(uint64_t)(AMBILINK_PAGE_SIZE - 1);
}

/* Log "process: text", and keep it as the process' message. */
void process_log(struct loader_process *process, const char *text, const char *what);

/* The loader's own records, by the port's allocator or in whole pages. */
void *record_allocate(struct loader *loader, uint64_t *size);
void record_release(struct loader *loader, void *block, uint64_t size);

/* The functions of the table that libs/hostlink calls, with a process as context. */
void host_fill(struct loader *loader);

/* The first thread's block of thread-local storage: *thread_pointer, where the program will know it; 0 where it makes its own.
 * The area is mapped with the rest; NULL with true: there is none. False: no memory. */
bool thread_block_make(struct loader_process *process, struct target_area **area, uint64_t *thread_pointer);

#pragma GCC visibility pop
#endif
