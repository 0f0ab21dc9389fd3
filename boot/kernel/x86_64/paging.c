/* Four-level page tables. The upper half is the kernel's and the same in all tables. */
#include "base/bytes.h"
#include "base/log.h"
#include "base/random.h"
#include "base/record.h"
#include "base/work.h"
#include "cpu.h"
#include "layout.h"
#include "memory/frames.h"
#include "memory/guard.h"
#include "memory/page_table.h"
#include "relocate.h"
#include "stacks.h"

#define ENTRY_PRESENT 0x001ull
#define ENTRY_WRITE 0x002ull
#define ENTRY_USER 0x004ull
#define ENTRY_LARGE 0x080ull
#define ENTRY_NO_EXECUTE (1ull << 63)
#define ENTRY_FRAME 0x000ffffffffff000ull
/* Ignored by the CPU in an entry that leads to a table: how many entries of that table are not 0. */
#define ENTRY_USED (0x3ffull << 52)
#define ENTRY_USED_ONE (1ull << 52)
#define ENTRY_NO_ACCESS 0x200ull /* used, and not present */
#define ENTRY_WITHHELD 0x400ull  /* likewise: present once the page was found intact */
#define ENTRIES 512
#define FLUSH_PAGES_MAX 32     /* for more, all is flushed */
#define LARGE_PAGE (2ull << 20)
#define TOUCHED_TOGETHER 8 /* pages */
#define WORK_OF_HOLE 2     /* units */
#define WORK_OF_SCAN 8     /* units: looking at all entries of a table */

#define ADDRESS(top, pointer, directory) \
    (0xffffull << 48 | (uint64_t)(top) << 39 | (uint64_t)(pointer) << 30 | (uint64_t)(directory) << 21)
#define KERNEL_LARGE_PAGES 8 /* more than it has */

extern char kernel_text_start[], kernel_rodata_start[], kernel_data_start[], kernel_end[];

uint64_t kernel_page_table, page_tables;
struct kernel_layout kernel_layout;

static uint64_t table_alloc(void)
{
    uint64_t frame = frame_alloc();
    page_tables += frame != 0;
    return frame;
}

/* The table of pages that was come to last, so that the way down is not always gone; `above` NULL: none. */
static struct {
    uint64_t table, address; /* the top-level table, and the first address */
    uint64_t *entries, *above;
} last;

static void table_free(uint64_t frame)
{
    last.above = NULL;
    frame_free(frame);
    page_tables--;
}

/* The entry for an address at a level (12: page, 21: 2 MiB ...), and the one that leads to its table; makes the tables
 * on the way when asked to. NULL: a table is missing, or there is no frame for it. */
static uint64_t *entry_find(uint64_t table, uint64_t address, unsigned level, bool make, uint64_t **above)
{
    *above = NULL;
    for (unsigned shift = 39;; shift -= 9) {
        uint64_t *entry = (uint64_t *)physical_pointer(table) + (address >> shift & (ENTRIES - 1));
        if (shift == level)
            return entry;
        if (!(*entry & ENTRY_PRESENT)) {
            uint64_t frame = make ? table_alloc() : 0;
            if (!frame)
                return NULL;
            *entry = frame | ENTRY_PRESENT | ENTRY_WRITE | ENTRY_USER;
            if (*above)
                **above += ENTRY_USED_ONE;
        }
        *above = entry;
        table = *entry & ENTRY_FRAME;
    }
}

static __attribute__((noinline)) uint64_t *find_page_entry(uint64_t table, uint64_t address, bool make, uint64_t **above)
{
    uint64_t *entry = entry_find(table, address, 12, make, above);
    if (entry) {
        last.table = table;
        last.address = address - address % LARGE_PAGE;
        last.entries = entry - (address >> 12 & (ENTRIES - 1));
        last.above = *above;
    }
    return entry;
}

/* The entry for a page, likewise. */
static inline __attribute__((always_inline)) uint64_t *page_entry(uint64_t table, uint64_t address, bool make, uint64_t **above)
{
    if (!last.above || last.table != table || address - last.address >= LARGE_PAGE)
        return find_page_entry(table, address, make, above);
    *above = last.above;
    return last.entries + (address >> 12 & (ENTRIES - 1));
}

/* Free the tables on the way to an address that have no used entry, the lowest first. Those that the top-level table
 * leads to are the same for all tables in the kernel's half, and stay. */
