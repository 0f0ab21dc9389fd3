/* Page frames. Free frames are a stack threaded through the frames themselves; frames that were never
 * used are taken in ascending order, so that a large memory is not touched before it is needed. */
#include "memory/frames.h"

#include "base/bytes.h"
#include "base/failure.h"
#include "base/log.h"
#include "base/record.h"

uint64_t physical_offset; /* 0 until page_table_enter */

struct region {
    uint64_t start, end;
    uint64_t next, limit; /* of a run in it: none of its frames is reserved */
};

static struct region regions[REGION_MAX];
static unsigned region_count;
static struct region reserved[REGION_MAX];
static unsigned reserved_count;
static uint64_t free_frame;
static uint64_t free_count;

void frames_add_region(uint64_t start, uint64_t end)
{
    start = PAGE_UP(start);
    end = PAGE_DOWN(end);
    if (start >= end)
        return;
    if (region_count < REGION_MAX)
        regions[region_count++] = (struct region){start, end, start, start};
    else
        log_format("kernel: memory from %x to %x is not used: the table of regions has %u entries\n", start, end, REGION_MAX);
}

void frames_reserve(uint64_t start, uint64_t end)
{
    if (reserved_count == REGION_MAX)
        panic("too many reserved ranges");
    reserved[reserved_count++] = (struct region){.start = PAGE_DOWN(start), .end = PAGE_UP(end)};
}

static const struct region *reserved_around(uint64_t frame)
{
    for (unsigned i = 0; i < reserved_count; i++)
        if (frame >= reserved[i].start && frame < reserved[i].end)
            return &reserved[i];
    return NULL;
}

/* The next run of frames that may be used; false: there is none. */
static bool find_run(struct region *region)
{
    const struct region *taken;
    while (region->next < region->end && (taken = reserved_around(region->next)))
        region->next = taken->end;
    if (region->next >= region->end)
        return false;
    region->limit = region->end;
    for (unsigned i = 0; i < reserved_count; i++)
        if (reserved[i].start > region->next && reserved[i].start < region->limit)
            region->limit = reserved[i].start;
    return true;
}

void frames_ready(void)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < region_count; i++)
        for (struct region region = regions[i]; find_run(&region); region.next = region.limit)
            total += (region.limit - region.next) / PAGE_SIZE;
    free_count = total;
    kernel_record.frames_total = total;
}

uint64_t frames_highest(void)
{
    uint64_t highest = 0;
    for (unsigned i = 0; i < region_count; i++)
        if (regions[i].end > highest)
            highest = regions[i].end;
    return highest;
}

bool frames_exist(uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < region_count; i++)
        if (start >= regions[i].start && end <= regions[i].end && start < end)
            return true;
    return false;
}

/* The frames that were never used, of one run after the other. */
static struct {
    uint64_t next, limit;
} unused;

static __attribute__((noinline)) bool next_run(void)
{
    static unsigned at; /* regions before it are used up */
    for (; at < region_count; at++) {
        struct region *region = &regions[at];
        if (!find_run(region))
            continue;
        unused.next = region->next;
        unused.limit = region->next = region->limit;
        return true;
    }
    return false;
}

static inline __attribute__((always_inline)) uint64_t take_frame(void)
{
    uint64_t frame = free_frame;
    if (frame) {
        free_frame = *(uint64_t *)physical_pointer(frame);
    } else {
        if (unused.next >= unused.limit && !next_run())
            return 0;
        frame = unused.next;
        unused.next += PAGE_SIZE;
    }
    free_count--;
    kernel_record.frames_used++;
    page_clear(physical_pointer(frame));
    return frame;
}

uint64_t frame_alloc(void)
{
    return failure_due() ? 0 : take_frame();
}

uint64_t frames_alloc(uint64_t *frames, uint64_t count)
{
    uint64_t taken = 0;
    if (failure_due())
        return 0;
    while (taken < count && (frames[taken] = take_frame()))
        taken++;
    return taken;
}

void frame_free(uint64_t frame)
{
    *(uint64_t *)physical_pointer(frame) = free_frame;
    free_frame = frame;
    free_count++;
    kernel_record.frames_used--;
}

bool frames_available(uint64_t count)
{
    return count <= free_count;
}
