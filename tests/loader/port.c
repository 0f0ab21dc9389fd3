/* A port of the loader service to the development machine: address spaces are lists of pages, processes are not run. It
 * keeps books of everything that the policy owns, fails where a script says so, and answers the policy's own main() from a
 * script on standard input (tests/loader/script.py writes it). A line is one command:
 *
 *     image PATH               the boot image's archive
 *     moves                    pages move to the process that they are mapped in
 *     trusted                  the image is not looked at
 *     process SERVICE ADDRESS LOW PATH   the system will have started, or will start, this one; PATH: its start block
 *     before                   it did so before the loader ran: the process of the last line
 *     begin                    the loader may run; what follows are events
 *     request NUMBER HEX OPERATION WORD...    from process NUMBER, HEX: data ("-": none); NUMBER "hex" after +: more words
 *     ended NUMBER STATUS      a process ended; "faulted NUMBER STATUS" and "signalled NUMBER SIGNAL" likewise
 *     fail N                   the N-th call from now on that may fail does; 0: none
 *     write NUMBER ADDRESS HEX  the process writes to its own memory
 *     dump NUMBER PATH         pages of a process: address, prot, contents
 *     books                    what the policy owns now
 *
 * What the policy does is written to standard output, a line each. A use that the contract forbids ends with status 3. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

static _Noreturn __attribute__((format(printf, 1, 2))) void misuse(const char *format, ...)
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

static bool fails(struct port *port, const char *call)
{
    if (!port->fail_in || --port->fail_in)
        return false;
    printf("injected %s\n", call);
    return true;
}

static struct space *space_of(struct port *port, struct port_space space)
{
    uint64_t index = space.id - FIRST_ID;
    if (index >= port->space_count || !port->spaces[index].open)
        misuse("no such address space: %" PRIu64, space.id);
    return &port->spaces[index];
}

static struct space *space_numbered(struct port *port, uint64_t number)
{
    for (size_t i = 0; i < port->space_count; i++)
        if (port->spaces[i].number == number)
            return &port->spaces[i];
    misuse("script: no process %" PRIu64, number);
}

static struct memory *memory_of(struct port *port, uint64_t id)
{
    uint64_t index = id - FIRST_ID;
    if (index >= port->memory_count || !port->memories[index].open)
        misuse("no such memory: %" PRIu64, id);
    return &port->memories[index];
}

static bool is_pages(uint64_t value)
{
    return value && value % PAGE == 0;
}

/* --- scripts */

static bool next_line(struct port *port)
{
    fflush(stdout);
    if (!fgets(port->line, sizeof port->line, stdin))
        return false;
    port->line[strcspn(port->line, "\n")] = 0;
    return true;
}

static uint8_t *read_file(const char *path, uint64_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END))
        misuse("script: %s cannot be read", path);
    *size = (uint64_t)ftell(file);
    rewind(file);
    uint8_t *bytes = mmap(NULL, *size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED || fread(bytes, 1, *size, file) != *size)
        misuse("script: %s cannot be read", path);
    fclose(file);
    return bytes;
}

static size_t from_hex(const char *hex, uint8_t *bytes, size_t size)
{
    size_t count = 0;
    for (unsigned value; sscanf(hex, "%2x", &value) == 1 && count < size; hex += 2)
        bytes[count++] = (uint8_t)value;
    return count;
}

static void print_hex(const void *bytes, uint64_t size)
{
    for (uint64_t i = 0; i < size; i++)
        printf("%02x", ((const uint8_t *)bytes)[i]);
}

static struct page *page_at(const struct space *space, uint64_t address)
{
    for (size_t i = 0; i < space->count; i++)
        if (space->pages[i].address == address)
            return &space->pages[i];
    return NULL;
}

static void write_memory(struct port *port)
{
    uint64_t number, address;
    char hex[4096];
    uint8_t bytes[2048];
    if (sscanf(port->line, "write %" SCNu64 " %" SCNx64 " %4095s", &number, &address, hex) != 3)
        misuse("script: %s", port->line);
    size_t size = from_hex(hex, bytes, sizeof bytes);
    struct space *space = space_numbered(port, number);
    for (size_t i = 0; i < size; i++, address++) {
        struct page *page = page_at(space, address & ~(uint64_t)(PAGE - 1));
        if (!page)
            misuse("script: nothing is mapped at %" PRIx64, address);
        page->bytes[address % PAGE] = bytes[i];
    }
}

