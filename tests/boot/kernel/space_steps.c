/* Address spaces on the development machine, and what another thread does between the steps of a call: each function is one
 * such course, by hand, and gives a line of this file where something is not as it should be; 0: all is well. */
#include <stddef.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/random.h"
#include "base/record.h"
#include "base/work.h"
#include "cpu.h"
#include "memory/frames.h"
#include "memory/page_table.h"
#include "memory/space.h"
#include "rules.h"

#define MEMORY_START 0x100000ull
#define MEMORY_SIZE (48ull << 20)
#define PLACE 0x30000000000
#define PAGES(count) ((uint64_t)(count) * PAGE_SIZE)
#define STEP_PAGES (WORK_OF_ENTRY * PAGES_PER_UNIT) /* that a step maps */
#define LARGE PAGES(2048) /* in four page tables */

#define WANT(condition)      \
    do                       \
        if (!(condition))    \
            return __LINE__; \
    while (0)

/* What the processor and the rest of the kernel do for it. */
char kernel_text_start[1], kernel_rodata_start[1], kernel_data_start[1], kernel_end[1];
const char kernel_stack_guard[1], coroutine_stack_guard[1];
const uint64_t kernel_relr_start[1], kernel_relr_end[1];
struct kernel_record kernel_record;
uint64_t failing_allocation;
bool failure_made;

bool failure_report(void) { return true; }
void log_format(const char *format, ...) { (void)format; }
void panic(const char *format, ...) { (void)format; __builtin_trap(); }
uint64_t random_next(void) { return 4; }
void code_mapped(uint64_t table, uint64_t address, uint64_t physical) { (void)table, (void)address, (void)physical; }
uint64_t cpu_page_table(void) { return 0; }
void cpu_set_page_table(uint64_t physical) { (void)physical; }
void cpu_flush_page(uint64_t address) { (void)address; }
bool coroutine_runs, coroutine_is_in_vain;
void coroutine_stop(void) {}

static uint8_t physical_memory[MEMORY_START + MEMORY_SIZE] __attribute__((aligned(PAGE_SIZE)));
static struct budget budget = {.processes = 1};
static struct space space;
static struct memory *large, *small;

static void begin(void)
{
    static bool is_ready;
    if (!is_ready) {
        physical_offset = (uint64_t)physical_memory;
        frames_add_region(MEMORY_START, MEMORY_START + MEMORY_SIZE);
        frames_ready();
        kernel_page_table = frame_alloc();
    }
    is_ready = true;
    budget.limit = (struct cost){1 << 20, 1 << 20};
    work_begin();
    space_init(&space, &budget);
    large = memory_create(NULL, LARGE);
    small = memory_create(NULL, PAGES(2));
}

static bool is_right(void)
{
    if (mappings_broken_rule(&space.mappings))
        return false;
    for (const struct mapping *each = space.mappings.first; each; each = each->next)
        for (uint64_t at = each->start; at < each->end; at += PAGE_SIZE) {
            unsigned prot;
            uint64_t frame = page_lookup(space.page_table, at, &prot);
            if (frame != memory_frame(each->memory, each->offset + (at - each->start)) || prot != each->prot)
                return false;
        }
    return true;
}

/* All is given back. */
static bool end(void)
{
    while (!space_end(&space))
        work_begin();
    object_release(large);
    object_release(small);
    for (work_begin(); work_waiting; work_begin())
        objects_destroy();
    return !budget.used.pages && !budget.used.bytes;
}

static int64_t map_step(struct space_progress *progress, uint64_t address)
{
    work_begin();
    const struct space_wanted wanted = {large, 0, LARGE, address, PROT_READ_WRITE, PROT_READ_WRITE};
    return space_map_some(&space, &wanted, progress);
}

static int64_t map_other(uint64_t address, unsigned prot)
{
    work_begin();
    return space_map(&space, small, 0, PAGE_SIZE, address, prot, PROT_READ_WRITE);
}

static int64_t unmap_other(uint64_t address, uint64_t size)
{
    work_begin();
    return space_unmap(&space, address, size);
}

/* Where `count` mappings are, one page each, with a page between them. */
static void map_many(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        map_other(PLACE + PAGES(2 * i), PROT_READ_WRITE);
}

static const struct mapping *mapping_at(uint64_t address)
{
    const struct mapping *found = mappings_find(&space.mappings, address);
    return found && found->start <= address ? found : NULL;
}

