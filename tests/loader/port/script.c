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
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "books.h"

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

static void write_memory(struct port *port)
{
    uint64_t number, address;
    char hex[4096];
    uint8_t bytes[2048];
    if (sscanf(port->line, "write %" SCNu64 " %" SCNx64 " %4095s", &number, &address, hex) != 3)
        misuse("script: %s", port->line);
    size_t size = from_hex(hex, bytes, sizeof bytes);
    struct space *space = books_space_numbered(port, number);
    for (size_t i = 0; i < size; i++, address++) {
        struct page *page = books_page(space, address & ~(uint64_t)(PAGE - 1));
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
    const struct space *space = books_space_numbered(port, number);
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
            books_print(port);
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

void port_gift_drop(struct port *port, struct port_gift gift)
{
    (void)port;
    if (gift.id)
        misuse("a gift that no request had");
}

int64_t port_signal(struct port *port, struct port_space space, uint64_t signal, uint64_t sender)
{
    (void)port;
    printf("signal %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", space.id, signal, sender);
    return signal > 64 ? PORT_INVALID : PORT_OK;
}

void port_close(struct port *port)
{
    books_print(port);
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
