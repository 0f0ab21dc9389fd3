/* Memory and address spaces, with the rules that <hostlink/host.h> gives. */
#include <string.h>

#include "host.h"

#define POISON 0xdd
#define PAGE AMBILINK_PAGE_SIZE

void host_problem(struct host *host, const char *text)
{
    if (!*host->problem)
        memcpy(host->problem, text, strlen(text) + 1);
}

bool host_fails(struct host *host)
{
    return ++host->calls == host->fail_at;
}

struct piece *host_piece(struct host *host, uint64_t size, uint64_t align)
{
    uint64_t at = (host->memory_used + align - 1) & -align;
    if (host_fails(host))
        return NULL;
    if (host->piece_count == RECORDS_MAX || at > host->memory_size || size > host->memory_size - at) {
        host_problem(host, "the test's memory is used up");
        return NULL;
    }
    host->memory_used = at + size;
    struct piece *piece = &host->pieces[host->piece_count++];
    *piece = (struct piece){host->memory + at, size, 1};
    return piece;
}

void host_unuse(struct host *host, struct piece *piece)
{
    (void)host;
    if (--piece->users == 0)
        memset(piece->bytes, POISON, piece->size);
}

static struct piece *find_piece(struct host *host, const void *bytes)
{
    for (uint64_t i = 0; i < host->piece_count; i++)
        if (host->pieces[i].bytes == bytes && host->pieces[i].users)
            return &host->pieces[i];
    return NULL;
}

void *host_allocate(void *context, uint64_t *size)
{
    struct host *host = context;
    *size = (*size + 255) & ~255ull;
    struct piece *piece = host_piece(host, *size, 16);
    if (!piece)
        return NULL;
    host->allocations++;
    return memset(piece->bytes, POISON, *size); /* need not be zero */
}

void host_release(void *context, void *block, uint64_t size)
{
    struct host *host = context;
    struct piece *piece = find_piece(host, block);
    if (!piece || piece->size != size) {
        host_problem(host, "release of what was not allocated, or with another size");
        return;
    }
    host_unuse(host, piece);
    host->allocations--;
}

bool host_stage(void *context, struct staging *staging)
{
    struct host *host = context;
    if (!staging->size || staging->size % PAGE)
        host_problem(host, "staging memory of no whole pages");
    struct piece *piece = host_piece(host, staging->size, PAGE);
    if (!piece)
        return false;
    memset(piece->bytes, 0, piece->size);
    staging->here = piece->bytes;
    staging->id = (uint64_t)(uintptr_t)piece;
    host->stagings++;
    return true;
}

void host_unstage(void *context, const struct staging *staging)
{
    struct host *host = context;
    struct piece *piece = (struct piece *)(uintptr_t)staging->id;
    if (piece->bytes != staging->here || !piece->users) {
        host_problem(host, "unstage of what was not staged");
        return;
    }
    host_unuse(host, piece);
    host->stagings--;
}

uint64_t host_reserve(void *context, uint64_t size, uint64_t align)
{
    struct host *host = context;
    struct piece *piece = host_piece(host, size, align < PAGE ? PAGE : align);
    if (!piece)
        return 0;
    host->ranges++;
    return (uint64_t)(uintptr_t)piece->bytes;
}

void host_unreserve(void *context, uint64_t address, uint64_t size)
{
    struct host *host = context;
    struct piece *piece = find_piece(host, (void *)(uintptr_t)address);
    if (!piece || piece->size != size)
        host_problem(host, "unreserve of what was not reserved");
    else
        host_unuse(host, piece);
    for (unsigned i = 0; i < RECORDS_MAX; i++)
        if (host->mapped[i].size && host->mapped[i].address - address < size)
            host_problem(host, "unreserve where something is mapped");
    host->ranges--;
}

static struct mapped *find_overlap(struct host *host, uint64_t address, uint64_t size)
{
    for (unsigned i = 0; i < RECORDS_MAX; i++) {
        struct mapped *mapped = &host->mapped[i];
        if (mapped->size && mapped->address < address + size && address < mapped->address + mapped->size)
            return mapped;
    }
    return NULL;
}

static struct mapped *new_record(struct host *host)
{
    for (unsigned i = 0; i < RECORDS_MAX; i++)
        if (!host->mapped[i].size)
            return &host->mapped[i];
    host_problem(host, "too many mappings");
    return NULL;
}

