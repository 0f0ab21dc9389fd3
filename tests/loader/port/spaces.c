/* Address spaces, and processes that the system starts by itself. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "books.h"

/* Budgets are not kept here; the payer must be there. */
static void check_payer(struct port *port, struct port_space payer)
{
    if (payer.id)
        books_space(port, payer);
}

int64_t port_space_create(struct port *port, const char *name, const struct port_budget *budget, struct port_space *space,
                          uint64_t *number)
{
    check_payer(port, budget->payer);
    if (call_fails(port, "space_create"))
        return PORT_NO_MEMORY;
    space->id = books_add_space(port, number);
    printf("space %" PRIu64 " %s\n", *number, name);
    return PORT_OK;
}

void port_space_close(struct port *port, struct port_space id)
{
    struct space *space = books_space(port, id);
    for (size_t i = 0; i < space->count; i++)
        books_drop_page(&space->pages[i]);
    free(space->pages);
    space->pages = NULL;
    space->count = space->limit = 0;
    space->open = false;
    printf("close %" PRIu64 "\n", space->number);
}

int64_t port_memory_create(struct port *port, struct port_space payer, uint64_t size, uint64_t growth,
                           struct port_memory *memory)
{
    check_payer(port, payer);
    if (!is_pages(size) || (growth && !is_pages(growth)) || growth >= size)
        misuse("memory of %" PRIu64 " bytes", size);
    if (call_fails(port, "memory_create"))
        return PORT_NO_MEMORY;
    memory->view = books_add_memory(port, size, &memory->id)->view;
    memory->size = size;
    return PORT_OK;
}

void port_memory_release(struct port *port, const struct port_memory *memory)
{
    struct memory *own = books_memory(port, memory->id);
    if (own->view != memory->view || own->size != memory->size)
        misuse("memory that differs from what was created");
    own->open = false;
    books_drop_memory(own);
}

static void unmap(struct space *space, uint64_t address, uint64_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < space->count; i++)
        if (space->pages[i].address - address < size)
            books_drop_page(&space->pages[i]);
        else
            space->pages[kept++] = space->pages[i];
    space->count = kept;
}

static void check_mapping(struct port *port, const struct port_mapping *mapping)
{
    bool is_image = mapping->memory == IMAGE;
    uint64_t limit = is_image ? port->image_size : books_memory(port, mapping->memory)->size;
    if (!is_pages(mapping->size) || !is_pages(mapping->address) || mapping->offset % PAGE || mapping->offset > limit ||
        mapping->size > limit - mapping->offset)
        misuse("mapping of %" PRIx64 " bytes from %" PRIx64 " at %" PRIx64, mapping->size, mapping->offset, mapping->address);
    if (mapping->prot & ~7u || !(mapping->prot & PORT_READ) || (is_image && mapping->prot & PORT_WRITE) ||
        (!is_image && mapping->prot & PORT_EXECUTE))
        misuse("mapping with protection %u", mapping->prot);
}

static bool is_free(const struct space *space, const struct port_mapping *mapping)
{
    for (size_t i = 0; i < space->count; i++)
        if (space->pages[i].address - mapping->address < mapping->size)
            return false;
    return true;
}

int64_t port_map(struct port *port, struct port_space id, const struct port_mapping *list, unsigned count, unsigned *failed)
{
    struct space *space = books_space(port, id);
    if (!count || count > PORT_MAP_MAX)
        misuse("%u mappings at once", count);
    int64_t status = call_fails(port, "map") ? PORT_NO_MEMORY : PORT_OK;
    *failed = status ? count / 2 : 0;
    for (unsigned i = 0; i < count && !status; i++) {
        check_mapping(port, &list[i]);
        for (unsigned j = 0; j < i && !status; j++)
            if (list[i].address - list[j].address < list[j].size || list[j].address - list[i].address < list[i].size)
                status = PORT_OVERLAP;
        status = is_free(space, &list[i]) ? status : PORT_OVERLAP;
        *failed = i;
    }
    for (unsigned i = 0; i < count && !status; i++)
        for (uint64_t at = 0; at < list[i].size; at += PAGE)
            books_map_page(port, space, &list[i], at);
    return status;
}

void port_unmap(struct port *port, struct port_space id, uint64_t address, uint64_t size)
{
    if (!is_pages(size) || !is_pages(address))
        misuse("unmap of %" PRIx64 " bytes at %" PRIx64, size, address);
    unmap(books_space(port, id), address, size);
}

int64_t port_thread_start(struct port *port, struct port_space id, uint64_t entry, uint64_t stack)
{
    struct space *space = books_space(port, id);
    const struct page *code = books_page(space, entry & ~(uint64_t)(PAGE - 1));
    const struct page *data = books_page(space, stack & ~(uint64_t)(PAGE - 1));
    if (space->has_thread || !code || !(code->prot & PORT_EXECUTE) || !data || !(data->prot & PORT_WRITE) || stack % 16)
        misuse("a thread at %" PRIx64 " with stack %" PRIx64, entry, stack);
    if (call_fails(port, "thread_start"))
        return PORT_NO_MEMORY;
    space->has_thread = true;
    printf("thread %" PRIu64 " %" PRIx64 " %" PRIx64 "\n", space->number, entry, stack);
    return PORT_OK;
}

int64_t port_grant(struct port *port, struct port_space id, enum port_authority authority, uint64_t number, uint32_t *value)
{
    const struct space *space = books_space(port, id);
    if (space->number != number)
        misuse("process %" PRIu64 " is granted what is for %" PRIu64, space->number, number);
    if (call_fails(port, "grant"))
        return PORT_LIMIT;
    *value = 100 + authority;
    printf("grant %" PRIu64 " %d\n", number, authority);
    return PORT_OK;
}

static int64_t begin_process(struct port *port, struct process *own, struct port_process *process)
{
    *process = (struct port_process){.service = own->service, .block_address = own->address, .low = own->low};
    own->used = true;
    if (call_fails(port, "process"))
        return PORT_NO_MEMORY;
    process->space.id = books_add_space(port, &process->number);
    books_space(port, process->space)->has_thread = true;
    if (!own->block)
        return PORT_OK;
    uint64_t size = (own->size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    process->block.view = books_add_memory(port, size, &process->block.id)->view;
    process->block.size = size;
    memcpy(process->block.view, own->block, own->size);
    const struct port_mapping mapping = {process->block.id, 0, size, own->address, PORT_READ};
    for (uint64_t at = 0; at < size; at += PAGE)
        books_map_page(port, books_space(port, process->space), &mapping, at);
    return PORT_OK;
}

int64_t port_next_started(struct port *port, struct port_process *process)
{
    for (size_t i = 0; i < port->process_count; i++)
        if (port->processes[i].before && !port->processes[i].used)
            return begin_process(port, &port->processes[i], process);
    return PORT_NOT_FOUND;
}

int64_t port_start(struct port *port, uint32_t service, struct port_space payer, struct port_process *process)
{
    check_payer(port, payer);
    for (size_t i = 0; i < port->process_count; i++)
        if (!port->processes[i].before && port->processes[i].service == service)
            return begin_process(port, &port->processes[i], process);
    return PORT_ABSENT;
}
