#include <hostlink/shared_area.h>
#include <string.h>

uint64_t shared_area_put(struct shared_area *area, const void *bytes, uint64_t size)
{
    uint64_t at = area->used;
    memcpy(area->here + at, bytes, size);
    area->used = shared_area_rounded(at + size);
    return area->there + at;
}

uint64_t shared_area_put_string(struct shared_area *area, const char *text)
{
    return shared_area_put(area, text, strlen(text) + 1);
}