/* Pages of a file, filled up with zero bytes. */
static const uint8_t *file_pages(struct host *host, const struct target_mapping *mapping)
{
    uint64_t end = (mapping->file->size + PAGE - 1) & -(uint64_t)PAGE;
    if (mapping->offset > end || mapping->size > end - mapping->offset)
        host_problem(host, "pages beyond the end of a file");
    return mapping->file->bytes + mapping->offset;
}

static bool map_one(struct host *host, const struct target_mapping *mapping)
{
    if (!mapping->size || (mapping->address | mapping->size | mapping->offset) % PAGE)
        host_problem(host, "a mapping of no whole pages");
    if (find_overlap(host, mapping->address, mapping->size))
        host_problem(host, "a mapping over another one");
    if ((mapping->prot & PROT_READ_WRITE) == PROT_READ_WRITE && mapping->source == TARGET_FILE)
        host_problem(host, "a file is mapped writable");
    struct mapped *record = new_record(host);
    if (host_fails(host) || !record)
        return false;
    *record = (struct mapped){.address = mapping->address, .size = mapping->size, .prot = mapping->prot};
    uint8_t *there = host->mode == HOST_LIVES_THERE ? (uint8_t *)(uintptr_t)mapping->address : NULL;
    record->bytes = there;
    if (mapping->source == TARGET_STAGED) {
        record->piece = (struct piece *)(uintptr_t)mapping->staging->id;
        record->bytes = record->piece->bytes + mapping->offset;
        if (there || mapping->offset > record->piece->size || mapping->size > record->piece->size - mapping->offset)
            host_problem(host, "staging memory beyond its end, or where there is none");
        record->piece->users++;
    } else if (mapping->source == TARGET_FILE) {
        const uint8_t *pages = file_pages(host, mapping);
        record->bytes = there ? memcpy(there, pages, mapping->size) : pages;
    } else if (!there) {
        host_problem(host, "fresh memory for a target that this host does not live in");
        return false;
    } else {
        memset(there, 0, mapping->size);
    }
    if (host->mode == HOST_MOVES && record->piece) {
        /* The pages go; what is written to the view later goes nowhere. */
        uint64_t at = (host->memory_used + PAGE - 1) & -(uint64_t)PAGE;
        host->memory_used = at + mapping->size;
        memcpy(host->memory + at, record->bytes, mapping->size);
        memset(record->piece->bytes + mapping->offset, POISON, mapping->size);
        record->bytes = host->memory + at;
    }
    host->mappings++;
    return true;
}

size_t host_map(void *context, const struct target_mapping *mappings, size_t count)
{
    struct host *host = context;
    for (size_t i = 0; i < count; i++)
        if (!map_one(host, &mappings[i])) {
            host->messages++;
            return i;
        }
    return count;
}

void host_unmap(void *context, uint64_t address, uint64_t size)
{
    struct host *host = context;
    uint64_t left = size;
    struct mapped *mapped;
    while ((mapped = find_overlap(host, address, size))) {
        if (mapped->address < address || mapped->address + mapped->size > address + size)
            host_problem(host, "a part of a mapping is unmapped");
        left -= mapped->size;
        if (mapped->piece)
            host_unuse(host, mapped->piece);
        else if (host->mode == HOST_LIVES_THERE)
            memset((uint8_t *)(uintptr_t)mapped->address, POISON, mapped->size);
        mapped->size = 0;
        host->mappings--;
    }
    if (left)
        host_problem(host, "what is not mapped is unmapped");
}

bool host_protect(void *context, uint64_t address, uint64_t size, unsigned prot)
{
    struct host *host = context;
    struct mapped *old = find_overlap(host, address, size);
    if (!old || address < old->address || address + size > old->address + old->size) {
        host_problem(host, "what is not mapped is protected");
        return false;
    }
    if (host_fails(host))
        return false;
    /* Three pieces of one mapping; the host counts them as one. */
    const struct mapped whole = *old;
    const uint64_t cuts[] = {whole.address, address, address + size, whole.address + whole.size};
    old->size = 0;
    host->mappings--;
    for (unsigned i = 0; i < 3; i++) {
        struct mapped *part = cuts[i] < cuts[i + 1] ? new_record(host) : NULL;
        if (!part)
            continue;
        *part = whole;
        part->address = cuts[i];
        part->size = cuts[i + 1] - cuts[i];
        part->bytes += cuts[i] - whole.address;
        part->prot = i == 1 ? prot : whole.prot;
        host->mappings++;
    }
    return true;
}