static void dump(struct port *port)
{
    uint64_t number;
    char path[4096];
    if (sscanf(port->line, "dump %" SCNu64 " %4095s", &number, path) != 2)
        misuse("script: %s", port->line);
    const struct space *space = space_numbered(port, number);
    FILE *file = fopen(path, "wb");
    for (size_t i = 0; file && i < space->count; i++) {
        const struct page *page = &space->pages[i];
        const uint64_t head[2] = {page->address, page->prot};
        fwrite(head, sizeof head, 1, file);
        fwrite(page->bytes, PAGE, 1, file);
    }
    if (!file || fclose(file))
        misuse("script: %s cannot be written", path);
}

static void print_books(const struct port *port)
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

static struct memory *memory_make(struct port *port, uint64_t size, uint64_t *id)
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

static void memory_forget(struct memory *memory)
{
    if (!memory->open && !memory->mapped)
        munmap(memory->view, memory->size);
}

/* --- start and end */

static void add_process(struct port *port)
{
    char path[4096];
    struct process *process = &port->processes[port->process_count++];
    if (port->process_count == PROCESSES_MAX || sscanf(port->line, "process %u %" SCNx64 " %" SCNx64 " %4095s", &process->service,
                                                       &process->address, &process->low, path) != 4)
        misuse("script: %s", port->line);
    if (strcmp(path, "-") != 0)
        process->block = read_file(path, &process->size);
}

struct port *port_open(struct port_boot *boot)
{
    struct port *port = calloc(1, sizeof *port);
    port->next_number = 2;
    port->random = 1;
    while (next_line(port) && strcmp(port->line, "begin") != 0) {
        if (strncmp(port->line, "image ", 6) == 0) {
            port->image = read_file(port->line + 6, &port->image_size);
            mprotect(port->image, port->image_size, PROT_READ);
        } else if (strcmp(port->line, "moves") == 0) {
            port->moves = true;
        } else if (strcmp(port->line, "trusted") == 0) {
            port->trusted = true;
        } else if (strncmp(port->line, "process ", 8) == 0) {
            add_process(port);
        } else if (strcmp(port->line, "before") == 0) {
            port->processes[port->process_count - 1].before = true;
        } else if (sscanf(port->line, "fail %" SCNu64, &port->fail_in) != 1) {
            misuse("script: %s", port->line);
        }
    }
    if (!tree_check_header(port->image, port->image_size)) {
        port->state = calloc(1, port->image_size / PAGE);
        tree_init(&port->tree, port->image, port->state);
    }
    *boot = (struct port_boot){
        .image = port->image,
        .image_size = port->image_size,
        .image_memory = IMAGE,
        .moves_pages = port->moves,
    };
    return port;
}

bool port_image_check(struct port *port, uint64_t offset, uint64_t size)
{
    uint64_t page;
    if (!is_pages(offset + PAGE) || offset > port->image_size || size > port->image_size - offset)
        misuse("a range of the image that is none: %" PRIx64 ", %" PRIu64 " bytes", offset, size);
    return port->trusted || tree_check_range(&port->tree, offset, size, &page);
}

void port_booted(struct port *port)
{
    if (port->booted)
        misuse("booted twice");
    port->booted = true;
    printf("booted\n");
}

void port_verdict(struct port *port, bool passed)
{
    (void)port;
    printf("verdict %s\n", passed ? "passed" : "failed");
}

/* --- the loader itself */

void *port_allocate(struct port *port, uint64_t size)
{
    if (fails(port, "allocate"))
        return NULL;
    uint64_t *block = malloc(size + 16);
    if (!block)
        misuse("no memory on this machine");
    memset(block, 0xa5, size + 16);
    block[0] = size;
    port->blocks++;
    port->block_bytes += size;
    return block + 2;
}

void port_free(struct port *port, void *block, uint64_t size)
{
    if (!block)
        misuse("free of nothing");
    uint64_t *own = (uint64_t *)block - 2;
    if (own[0] != size)
        misuse("a block of %" PRIu64 " bytes is freed with size %" PRIu64, own[0], size);
    port->blocks--;
    port->block_bytes -= size;
    memset(own, 0x5a, size + 16);
    free(own);
}

uint64_t port_random(struct port *port)
{
    port->random = port->random * 6364136223846793005u + 1442695040888963407u;
    return port->random ^ port->random >> 29;
}

void port_log(struct port *port, const char *line, uint64_t size)
{
    (void)port;
    if (!size || line[size - 1] != '\n' || memchr(line, '\n', size - 1))
        misuse("a report is not one line");
    printf("log %.*s", (int)size, line);
}

