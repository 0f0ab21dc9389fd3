/* Memory that is written here and read in another address space, or in this one. */
#ifndef HOSTLINK_SHARED_AREA_H
#define HOSTLINK_SHARED_AREA_H
#include <stdint.h>

struct shared_area {
    uint8_t *here;        /* the writer's view, `size` bytes, aligned to 16 */
    uint64_t there;       /* the address that readers know */
    uint64_t size, used;
};

/* What shared_area_put takes up. */
static inline uint64_t shared_area_rounded(uint64_t size)
{
    return (size + 15) & ~15ull;
}

/* Append bytes; the address that readers know. The caller computed the size of all before. */
uint64_t shared_area_put(struct shared_area *area, const void *bytes, uint64_t size);
uint64_t shared_area_put_string(struct shared_area *area, const char *text);
#endif
