/* What every call of the core stands on: memory, and where to report. A link makes its own from its host's functions;
 * who only parses an object (<rtld/parse.h>) fills in one. */
#ifndef RTLD_GROUND_H
#define RTLD_GROUND_H
#include <rtld/report.h>
#include <stdbool.h>
#include <stdint.h>

struct arena;

struct ground {
    /* Set by the host, as in struct link_host. memory NULL: nothing beyond what the arena has; pause NULL: it goes
     * on. */
    void *context;
    void *(*memory)(void *context, uint64_t *size);
    void (*release)(void *context, void *block, uint64_t size);
    bool (*report)(void *context, const struct report *report);
    bool (*pause)(void *context);

    const char *object;     /* what a lack of memory is reported of */
    struct arena *arena;    /* what is read lies there; NULL: `memory` is asked for a first block */

    /* The core's own; all zero at first. */
    bool failed, stopped;   /* something was reported; the host asked to stop */
    uint64_t work;          /* steps along hash chains and version lists */
};

/* An arena in a buffer of the caller's, aligned to 16 bytes, which is never released. */
struct arena *arena_within(void *buffer, uint64_t size);
/* Give all of the arena's blocks back; not for one in a buffer. */
void arena_free(struct ground *ground, struct arena **arena);
#endif
