/* The kernel as a host of libs/hostlink: linking into a process, by the same code as the loader service's. */
#ifndef LINK_LINK_H
#define LINK_LINK_H
#include <hostlink/target.h>
#include <stdbool.h>

#include "image/image.h"
#include "process/process.h"

/* One link. It leads to itself: must not be moved. */
struct process_link {
    struct process *process;
    const char *service;
    struct target target;
};

/* What links into processes share: the caller's, and for good. */
void process_linker_init(struct linker *linker);

/* Link a program there, with what the service preloads (NULL: it is none), up to target_link. False: logged. Either way target_end follows. */
bool process_link(struct process_link *linking, struct linker *linker, struct process *process, const char *name,
                  const struct image_file *file, const struct image_service *service);
/* The memory object behind staging memory, whose addresses keep it. */
struct memory *process_link_memory(const struct staging *staging);

/* What any linker of the kernel needs of its host (struct target_host). */
void *link_allocate(void *context, uint64_t *size);
void link_release(void *context, void *block, uint64_t size);
uint64_t link_random(void *context);
#endif
