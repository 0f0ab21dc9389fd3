/* What the port keeps of all that the policy owns: address spaces as lists of pages, memory objects, processes. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imagetree/tree.h>

#include "port.h"

#define PAGE PORT_PAGE_SIZE
#define IMAGE 1        /* the image's memory, by its id */
#define FIRST_ID 1000
#define SPACES_MAX 256
#define MEMORIES_MAX 1024
#define PROCESSES_MAX 16
#define LINE 200000

struct page {
    uint64_t address;
    uint8_t *bytes;    /* the owner's view of it */
    struct memory *memory; /* NULL: the image, or a page of its own that moved here */
    unsigned prot;
    bool moved;
};

struct space {
    uint64_t number;
    bool open, has_thread;
    struct page *pages;
    size_t count, limit;
};

struct memory {
    uint8_t *view;
    uint64_t size;
    bool open;
    size_t mapped;     /* pages in spaces */
};

struct process {
    uint32_t service;
    uint64_t address, low, size;
    uint8_t *block;
    bool before, used;
};

/* One for a run. */
struct port {
    uint8_t *image, *state;
    struct tree tree;
    bool trusted;
    uint64_t image_size, random;
    bool moves, booted;
    struct space spaces[SPACES_MAX];
    struct memory memories[MEMORIES_MAX];
    struct process processes[PROCESSES_MAX];
    size_t space_count, memory_count, process_count;
    uint64_t next_number;
    uint64_t blocks, block_bytes, replies, next_reply;
    uint64_t fail_in;
    bool reply_open[4096];
    char line[LINE];
};

/* A use that the contract forbids: ends with status 3. */
_Noreturn __attribute__((format(printf, 1, 2))) void misuse(const char *format, ...);

/* Whether the script says that this call fails. */
bool call_fails(struct port *port, const char *call);

/* By what the policy, or the script, calls them; misuse if there is none. */
struct space *books_space(struct port *port, struct port_space space);
struct space *books_space_numbered(struct port *port, uint64_t number);
struct memory *books_memory(struct port *port, uint64_t id);

/* NULL: nothing is mapped there. */
struct page *books_page(const struct space *space, uint64_t address);

/* Their ids. */
uint64_t books_add_space(struct port *port, uint64_t *number);
struct memory *books_add_memory(struct port *port, uint64_t size, uint64_t *id);

/* Its memory, once neither the policy nor any page has it. */
void books_drop_memory(struct memory *memory);
void books_drop_page(struct page *page);
void books_map_page(struct port *port, struct space *space, const struct port_mapping *mapping, uint64_t at);

/* A line with what is owned now. */
void books_print(const struct port *port);

static inline bool is_pages(uint64_t value)
{
    return value && value % PAGE == 0;
}