/* A mapping in the making has all its addresses; what another thread unmaps and maps there is that thread's. */
int map_in_steps(void)
{
    begin();
    struct space_progress progress = {0};
    WANT(map_step(&progress, PLACE) == CALL_AGAIN);
    WANT(map_other(PLACE + LARGE - PAGE_SIZE, PROT_READ_ONLY) == STATUS_OVERLAP);
    WANT(space_find_unused(&space, PAGE_SIZE) != PLACE);
    WANT(unmap_other(PLACE, PAGES(1)) == STATUS_OK && unmap_other(PLACE + LARGE - PAGES(3), PAGES(2)) == STATUS_OK);
    WANT(map_other(PLACE, PROT_READ_ONLY) > 0 && map_other(PLACE + LARGE - PAGES(2), PROT_READ_ONLY) > 0);
    work_begin();
    WANT(space_protect(&space, PLACE + LARGE - PAGES(8), PAGES(4), PROT_READ_ONLY) == STATUS_OK);
    unsigned steps = 1;
    int64_t status;
    for (; (status = map_step(&progress, PLACE)) == CALL_AGAIN; steps++)
        ;
    WANT(status == PLACE && steps >= 2048 / STEP_PAGES && is_right());
    WANT(mapping_at(PLACE)->memory == small && mapping_at(PLACE + LARGE - PAGES(2))->memory == small);
    WANT(!mapping_at(PLACE + LARGE - PAGES(3)) && mapping_at(PLACE + LARGE - PAGES(5))->prot == PROT_READ_ONLY);
    WANT(end());
    return 0;
}

/* One that fails takes back what is its own, and no more. */
int map_that_fails(void)
{
    begin();
    struct space_progress progress = {0};
    WANT(map_step(&progress, PLACE) == CALL_AGAIN);
    WANT(unmap_other(PLACE, PAGES(4)) == STATUS_OK && map_other(PLACE + PAGES(1), PROT_READ_ONLY) > 0);
    WANT(unmap_other(PLACE + LARGE - PAGES(2), PAGES(1)) == STATUS_OK);
    WANT(map_other(PLACE + LARGE - PAGES(2), PROT_READ_ONLY) > 0);
    budget.limit.pages = budget.used.pages;
    int64_t status;
    while ((status = map_step(&progress, PLACE)) == CALL_AGAIN)
        ;
    WANT(status == STATUS_NO_MEMORY && space.mappings.count == 2 && is_right());
    WANT(mapping_at(PLACE + PAGES(1))->memory == small && mapping_at(PLACE + LARGE - PAGES(2))->memory == small);
    WANT(end());
    return 0;
}

/* What is mapped after a range began to be unmapped stays, before and behind where that has come. */
int unmap_in_steps(void)
{
    begin();
    map_many(4 * WORK_OF_ENTRY);
    struct space_progress progress = {0};
    work_begin();
    const uint64_t size = PAGES(8 * WORK_OF_ENTRY - 2);
    WANT(space_unmap_some(&space, PLACE, size, &progress) == CALL_AGAIN);
    WANT(!mapping_at(PLACE) && mapping_at(PLACE + size - PAGES(2)));
    WANT(map_other(PLACE, PROT_READ_ONLY) > 0 && map_other(PLACE + size - PAGES(1), PROT_READ_ONLY) > 0);
    int64_t status;
    do
        work_begin();
    while ((status = space_unmap_some(&space, PLACE, size, &progress)) == CALL_AGAIN);
    WANT(status == STATUS_OK && space.mappings.count == 3 && is_right());
    WANT(mapping_at(PLACE) && mapping_at(PLACE + size - PAGES(1)) && mapping_at(PLACE + size));
    WANT(end());
    return 0;
}

/* A large one goes from its beginning on, and its beginning can be used at once. */
int unmap_what_is_large(void)
{
    begin();
    struct space_progress progress = {0};
    while (map_step(&progress, PLACE) == CALL_AGAIN)
        ;
    progress = (struct space_progress){0};
    work_left = 1;
    WANT(space_unmap_some(&space, PLACE + PAGES(1), LARGE - PAGES(2), &progress) == CALL_AGAIN);
    WANT(map_other(PLACE + PAGES(1), PROT_READ_ONLY) > 0 && is_right());
    work_begin();
    WANT(space_unmap_some(&space, PLACE + PAGES(1), LARGE - PAGES(2), &progress) == STATUS_OK);
    WANT(space.mappings.count == 3 && is_right() && end());
    return 0;
}

/* What is final is so for each part, however early another thread separates it. */
int protect_for_ever(void)
{
    begin();
    struct space_progress progress = {0};
    while (map_step(&progress, PLACE) == CALL_AGAIN)
        ;
    progress = (struct space_progress){0};
    work_begin();
    WANT(space_protect_some(&space, PLACE, LARGE, PROT_READ_ONLY | PROT_FINAL, &progress) == CALL_AGAIN);
    WANT(unmap_other(PLACE + PAGES(2), PAGES(1)) == STATUS_OK);
    work_begin();
    WANT(space_protect(&space, PLACE, PAGES(2), PROT_READ_WRITE) == STATUS_NO_RIGHT);
    WANT(unmap_other(PLACE + LARGE - PAGES(2), PAGES(1)) == STATUS_OK);
    WANT(map_other(PLACE + LARGE - PAGES(2), PROT_READ_WRITE) > 0);
    int64_t status;
    do
        work_begin();
    while ((status = space_protect_some(&space, PLACE, LARGE, PROT_READ_ONLY | PROT_FINAL, &progress)) == CALL_AGAIN);
    WANT(status == STATUS_OK && is_right());
    work_begin();
    for (uint64_t at = PLACE; at < PLACE + LARGE; at += PAGE_SIZE) {
        bool is_other = at == PLACE + LARGE - PAGES(2), is_hole = at == PLACE + PAGES(2);
        WANT(is_hole || (space_protect(&space, at, PAGE_SIZE, PROT_READ_WRITE) == STATUS_OK) == is_other);
        work_begin();
    }
    WANT(end());
    return 0;
}

