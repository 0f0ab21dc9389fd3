/* Memory that is written here and read in another address space, or in this one. */
#ifndef LAUNCH_AREA_H
#define LAUNCH_AREA_H
#include <stdint.h>

struct launch_area {
    uint8_t *here;        /* the writer's view, `size` bytes, aligned to 16 */
    uint64_t there;       /* the address that readers know */
    uint64_t size, used;
};

/* What launch_put takes up. */
static inline uint64_t launch_rounded(uint64_t size)
{
    return (size + 15) & ~15ull;
}

/* Append bytes; the address that readers know. The caller computed the size of all before. */
uint64_t launch_put(struct launch_area *area, const void *bytes, uint64_t size);
uint64_t launch_put_string(struct launch_area *area, const char *text);
#endif
