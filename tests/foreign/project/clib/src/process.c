/* Begin and end of a program. */
#include <loaderkit/program.h>

#include "internal.h"

#define EXITS_MAX 64

struct header {
    uint8_t ident[16];
    uint32_t type, version;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t size, segment_size, count;
};
struct segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_size, memory_size, align;
};
#define THREAD_LOCAL 7

const struct fern_start *fernc_start;
static struct static_tables own;
static struct { void (*function)(void *); void *argument, *object; } exits[EXITS_MAX];
static unsigned exit_count;

int __cxa_atexit(void (*function)(void *), void *argument, void *object)
{
    if (exit_count == EXITS_MAX)
        return -1;
    exits[exit_count].function = function;
    exits[exit_count].object = object;
    exits[exit_count++].argument = argument;
    return 0;
}

/* There is one thread. */
int __cxa_thread_atexit(void (*function)(void *), void *argument, void *object)
{
    return __cxa_atexit(function, argument, object);
}

/* What an object registered, the last first; NULL: all. */
void __cxa_finalize(void *object)
{
    for (unsigned i = exit_count; i-- > 0;) {
        void (*function)(void *) = !object || exits[i].object == object ? exits[i].function : NULL;
        if (!function)
            continue;
        exits[i].function = NULL;
        function(exits[i].argument);
    }
}

/* The thread-local storage of a static program (psABI, variant II): the loader made that of others. */
static void make_thread(void)
{
    const struct header *header = (const struct header *)own.header;
    const struct segment *segment = (const struct segment *)(own.header + header->segments), *found = NULL;
    for (unsigned i = 0; i < header->count; i++)
        found = segment[i].type == THREAD_LOCAL ? &segment[i] : found;
    uint64_t align = found ? found->align : 1, offset = found ? (found->memory_size + align - 1) & -align : 0;
    uint64_t size = (offset + FERN_PAGE - 1) & ~(FERN_PAGE - 1ull); /* the pointer is aligned to a page */
    uint8_t *pointer = (uint8_t *)memory(size + FERN_PAGE) + size;
    if (found)
        memcpy(pointer - offset, (const void *)found->address, found->file_size);
    *(uint64_t *)pointer = (uint64_t)pointer;
    fern_call(FERN_THREAD, (uint64_t)pointer, 0, 0, 0);
}

void fernc_run(const struct fern_start *start, const struct static_tables *tables, int (*main)(int, char **))
{
    fernc_start = start;
    own = *tables;
    if (!start) {
        static char *none[] = {(char *)"static", NULL};
        make_thread();
        for (void (**each)(int, char **, char **) = own.first_initializer; each < own.last_initializer; each++)
            (*each)(1, none, NULL);
        exit(main(1, none));
    }
    char **arguments = (char **)(uintptr_t)start->arguments;
    int count = (int)start->argument_count;
    program_initialize(start->info, count, arguments, NULL, NULL);
    exit(main(count, arguments));
}

void exit(int status)
{
    __cxa_finalize(NULL);
    if (fernc_start)
        program_finalize(fernc_start->info);
    else
        for (void (**each)(void) = own.last_finalizer; each > own.first_finalizer;)
            (*--each)();
    for (;;)
        fern_call(FERN_EXIT, (uint64_t)(int64_t)status, 0, 0, 0);
}

void *memory(size_t size)
{
    int64_t address = fern_call(FERN_MEMORY, size, 0, 0, 0);
    return address < 0 ? NULL : (void *)address;
}

void yield(void)
{
    fern_call(FERN_YIELD, 0, 0, 0, 0);
}