static void free_unused_tables(uint64_t table, uint64_t address)
{
    uint64_t *way[3];
    unsigned depth = 0;
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t *entry = (uint64_t *)physical_pointer(table) + (address >> shift & (ENTRIES - 1));
        if (!(*entry & ENTRY_PRESENT))
            break;
        way[depth++] = entry;
        table = *entry & ENTRY_FRAME;
    }
    for (bool is_kernels = address >= PROCESS_HIGHEST_ADDRESS; depth-- > is_kernels;) {
        if (*way[depth] & ENTRY_USED)
            return;
        table_free(*way[depth] & ENTRY_FRAME);
        *way[depth] = 0;
        if (depth)
            *way[depth - 1] -= ENTRY_USED_ONE;
    }
}

/* Let the CPU forget what it keeps of a range, and of the tables on the way (Intel 3A, 4.10.4.1). Of a table that it
 * does not use it keeps nothing. */
static void flush(uint64_t table, uint64_t address, uint64_t size)
{
    uint64_t loaded = cpu_page_table();
    if (table != loaded && table != kernel_page_table)
        return;
    if (size > FLUSH_PAGES_MAX * PAGE_SIZE)
        cpu_set_page_table(loaded);
    else
        for (uint64_t at = address; at < address + size; at += PAGE_SIZE)
            cpu_flush_page(at);
}

static void fill_kernel(uint64_t *entry, uint64_t count, uint64_t value, uint64_t step)
{
    for (; count >= 8; count -= 8) /* at once: a loop's own steps count */
        for (unsigned i = 0; i < 8; i++, value += step)
            *entry++ = value;
    for (; count; count--, value += step)
        *entry++ = value;
}

/* Map up to `end`, and at most what one table has entries for, in pages of a level. How much that was. */
static uint64_t map_kernel(uint64_t address, uint64_t physical, uint64_t end, unsigned level, uint64_t flags)
{
    uint64_t *above, *entry = entry_find(kernel_page_table, address, level, true, &above);
    if (!entry)
        panic("no memory for the kernel's page tables");
    const uint64_t step = 1ull << level, wanted = (end - physical + step - 1) >> level, room = ENTRIES - (address >> level) % ENTRIES,
                   count = wanted < room ? wanted : room;
    fill_kernel(entry, count, physical | flags | ENTRY_PRESENT, step);
    *above += count * ENTRY_USED_ONE;
    return count * step;
}

/* Physical memory that is written by no address. */
struct fixed {
    uint64_t start, end;
};

/* How far all from a physical address on is fixed as it is there, or is not. */
static uint64_t end_of_kind(uint64_t physical, const struct fixed fixed[2], bool *is_fixed)
{
    uint64_t end = PAGE_UP(frames_highest());
    *is_fixed = false;
    for (unsigned i = 0; i < 2; i++)
        if (fixed[i].start <= physical && physical < fixed[i].end) {
            *is_fixed = true;
            return fixed[i].end;
        } else if (physical < fixed[i].start && fixed[i].start < end) {
            end = fixed[i].start;
        }
    return end;
}

