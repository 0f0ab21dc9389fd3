/* Makes objects of each kind until the budget is used up, and ends all but a few that lie far from each other; then the
 * same with the next kind. However it does that, the machine has no more frames in use than the budget was charged for,
 * and all come back. The manifest gives it 16 MiB of memory and 256 KiB of the kernel's, and the grant log. */
#include <system/call.h>

#include "check.h"
#include "counts.h"

#define PAGE AMBILINK_PAGE_SIZE
#define KERNEL_FRAMES ((256 << 10) / PAGE)
#define PLACE 0x30000000000
#define TABLES 16 /* at most, for the mappings */
#define MANY 4096

static handle_t self, memory;
static uint64_t before, kept_pages;

static uint64_t frames_taken(void)
{
    return counts_settled().frames_used - before;
}

struct kind {
    const char *name;
    int64_t (*make)(uint64_t number);
    void (*end)(int64_t made, uint64_t number);
    unsigned in_a_slab; /* at least so many */
    unsigned pages;     /* that each takes beside its records */
};

static int64_t make_endpoint(uint64_t number)
{
    (void)number;
    return sys_endpoint_create();
}

static int64_t make_memory(uint64_t number)
{
    (void)number;
    return sys_memory_create(PAGE);
}

/* Whose list of frames is of another size. */
static int64_t make_more_memory(uint64_t number)
{
    (void)number;
    return sys_memory_create(20 * PAGE);
}

static int64_t make_process(uint64_t number)
{
    (void)number;
    return sys_process_create("slabs", 5);
}

static void end_handle(int64_t made, uint64_t number)
{
    (void)number;
    CHECK(sys_handle_close((handle_t)made) == STATUS_OK);
}

static uint64_t place_of(uint64_t number)
{
    return PLACE + 2 * number * PAGE;
}

static int64_t make_mapping(uint64_t number)
{
    return sys_process_map(self, memory, 0, PAGE, place_of(number), PROT_READ_ONLY);
}

static void end_mapping(int64_t made, uint64_t number)
{
    (void)made;
    CHECK(sys_process_unmap(self, place_of(number), PAGE) == STATUS_OK);
}

static const struct kind kinds[] = {
    {"endpoints", make_endpoint, end_handle, 28, 0}, {"mappings", make_mapping, end_mapping, 42, 0},
    {"processes", make_process, end_handle, 3, 1},   {"memory", make_memory, end_handle, 42, 1},
    {"more memory", make_more_memory, end_handle, 15, 20},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static int64_t made[KINDS][MANY];
static uint64_t counts[KINDS];

/* Until there is no more; then one of each slab stays. */
static void fragment(unsigned index)
{
    const struct kind *kind = &kinds[index];
    uint64_t count = 0;
    int64_t last = 0;
    while (count < MANY && (last = kind->make(count)) > 0)
        made[index][count++] = last;
    CHECK(last == STATUS_NO_MEMORY || last == STATUS_LIMIT);
    counts[index] = count;
    for (uint64_t i = 0; i < count; i++)
        if (i % kind->in_a_slab) {
            kind->end(made[index][i], i);
            made[index][i] = 0;
        } else {
            kept_pages += kind->pages;
        }
}

static void end_kept(unsigned index)
{
    for (uint64_t i = 0; i < counts[index]; i++)
        if (made[index][i])
            kinds[index].end(made[index][i], i);
}

int main(void)
{
    self = sys_start_handle(START_HANDLE_SELF);
    memory = (handle_t)sys_memory_create(PAGE);
    /* The table of handles keeps its pages. */
    fragment(0);
    end_kept(0);
    before = counts_settled().frames_used;
    for (unsigned i = 0; i < KINDS; i++) {
        fragment(i);
        uint64_t taken = frames_taken();
        CHECK(taken >= kept_pages && taken <= KERNEL_FRAMES + kept_pages + TABLES);
        printf("slabs: after %s %llu frames more, %llu of them pages\n", kinds[i].name, (unsigned long long)taken,
               (unsigned long long)kept_pages);
    }
    for (unsigned i = 0; i < KINDS; i++)
        end_kept(i);
    CHECK(frames_taken() == 0);
    return checks_finish("slabs");
}