/* --- address spaces */

static uint64_t space_add(struct port *port, uint64_t *number)
{
    if (port->space_count == SPACES_MAX)
        misuse("too many address spaces for this port");
    *number = port->next_number++;
    port->spaces[port->space_count] = (struct space){.number = *number, .open = true};
    return FIRST_ID + port->space_count++;
}

/* Budgets are not kept here; the payer must be there. */
static void check_payer(struct port *port, struct port_space payer)
{
    if (payer.id)
        space_of(port, payer);
}

int64_t port_space_create(struct port *port, const char *name, const struct port_budget *budget, struct port_space *space,
                          uint64_t *number)
{
    check_payer(port, budget->payer);
    if (fails(port, "space_create"))
        return PORT_NO_MEMORY;
    space->id = space_add(port, number);
    printf("space %" PRIu64 " %s\n", *number, name);
    return PORT_OK;
}

static void page_forget(struct page *page)
{
    if (page->moved)
        free(page->bytes);
    if (page->memory) {
        page->memory->mapped--;
        memory_forget(page->memory);
    }
}

void port_space_close(struct port *port, struct port_space id)
{
    struct space *space = space_of(port, id);
    for (size_t i = 0; i < space->count; i++)
        page_forget(&space->pages[i]);
    free(space->pages);
    space->pages = NULL;
    space->count = space->limit = 0;
    space->open = false;
    printf("close %" PRIu64 "\n", space->number);
}

int64_t port_memory_create(struct port *port, struct port_space payer, uint64_t size, struct port_memory *memory)
{
    check_payer(port, payer);
    if (!is_pages(size))
        misuse("memory of %" PRIu64 " bytes", size);
    if (fails(port, "memory_create"))
        return PORT_NO_MEMORY;
    memory->view = memory_make(port, size, &memory->id)->view;
    memory->size = size;
    return PORT_OK;
}

void port_memory_release(struct port *port, const struct port_memory *memory)
{
    struct memory *own = memory_of(port, memory->id);
    if (own->view != memory->view || own->size != memory->size)
        misuse("memory that differs from what was created");
    own->open = false;
    memory_forget(own);
}

static void unmap(struct space *space, uint64_t address, uint64_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < space->count; i++)
        if (space->pages[i].address - address < size)
            page_forget(&space->pages[i]);
        else
            space->pages[kept++] = space->pages[i];
    space->count = kept;
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

static void map_page(struct port *port, struct space *space, const struct port_mapping *mapping, uint64_t at)
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
    struct memory *memory = memory_of(port, mapping->memory);
    page->bytes = memory->view + mapping->offset + at;
    if (port->moves) {
        move(page);
    } else {
        page->memory = memory;
        memory->mapped++;
    }
}

static void check_mapping(struct port *port, const struct port_mapping *mapping)
{
    bool is_image = mapping->memory == IMAGE;
    uint64_t limit = is_image ? port->image_size : memory_of(port, mapping->memory)->size;
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
    struct space *space = space_of(port, id);
    if (!count || count > PORT_MAP_MAX)
        misuse("%u mappings at once", count);
    int64_t status = fails(port, "map") ? PORT_NO_MEMORY : PORT_OK;
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
            map_page(port, space, &list[i], at);
    return status;
}

void port_unmap(struct port *port, struct port_space id, uint64_t address, uint64_t size)
{
    if (!is_pages(size) || !is_pages(address))
        misuse("unmap of %" PRIx64 " bytes at %" PRIx64, size, address);
    unmap(space_of(port, id), address, size);
}

int64_t port_thread_start(struct port *port, struct port_space id, uint64_t entry, uint64_t stack)
{
    struct space *space = space_of(port, id);
    const struct page *code = page_at(space, entry & ~(uint64_t)(PAGE - 1));
    const struct page *data = page_at(space, stack & ~(uint64_t)(PAGE - 1));
    if (space->has_thread || !code || !(code->prot & PORT_EXECUTE) || !data || !(data->prot & PORT_WRITE) || stack % 16)
        misuse("a thread at %" PRIx64 " with stack %" PRIx64, entry, stack);
    if (fails(port, "thread_start"))
        return PORT_NO_MEMORY;
    space->has_thread = true;
    printf("thread %" PRIu64 " %" PRIx64 " %" PRIx64 "\n", space->number, entry, stack);
    return PORT_OK;
}

