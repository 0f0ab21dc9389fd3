#include "kernel.h"

#define PRESENT 1ull
#define WRITE 2ull
#define USER 4ull
#define LENT (1ull << 9)
#define NO_EXECUTE (1ull << 63)
#define FRAME 0x000ffffffffff000ull

extern uint64_t kernel_space[512];

static uint64_t first_free, free_count;

void memory_init(uint64_t from, uint64_t to)
{
    for (uint64_t frame = (from + FERN_PAGE - 1) & ~(FERN_PAGE - 1ull); frame + FERN_PAGE <= to; frame += FERN_PAGE)
        frame_give(frame);
}

uint64_t memory_free(void)
{
    return free_count;
}

uint64_t frame_take(void)
{
    uint64_t frame = first_free;
    if (!frame)
        return 0;
    first_free = *(uint64_t *)at(frame);
    free_count--;
    memset(at(frame), 0, FERN_PAGE);
    return frame;
}

void frame_give(uint64_t frame)
{
    *(uint64_t *)at(frame) = first_free;
    first_free = frame;
    free_count++;
}

uint64_t space_make(void)
{
    uint64_t space = frame_take();
    if (space)
        ((uint64_t *)at(space))[511] = kernel_space[511];
    return space;
}

static void end_table(uint64_t table, unsigned level, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint64_t entry = ((uint64_t *)at(table))[i];
        if (!(entry & PRESENT))
            continue;
        if (level)
            end_table(entry & FRAME, level - 1, 512);
        else if (!(entry & LENT))
            frame_give(entry & FRAME);
    }
    frame_give(table);
}

void space_end(uint64_t space)
{
    end_table(space, 3, 256);
}

static uint64_t *find_entry(uint64_t space, uint64_t address, bool makes)
{
    uint64_t table = space;
    for (unsigned level = 3;; level--) {
        uint64_t *entry = (uint64_t *)at(table) + (address >> (12 + 9 * level) & 511);
        if (!level)
            return entry;
        if (!(*entry & PRESENT)) {
            uint64_t fresh = makes ? frame_take() : 0;
            if (!fresh)
                return NULL;
            *entry = fresh | PRESENT | WRITE | USER;
        }
        table = *entry & FRAME;
    }
}

bool space_map(uint64_t space, uint64_t address, uint64_t frame, unsigned rights)
{
    bool fits = address >= USER_LOW && address < USER_TOP && address % FERN_PAGE == 0;
    uint64_t *entry = fits ? find_entry(space, address, true) : NULL;
    if (!entry || *entry & PRESENT)
        return false;
    *entry = frame | PRESENT | USER | (rights & PAGE_WRITABLE ? WRITE : 0) | (rights & PAGE_LENT ? LENT : 0) |
             (rights & PAGE_EXECUTABLE ? 0 : NO_EXECUTE);
    return true;
}

uint64_t space_find(uint64_t space, uint64_t address, unsigned *rights)
{
    const uint64_t *entry = address >= USER_LOW && address < USER_TOP ? find_entry(space, address, false) : NULL;
    if (!entry || !(*entry & PRESENT))
        return 0;
    *rights = (*entry & WRITE ? PAGE_WRITABLE : 0) | (*entry & LENT ? PAGE_LENT : 0) |
              (*entry & NO_EXECUTE ? 0 : PAGE_EXECUTABLE);
    return *entry & FRAME;
}

static bool is_empty(uint64_t table)
{
    for (unsigned i = 0; i < 512; i++)
        if (((const uint64_t *)at(table))[i])
            return false;
    return true;
}

/* Tables without entries go, so that what a process gave back costs it nothing. */
static void trim(uint64_t space, uint64_t address)
{
    uint64_t *entries[3], table = space;
    for (unsigned level = 3; level; level--) {
        entries[level - 1] = (uint64_t *)at(table) + (address >> (12 + 9 * level) & 511);
        table = *entries[level - 1] & FRAME;
    }
    for (unsigned level = 0; level < 3 && is_empty(*entries[level] & FRAME); level++) {
        frame_give(*entries[level] & FRAME);
        *entries[level] = 0;
    }
}

uint64_t space_unmap(uint64_t space, uint64_t address, unsigned *rights)
{
    uint64_t frame = space_find(space, address, rights);
    if (frame) {
        *find_entry(space, address, false) = 0;
        trim(space, address);
        __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
    }
    return frame;
}

uint64_t space_room(uint64_t space, uint64_t address, uint64_t size)
{
    for (uint64_t end = address; end - address < size + FERN_PAGE; end += FERN_PAGE) {
        unsigned rights;
        if (end >= USER_TOP)
            return 0;
        if (space_find(space, end, &rights))
            address = end + FERN_PAGE;
    }
    return address;
}

/* So many bytes are on one page: where the kernel sees them; NULL: not there. */
static uint8_t *view(uint64_t space, uint64_t address, uint64_t *size, bool writes)
{
    unsigned rights;
    uint64_t frame = space_find(space, address, &rights), left = FERN_PAGE - address % FERN_PAGE;
    *size = *size < left ? *size : left;
    return frame && (!writes || rights & PAGE_WRITABLE) ? (uint8_t *)at(frame) + address % FERN_PAGE : NULL;
}

bool space_read(uint64_t space, uint64_t address, void *to, uint64_t size)
{
    for (uint64_t done = 0, part; done < size; done += part) {
        part = size - done;
        const uint8_t *from = view(space, address + done, &part, false);
        if (!from)
            return false;
        memcpy((uint8_t *)to + done, from, part);
    }
    return true;
}

bool space_write(uint64_t space, uint64_t address, const void *from, uint64_t size)
{
    for (uint64_t done = 0, part; done < size; done += part) {
        part = size - done;
        uint8_t *to = view(space, address + done, &part, true);
        if (!to)
            return false;
        memcpy(to, (const uint8_t *)from + done, part);
    }
    return true;
}