/* All physical memory that is used: in large pages, but for those that are fixed in part. */
static void map_direct(const struct fixed fixed[2])
{
    const uint64_t highest = frames_highest();
    for (uint64_t at = LOW_MEMORY_END; at < highest;) {
        bool is_fixed;
        uint64_t end = end_of_kind(at, fixed, &is_fixed), address = kernel_layout.direct + at;
        const uint64_t flags = ENTRY_NO_EXECUTE | (is_fixed ? 0 : ENTRY_WRITE);
        if (end >= highest) /* what lies behind it is no memory */
            end = (highest + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
        if (at % LARGE_PAGE == 0 && end - at >= LARGE_PAGE)
            at += map_kernel(address, at, end - end % LARGE_PAGE, 21, ENTRY_LARGE | flags);
        else
            at += map_kernel(address, at, end, 12, flags);
    }
}

static void map_image_of_kernel(void)
{
    const struct {
        const char *start, *end;
        uint64_t flags;
    } parts[] = {
        {kernel_text_start, kernel_rodata_start, 0},
        {kernel_rodata_start, kernel_data_start, ENTRY_NO_EXECUTE},
        {kernel_data_start, coroutine_stack_guard, ENTRY_NO_EXECUTE | ENTRY_WRITE},
        {coroutine_stack_guard + PAGE_SIZE, kernel_stack_guard, ENTRY_NO_EXECUTE | ENTRY_WRITE},
        {kernel_stack_guard + PAGE_SIZE, kernel_end, ENTRY_NO_EXECUTE | ENTRY_WRITE},
    };
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        for (uint64_t at = (uint64_t)parts[i].start, end = (uint64_t)parts[i].end; at < end;)
            at += map_kernel(kernel_layout.base + at, at, end, 12, parts[i].flags);
}

/* The kernel and its areas get a GiB each of one entry of the top-level table, so that this is the only one to be in
 * all tables; the kernel begins at one of its large pages, so that each layout takes as many tables. */
static struct kernel_layout choose_layout(void)
{
    uint64_t kernel = random_next(), areas = random_next(), direct = random_next();
    unsigned top = KERNEL_FIRST + kernel % KERNEL_COUNT, gib = kernel >> 8 & (ENTRIES - 1);
    unsigned areas_gib = (gib + 1 + areas % (ENTRIES - 1)) % ENTRIES;
    return (struct kernel_layout){
        .base = ADDRESS(top, gib, (kernel >> 32) % (ENTRIES - KERNEL_LARGE_PAGES)),
        .direct = ADDRESS(DIRECT_FIRST + direct % DIRECT_COUNT, direct >> 8 & (ENTRIES / 2 - 1), 0),
        .areas = ADDRESS(top, areas_gib, areas >> 32 & (ENTRIES / 2 - 1)),
        .areas_end = ADDRESS(top, areas_gib, ENTRIES - 1),
    };
}

uint64_t page_table_init(uint64_t fixed_start, uint64_t fixed_end)
{
    const struct fixed fixed[2] = {{KERNEL_LOAD, (uint64_t)kernel_data_start},
                                   {PAGE_DOWN(fixed_start), PAGE_UP(fixed_end)}};
    kernel_layout = choose_layout();
    kernel_page_table = table_alloc();
    if (!kernel_page_table)
        panic("no memory for the kernel's page table");
    map_direct(fixed);
    map_image_of_kernel();
    kernel_record.kernel_base = kernel_layout.base;
    kernel_record.moved = kernel_layout.base;
    unsigned top = kernel_layout.base >> 39 & (ENTRIES - 1);
    ((uint64_t *)physical_pointer(cpu_page_table()))[top] = ((uint64_t *)physical_pointer(kernel_page_table))[top];
    relocate_kernel(kernel_layout.base);
    return kernel_layout.base;
}

void page_table_enter(void)
{
    cpu_set_page_table(kernel_page_table);
    physical_offset = kernel_layout.direct;
    kernel_record.direct_base = kernel_layout.direct;
}

uint64_t page_table_create(void)
{
    uint64_t table = table_alloc();
    if (table)
        memory_copy((uint64_t *)physical_pointer(table) + ENTRIES / 2,
                    (uint64_t *)physical_pointer(kernel_page_table) + ENTRIES / 2, PAGE_SIZE / 2);
    return table;
}

/* Free the tables below an entry: `level` 0 is an entry of the top-level table. False: work ran out. */
static bool free_tables_below(uint64_t *entry, unsigned level)
{
    uint64_t *table = physical_pointer(*entry & ENTRY_FRAME);
    for (unsigned i = 0; level < 2 && i < ENTRIES; i++)
        if (table[i] & ENTRY_PRESENT && !free_tables_below(&table[i], level + 1))
            return false;
    if (!work_left)
        return false;
    work_did(level < 2 ? WORK_OF_SCAN : 1);
    table_free(*entry & ENTRY_FRAME);
    *entry = 0;
    return true;
}

bool page_table_destroy(uint64_t table)
{
    if (cpu_page_table() == table)
        cpu_set_page_table(kernel_page_table);
    uint64_t *top = physical_pointer(table);
    for (unsigned i = 0; i < ENTRIES / 2; i++)
        if (top[i] & ENTRY_PRESENT && !free_tables_below(&top[i], 0))
            return false;
    work_did(WORK_OF_SCAN);
    table_free(table);
    return true;
}

/* What a page's entry has beside its frame. */
static uint64_t entry_flags(uint64_t address, unsigned prot)
{
    return ENTRY_PRESENT | (address < PROCESS_HIGHEST_ADDRESS ? ENTRY_USER : 0) | (prot & RIGHT_WRITE ? ENTRY_WRITE : 0) |
           (prot & RIGHT_EXECUTE ? 0 : ENTRY_NO_EXECUTE);
}

/* Where the entries of one table end: of `done` bytes on, in a range. */
static uint64_t end_in_table(uint64_t address, uint64_t done, uint64_t size)
{
    uint64_t end = done + LARGE_PAGE - (address + done) % LARGE_PAGE;
    return end < size ? end : size;
}

/* Of memory that has frames of its own. */
static void fill_listed(uint64_t *entry, uint64_t count, const struct memory *memory, uint64_t offset, uint64_t flags)
{
    for (uint64_t part; count; count -= part, offset += part * PAGE_SIZE) {
        const uint64_t *list = memory_list(memory, offset, &part);
        part = part < count ? part : count;
        for (const uint64_t *end = list + part; list < end;)
            *entry++ = *list++ | flags;
    }
}

/* Entries of pages that lie in one table. */
static void fill(uint64_t *entry, uint64_t count, const struct memory *memory, uint64_t offset, uint64_t flags)
{
    uint64_t frame = memory->start + offset;
    if (memory->grows) /* what was not touched has no access */
        for (; count; count--, offset += PAGE_SIZE)
            *entry++ = (frame = memory_frame(memory, offset)) ? frame | flags : ENTRY_NO_ACCESS;
    else if (!memory->start)
        fill_listed(entry, count, memory, offset, flags);
    else if (memory->start == page_guard.start)
        for (const uint8_t *state = guard_state(frame); count; count--, frame += PAGE_SIZE)
            *entry++ = (frame | flags) ^ (*state++ == GUARD_INTACT ? 0 : ENTRY_PRESENT | ENTRY_WITHHELD);
    else
        for (; count; count--, frame += PAGE_SIZE)
            *entry++ = frame | flags;
}

bool page_map(uint64_t table, uint64_t address, const struct memory *memory, uint64_t offset, uint64_t size, unsigned prot)
{
    const uint64_t flags = entry_flags(address, prot);
    for (uint64_t done = 0, end; done < size; done = end) {
        /* One way down for all pages of a table. */
        uint64_t *above, *entry = page_entry(table, address + done, true, &above);
        if (!entry) {
            free_unused_tables(table, address + done);
            flush(table, address + done, PAGE_SIZE);
            page_unmap(table, address, done);
            return false;
        }
        end = end_in_table(address, done, size);
        *above += (end - done) / PAGE_SIZE * ENTRY_USED_ONE;
        if (prot != PROT_NO_ACCESS)
            fill(entry, (end - done) / PAGE_SIZE, memory, offset + done, flags);
        else
            for (; done < end; done += PAGE_SIZE)
                *entry++ = ENTRY_NO_ACCESS;
    }
    work_did((unsigned)(size / PAGE_SIZE / PAGES_PER_UNIT)); /* what was not there is in no TLB */
    return true;
}

uint64_t page_hole_end(uint64_t table, uint64_t address)
{
    for (unsigned shift = 39; shift > 12; shift -= 9) {
        uint64_t entry = ((uint64_t *)physical_pointer(table))[address >> shift & (ENTRIES - 1)];
        if (!(entry & ENTRY_PRESENT))
            return (address | ((1ull << shift) - 1)) + 1;
        table = entry & ENTRY_FRAME;
    }
    return address;
}

void page_protect(uint64_t table, uint64_t address, const struct memory *memory, uint64_t offset, uint64_t size, unsigned prot)
{
    const uint64_t flags = entry_flags(address, prot);
    const bool guarded = memory->start && memory->start == page_guard.start;
    uint64_t seen = 0;
    for (uint64_t done = 0; done < size;) {
        uint64_t *above, *entry = page_entry(table, address + done, false, &above);
        if (!entry) {
            done = page_hole_end(table, address + done) - address;
            work_did(WORK_OF_HOLE);
            continue;
        }
        for (uint64_t end = end_in_table(address, done, size); done < end; done += PAGE_SIZE, entry++, seen++) {
            if (!*entry)
                continue;
            const uint64_t known = *entry & ENTRY_FRAME, frame = known ? known : memory_frame(memory, offset + done);
            *entry = prot == PROT_NO_ACCESS || !frame ? ENTRY_NO_ACCESS : frame | flags;
            if (guarded && prot != PROT_NO_ACCESS && *guard_state(frame) != GUARD_INTACT)
                *entry ^= ENTRY_PRESENT | ENTRY_WITHHELD;
        }
    }
    flush(table, address, size);
    work_did(1 + (unsigned)(seen / PAGES_PER_UNIT));
}

void page_unmap(uint64_t table, uint64_t address, uint64_t size)
{
    const uint64_t end = address + size;
    for (uint64_t page = address, next; page < end; page = next) {
        next = page - page % LARGE_PAGE + LARGE_PAGE;
        uint64_t *above, *entry = page_entry(table, page, false, &above), unused = 0;
        if (!entry) {
            next = page < PROCESS_HIGHEST_ADDRESS ? page_hole_end(table, page) : next;
            work_did(WORK_OF_HOLE);
            continue;
        }
        bool is_whole = page % LARGE_PAGE == 0 && next <= end; /* the table goes as it is */
        for (uint64_t at = page; at < next && at < end && !is_whole; at += PAGE_SIZE, entry++)
            if (*entry) {
                *entry = 0;
                unused += ENTRY_USED_ONE;
            }
        *above -= is_whole ? *above & ENTRY_USED : unused;
        work_did(2 + (unsigned)(unused / ENTRY_USED_ONE / PAGES_PER_UNIT));
        if (!(*above & ENTRY_USED))
            free_unused_tables(table, page);
    }
    flush(table, address, size);
}

/* Let a page be used that is withheld. What was not present is in no TLB. */
static bool reveal(uint64_t *entry, bool compares)
{
    const uint64_t value = *entry, frame = value & ENTRY_FRAME;
    if (*guard_state(frame) != GUARD_INTACT && !(compares && page_guard.check(frame)))
        return false;
    *entry = value ^ (ENTRY_PRESENT | ENTRY_WITHHELD);
    return true;
}

/* A page that is withheld can be compared now; false: what must be compared before it took this step. */
static bool is_next(const uint64_t *entry)
{
    const uint64_t frame = *entry & ENTRY_FRAME;
    return !page_guard.is_next || *guard_state(frame) == GUARD_INTACT || page_guard.is_next(frame);
}

enum page_touched page_touch(uint64_t table, uint64_t address)
{
    uint64_t *above, *entry = address < PROCESS_HIGHEST_ADDRESS ? page_entry(table, address, false, &above) : NULL;
    if (!entry || !(*entry & ENTRY_WITHHELD))
        return !entry || !*entry ? PAGE_MISSING : *entry == ENTRY_NO_ACCESS ? PAGE_NO_ACCESS : PAGE_NOT_WITHHELD;
    if (!is_next(entry))
        return PAGE_INTACT;
    if (!reveal(entry, true))
        return PAGE_DAMAGED;
    entry -= address / PAGE_SIZE % TOUCHED_TOGETHER;
    for (const uint64_t *end = entry + TOUCHED_TOGETHER; entry < end; entry++)
        if (*entry & ENTRY_WITHHELD)
            reveal(entry, false);
    return PAGE_INTACT;
}

enum page_touched page_touch_range(uint64_t table, uint64_t *address, uint64_t end)
{
    while (*address < end && work_left) {
        uint64_t *above, *entry = page_entry(table, *address, false, &above);
        uint64_t next = *address - *address % LARGE_PAGE + LARGE_PAGE;
        for (; entry && *address < next && *address < end && work_left; entry++, *address += PAGE_SIZE) {
            if (!(*entry & ENTRY_WITHHELD))
                continue;
            if (!is_next(entry))
                break;
            if (!reveal(entry, true))
                return PAGE_DAMAGED;
        }
        if (!entry)
            *address = page_hole_end(table, *address);
        work_did(1);
    }
    return PAGE_INTACT;
}

uint64_t page_lookup(uint64_t table, uint64_t address, unsigned *prot)
{
    if (address >= PROCESS_HIGHEST_ADDRESS)
        return 0;
    uint64_t *above, *entry = page_entry(table, address, false, &above);
    if (!entry || !(*entry & ENTRY_PRESENT))
        return 0;
    if (prot)
        *prot = RIGHT_READ | (*entry & ENTRY_WRITE ? RIGHT_WRITE : 0) |
                (*entry & ENTRY_NO_EXECUTE ? 0 : RIGHT_EXECUTE);
    return *entry & ENTRY_FRAME;
}

uint64_t page_table_frames(uint64_t table, bool kernel_half)
{
    const uint64_t *top = physical_pointer(table);
    uint64_t count = 1;
    for (unsigned i = kernel_half ? ENTRIES / 2 : 0; i < (kernel_half ? ENTRIES : ENTRIES / 2); i++) {
        if (!(top[i] & ENTRY_PRESENT))
            continue;
        const uint64_t *pointers = physical_pointer(top[i] & ENTRY_FRAME);
        count++;
        for (unsigned j = 0; j < ENTRIES; j++) {
            if (!(pointers[j] & ENTRY_PRESENT))
                continue;
            const uint64_t *directory = physical_pointer(pointers[j] & ENTRY_FRAME);
            count++;
            for (unsigned k = 0; k < ENTRIES; k++)
                count += (directory[k] & (ENTRY_PRESENT | ENTRY_LARGE)) == ENTRY_PRESENT;
        }
    }
    return count;
}