int64_t port_grant(struct port *port, struct port_space id, enum port_authority authority, uint64_t number, uint32_t *value)
{
    const struct space *space = space_of(port, id);
    if (space->number != number)
        misuse("process %" PRIu64 " is granted what is for %" PRIu64, space->number, number);
    if (fails(port, "grant"))
        return PORT_LIMIT;
    *value = 100 + authority;
    printf("grant %" PRIu64 " %d\n", number, authority);
    return PORT_OK;
}

/* --- processes that the system starts itself */

static int64_t begin_process(struct port *port, struct process *own, struct port_process *process)
{
    *process = (struct port_process){.service = own->service, .block_address = own->address, .low = own->low};
    own->used = true;
    if (fails(port, "process"))
        return PORT_NO_MEMORY;
    process->space.id = space_add(port, &process->number);
    space_of(port, process->space)->has_thread = true;
    if (!own->block)
        return PORT_OK;
    uint64_t size = (own->size + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    process->block.view = memory_make(port, size, &process->block.id)->view;
    process->block.size = size;
    memcpy(process->block.view, own->block, own->size);
    const struct port_mapping mapping = {process->block.id, 0, size, own->address, PORT_READ};
    for (uint64_t at = 0; at < size; at += PAGE)
        map_page(port, space_of(port, process->space), &mapping, at);
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

/* --- requests */

static void read_request(struct port *port, struct port_event *event, void *data, uint64_t size)
{
    static char hex[LINE];
    static uint8_t bytes[LINE];
    int used;
    *event = (struct port_event){.kind = PORT_REQUEST};
    if (sscanf(port->line, "request %" SCNu64 " %199999s%n", &event->number, hex, &used) != 2)
        misuse("script: %s", port->line);
    const char *at = port->line + used;
    for (unsigned i = 0; i < PORT_WORDS; i++) {
        char *end;
        event->word[i] = strtoull(at, &end, 16);
        at = end;
    }
    size_t length = hex[0] == '-' ? 0 : from_hex(hex, bytes, sizeof bytes);
    event->size = length < size ? length : size;
    memcpy(data, bytes, event->size);
    event->reply.id = ++port->next_reply;
    if (event->reply.id == sizeof port->reply_open)
        misuse("too many requests for this port");
    port->reply_open[event->reply.id] = true;
    port->replies++;
}

bool port_receive(struct port *port, struct port_event *event, void *data, uint64_t size)
{
    while (next_line(port)) {
        if (strncmp(port->line, "request ", 8) == 0) {
            read_request(port, event, data, size);
            return true;
        }
        bool faulted = strncmp(port->line, "faulted ", 8) == 0, signalled = strncmp(port->line, "signalled ", 10) == 0;
        if (faulted || signalled || strncmp(port->line, "ended ", 6) == 0) {
            *event = (struct port_event){.kind = PORT_ENDED, .faulted = faulted, .signalled = signalled};
            sscanf(strchr(port->line, ' '), "%" SCNu64 " %" SCNd64, &event->number, &event->status);
            return true;
        }
        if (strncmp(port->line, "dump ", 5) == 0)
            dump(port);
        else if (strncmp(port->line, "write ", 6) == 0)
            write_memory(port);
        else if (strcmp(port->line, "books") == 0)
            print_books(port);
        else if (sscanf(port->line, "fail %" SCNu64, &port->fail_in) != 1)
            misuse("script: %s", port->line);
    }
    return false;
}

void port_reply(struct port *port, struct port_reply reply, int64_t status, const struct port_answer *answer)
{
    if (reply.id > port->next_reply || !port->reply_open[reply.id])
        misuse("an answer to no request");
    port->reply_open[reply.id] = false;
    port->replies--;
    printf("reply %" PRIu64 " %" PRId64, reply.id, status);
    for (unsigned i = 1; i < PORT_WORDS; i++)
        printf(" %" PRIx64, answer ? answer->word[i] : 0);
    printf(" ");
    if (answer && answer->size)
        print_hex(answer->data, answer->size);
    else
        printf("-");
    printf("\n");
}

void port_close(struct port *port)
{
    print_books(port);
    for (size_t i = 0; i < port->memory_count; i++)
        if (port->memories[i].open || port->memories[i].mapped)
            printf("left memory %zu\n", i);
    for (size_t i = 0; i < port->process_count; i++)
        if (port->processes[i].block)
            munmap(port->processes[i].block, port->processes[i].size + PAGE);
    munmap(port->image, port->image_size + PAGE);
    free(port->state);
    free(port);
}
