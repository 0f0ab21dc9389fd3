/* The start block of a process that was linked (<ambilink/start.h>): what its start code, its C library and debuggers
 * read. The host that links writes it: the loader service, the kernel, or the interpreter in the process itself. */
#ifndef HOSTLINK_START_BLOCK_H
#define HOSTLINK_START_BLOCK_H
#include <ambilink/start.h>
#include <hostlink/shared_area.h>
#include <rtld/link.h>
#include <stdbool.h>

/* Bytes that start_block_write appends, between link_order and link_commit. */
uint64_t start_block_size(const struct link *link);

/* Write it to an empty area; its struct start_info comes first. Left to the caller: handles, image_size.
 * *list: the list of modules, in the writer's view. */
struct start_info *start_block_write(struct shared_area *area, struct link *link, struct start_link **list);

/* Words that functions of the fresh modules fill, and RELRO that must wait for them. */
uint64_t start_resolvers_size(const struct link *link, uint64_t *relro_count);
void start_resolvers_fill(const struct link *link, struct start_resolver *resolvers, struct start_range *relro);
bool relro_waits(const struct link *link, const struct module *module, const struct segment *segment);

/* Parts of a writable segment's pages by the protection that they begin with: RELRO without pending IFUNCs is read-only. */
#define SEGMENT_PARTS_MAX 3
struct segment_part {
    uint64_t offset, size; /* in its pages */
    unsigned prot;         /* PROT_... */
};
unsigned segment_parts(const struct link *link, const struct module *module, const struct segment *segment,
                       struct segment_part parts[SEGMENT_PARTS_MAX]);
#endif
