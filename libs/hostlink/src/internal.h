/* What the parts of this library know of each other. */
#ifndef HOSTLINK_INTERNAL_H
#define HOSTLINK_INTERNAL_H
#include <hostlink/target.h>

#pragma GCC visibility push(hidden)

#define PAGE_MASK ((uint64_t)AMBILINK_PAGE_SIZE - 1)

static inline uint64_t page_up(uint64_t size)
{
    return (size + PAGE_MASK) & ~PAGE_MASK;
}

static inline const struct target_host *host_of(const struct target *target)
{
    return target->linker->host;
}

/* This host writes in the target itself. */
static inline bool lives_there(const struct target *target)
{
    return !host_of(target)->stage;
}

/* The module was there before: nothing of it is placed or mapped. */
bool is_found(const struct target *target, const struct module *module);

/* An address under which the target's modules may go. */
uint64_t random_top(const struct target *target);
/* link_host.place and link_host.stage, with the target as context. */
bool place_module(void *context, const struct module *module, uint64_t *bias);
void *stage_segment(void *context, const struct module *module, const struct segment *segment, bool *filled);
/* The staging memory goes, whether it was made or not. */
void end_staging(struct target *target);

/* Map the segments of what is fresh. */
bool map_fresh(struct target *target);
/* Unmap what was mapped of it, and give back its addresses. */
void unmap_fresh(struct target *target);
/* Unmap a module that was committed. */
void unmap_module(struct target *target, const struct module *module);

/* The area that the target's block is; NULL: no memory. */
struct target_area *make_block(struct target *target, uint64_t size, const struct shared_area *given);
/* The same of one that another linker made. */
void adopt_block(struct target *target, const struct staging *view, uint64_t address);
/* Areas that were made since the start or open began go. */
void free_new_areas(struct target *target);
/* All areas go here, and stay there. */
void forget_areas(struct target *target);
/* A module that is described in an area goes: the last one takes the area with it. */
void describe_gone(struct target *target, const struct module *module);

/* All phases of a start but mapping. False: logged, and given back by target_abandon alone. */
bool link_program(struct target *target, const char *name, const struct file_view *program);

#pragma GCC visibility pop
#endif
