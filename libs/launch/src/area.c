#include <launch/area.h>
#include <string.h>

uint64_t launch_put(struct launch_area *area, const void *bytes, uint64_t size)
{
    uint64_t at = area->used;
    memcpy(area->here + at, bytes, size);
    area->used = launch_rounded(at + size);
    return area->there + at;
}

uint64_t launch_put_string(struct launch_area *area, const char *text)
{
    return launch_put(area, text, strlen(text) + 1);
}
