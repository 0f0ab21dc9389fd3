/* The kernel's frames; those that are free are poisoned for AddressSanitizer, but for the link to the next one. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#define frame_alloc unwatched_frame_alloc
#define frames_alloc unwatched_frames_alloc
#define frame_free unwatched_frame_free
#include "memory/frames.c"
#undef frame_alloc
#undef frames_alloc
#undef frame_free

#define LINK sizeof(uint64_t)
#define FRAMES 8192

uint64_t frame_alloc(void);
uint64_t frames_alloc(uint64_t *frames, uint64_t count);
void frame_free(uint64_t frame);

static bool in_use[FRAMES];

static bool *use_of(uint64_t frame)
{
    if (!frames_exist(frame, frame + PAGE_SIZE) || frame % PAGE_SIZE)
        panic("%x is no frame", frame);
    return &in_use[frame / PAGE_SIZE];
}

uint64_t frame_alloc(void)
{
    const uint64_t first = free_frame;
    if (first)
        ASAN_UNPOISON_MEMORY_REGION(physical_pointer(first), PAGE_SIZE);
    const uint64_t frame = unwatched_frame_alloc();
    if (first && frame != first)
        ASAN_POISON_MEMORY_REGION((uint8_t *)physical_pointer(first) + LINK, PAGE_SIZE - LINK);
    if (frame)
        *use_of(frame) = true;
    return frame;
}

uint64_t frames_alloc(uint64_t *frames, uint64_t count)
{
    uint64_t taken = 0;
    while (taken < count && (frames[taken] = frame_alloc()))
        taken++;
    return taken;
}

void frame_free(uint64_t frame)
{
    if (!*use_of(frame))
        panic("frame %x is freed, and not in use", frame);
    *use_of(frame) = false;
    unwatched_frame_free(frame);
    ASAN_POISON_MEMORY_REGION((uint8_t *)physical_pointer(frame) + LINK, PAGE_SIZE - LINK);
}