/* Many are looked at, and protected, in steps; one that may not be so changes none. */
int protect_many(void)
{
    begin();
    const unsigned count = 16 * WORK_OF_ENTRY;
    for (unsigned i = 0; i < count; i++)
        map_other(PLACE + PAGES(i), i == count - 1 ? PROT_READ_WRITE | PROT_FINAL : PROT_READ_WRITE);
    struct space_progress progress = {0};
    unsigned steps = 0;
    int64_t status;
    do {
        work_begin();
        steps++;
    } while ((status = space_protect_some(&space, PLACE, PAGES(count), PROT_READ_ONLY, &progress)) == CALL_AGAIN);
    WANT(status == STATUS_OK && steps >= 16 && is_right());
    work_begin();
    WANT(space_protect(&space, PLACE + PAGES(count - 1), PAGE_SIZE, PROT_READ_ONLY | PROT_FINAL) == STATUS_OK);
    for (progress = (struct space_progress){0}, work_begin();
         (status = space_protect_some(&space, PLACE, PAGES(count), PROT_READ_WRITE, &progress)) == CALL_AGAIN; work_begin())
        ;
    WANT(status == STATUS_NO_RIGHT && is_right());
    for (const struct mapping *each = space.mappings.first; each; each = each->next)
        WANT(each->prot == PROT_READ_ONLY);
    WANT(end());
    return 0;
}

/* Memory that grows costs what is touched of it, whatever its size is, and goes with all that lists it. */
int reserve_what_is_huge(void)
{
    begin();
    const uint64_t size = MEMORY_GROWING_MAX, before = budget.used.pages;
    const uint64_t touched[] = {0, PAGE_SIZE, size / 2, size - PAGE_SIZE};
    WANT(!memory_create_growing(&budget, size + PAGE_SIZE, 0) && !memory_create(&budget, size));
    struct memory *huge = memory_create_growing(&budget, size, 0);
    WANT(huge && space_map(&space, huge, 0, size, PLACE, PROT_READ_WRITE, PROT_READ_WRITE) == PLACE);
    WANT(budget.used.pages == before + 1 && space_find_unused(&space, PAGE_SIZE) && !work_waiting);
    for (unsigned i = 0, taken = 0; i < 4; i++, taken = 0) {
        const uint64_t at = PLACE + touched[i];
        WANT(!page_lookup(space.page_table, at, NULL) && !memory_frame(huge, touched[i]));
        for (budget.limit.pages = budget.used.pages; !space_touch(&space, at); budget.limit.pages++)
            WANT(++taken < 8 && !page_lookup(space.page_table, at, NULL) && budget.used.pages <= budget.limit.pages);
        unsigned prot;
        WANT(page_lookup(space.page_table, at, &prot) == memory_frame(huge, touched[i]) && prot == PROT_READ_WRITE);
        WANT(taken && !space_touch(&space, PLACE + size) && !page_lookup(space.page_table, at + 8 * PAGE_SIZE, NULL));
    }
    budget.limit.pages = 1 << 20;
    WANT(memory_charge(huge) == 1 + 3 * 3 + 4 && memory_frames(huge) == memory_charge(huge));
    work_begin();
    WANT(space_protect(&space, PLACE, size, PROT_READ_ONLY) == STATUS_OK);
    WANT(space_protect(&space, PLACE + size / 4, size / 2, PROT_NO_ACCESS) == STATUS_OK);
    WANT(space_protect(&space, PLACE + size / 2, 2 * PAGE_SIZE, PROT_READ_WRITE) == STATUS_OK);
    for (unsigned i = 0; i < 4; i++) {
        unsigned prot;
        WANT(page_lookup(space.page_table, PLACE + touched[i], &prot) == memory_frame(huge, touched[i]));
        WANT(prot == (i == 2 ? PROT_READ_WRITE : PROT_READ_ONLY));
    }
    WANT(page_lookup(space.page_table, PLACE + size / 2 + PAGE_SIZE, NULL));
    WANT(!space_touch(&space, PLACE + size / 4) && space_touch(&space, PLACE + 8 * PAGE_SIZE));
    object_release(huge);
    WANT(unmap_other(PLACE + PAGE_SIZE, size - 2 * PAGE_SIZE) == STATUS_OK && space.mappings.count == 2);
    WANT(unmap_other(PLACE, size) == STATUS_OK && !space.mappings.count && end());
    return 0;
}
