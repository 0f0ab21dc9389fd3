/* The books: what is owned, and what the policy does with it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "books.h"

_Noreturn __attribute__((format(printf, 1, 2))) void misuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("misuse: ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
    fflush(stdout);
    exit(3);
}

bool call_fails(struct port *port, const char *call)
{
    if (!port->fail_in || --port->fail_in)
        return false;
    printf("injected %s\n", call);
    return true;
}

struct space *books_space(struct port *port, struct port_space space)
{
    uint64_t index = space.id - FIRST_ID;
    if (index >= port->space_count || !port->spaces[index].open)
        misuse("no such address space: %" PRIu64, space.id);
    return &port->spaces[index];
}

struct space *books_space_numbered(struct port *port, uint64_t number)
{
    for (size_t i = 0; i < port->space_count; i++)
        if (port->spaces[i].number == number)
            return &port->spaces[i];
    misuse("script: no process %" PRIu64, number);
}

struct memory *books_memory(struct port *port, uint64_t id)
{
    uint64_t index = id - FIRST_ID;
    if (index >= port->memory_count || !port->memories[index].open)
        misuse("no such memory: %" PRIu64, id);
    return &port->memories[index];
}

struct page *books_page(const struct space *space, uint64_t address)
{
    for (size_t i = 0; i < space->count; i++)
        if (space->pages[i].address == address)
            return &space->pages[i];
    return NULL;
}

void books_print(const struct port *port)
{
    uint64_t spaces = 0, memories = 0, pages = 0;
    for (size_t i = 0; i < port->space_count; i++) {
        spaces += port->spaces[i].open;
        pages += port->spaces[i].open ? port->spaces[i].count : 0;
    }
    for (size_t i = 0; i < port->memory_count; i++)
        memories += port->memories[i].open;
    printf("books spaces %" PRIu64 " memories %" PRIu64 " pages %" PRIu64 " blocks %" PRIu64 " bytes %" PRIu64 " replies %" PRIu64 "\n",
           spaces, memories, pages, port->blocks, port->block_bytes, port->replies);
}

struct memory *books_add_memory(struct port *port, uint64_t size, uint64_t *id)
{
    if (port->memory_count == MEMORIES_MAX)
        misuse("too many memory objects for this port");
    uint8_t *view = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (view == MAP_FAILED)
        misuse("no memory on this machine");
    *id = FIRST_ID + port->memory_count;
    port->memories[port->memory_count] = (struct memory){view, size, true, 0};
    return &port->memories[port->memory_count++];
}

void books_drop_memory(struct memory *memory)
{
    if (!memory->open && !memory->mapped)
        munmap(memory->view, memory->size);
}

uint64_t books_add_space(struct port *port, uint64_t *number)
{
    if (port->space_count == SPACES_MAX)
        misuse("too many address spaces for this port");
    *number = port->next_number++;
    port->spaces[port->space_count] = (struct space){.number = *number, .open = true};
    return FIRST_ID + port->space_count++;
}

void books_drop_page(struct page *page)
{
    if (page->moved)
        free(page->bytes);
    if (page->memory) {
        page->memory->mapped--;
        books_drop_memory(page->memory);
    }
}
/* Its bytes go to the process alone, and the loader may not touch them any more. */
static void move(struct page *page)
{
    uint8_t *own = malloc(PAGE);
    memcpy(own, page->bytes, PAGE);
    mprotect(page->bytes, PAGE, PROT_NONE);
    page->bytes = own;
    page->moved = true;
}

void books_map_page(struct port *port, struct space *space, const struct port_mapping *mapping, uint64_t at)
{
    if (space->count == space->limit) {
        space->limit = space->limit ? 2 * space->limit : 64;
        space->pages = realloc(space->pages, space->limit * sizeof *space->pages);
    }
    struct page *page = &space->pages[space->count++];
    *page = (struct page){.address = mapping->address + at, .prot = mapping->prot};
    if (mapping->memory == IMAGE) {
        page->bytes = port->image + mapping->offset + at;
        return;
    }
    struct memory *memory = books_memory(port, mapping->memory);
    page->bytes = memory->view + mapping->offset + at;
    if (port->moves) {
        move(page);
    } else {
        page->memory = memory;
        memory->mapped++;
    }
}
