/* Takes of the service pipes what it can get, and tries what it must not get; ends with all of it open. Run as two services: what
 * one took is not missing for the other. */
#include <protocol/call.h>
#include <protocol/names.h>
#include <protocol/pipes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#define MANY 3000 /* more than a table of handles has */

static handle_t pipes, last_memory;

static void require(int holds, const char *what)
{
    if (holds)
        return;
    printf("failed: %s\n", what);
    exit(1);
}

static int64_t ask(handle_t to, const uint64_t words[4], const void *data, size_t size, unsigned handle_count, handle_t *handles)
{
    static char buffer[MESSAGE_DATA_MAX];
    struct message request = {.word = {words[0], words[1], words[2], words[3]}, .data = (void *)(uintptr_t)data, .size = size};
    struct message reply = {.data = buffer, .size = sizeof buffer, .handle_count = 2};
    memcpy(request.handle, handles, handle_count * sizeof *handles);
    request.handle_count = handle_count;
    const int64_t status = ipc_call(to, &request, &reply);
    for (unsigned i = 0; handles && i < 2; i++)
        handles[i] = i < reply.handle_count ? reply.handle[i] : 0;
    return status;
}

#define ASK(to, ...) ask(to, (const uint64_t[4]){__VA_ARGS__}, NULL, 0, 0, NULL)

/* The process keeps a handle of it. */
static handle_t memory(uint64_t size, unsigned rights)
{
    last_memory = (handle_t)sys_memory_create(size);
    return (handle_t)sys_handle_duplicate(last_memory, rights | RIGHT_TRANSFER, 0);
}

static int64_t make(uint64_t operation, uint64_t kind, unsigned memories, handle_t ends[2])
{
    for (unsigned i = 0; i < memories; i++)
        ends[i] = memory(PIPES_MEMORY, RIGHT_READ | RIGHT_WRITE);
    const int64_t status = ask(pipes, (const uint64_t[4]){operation, kind}, NULL, 0, memories, ends);
    return status;
}

static void odd_makers(void)
{
    handle_t ends[2];
    for (uint64_t operation = 0; operation < 40; operation++)
        for (uint64_t kind = 0; kind < 9; kind++)
            if (operation != PIPES_COUNTER && (operation != PIPES_SOCKET || kind < PIPES_STREAM || kind == PIPES_DATAGRAM || kind > PIPES_SEQUENCED))
                require(ASK(pipes, operation, kind) < 0, "an odd request");
    ends[0] = memory(4096, RIGHT_READ | RIGHT_WRITE);
    require(ask(pipes, (const uint64_t[4]){PIPES_PIPE}, NULL, 0, 1, ends) < 0, "too little memory");
    ends[0] = memory(PIPES_MEMORY, RIGHT_READ);
    require(ask(pipes, (const uint64_t[4]){PIPES_PIPE}, NULL, 0, 1, ends) < 0, "memory that cannot be written");
    ends[0] = (handle_t)sys_endpoint_create();
    require(ask(pipes, (const uint64_t[4]){PIPES_PIPE}, NULL, 0, 1, ends) < 0, "no memory");
    for (unsigned i = 0; i < MANY; i++) { /* what was not asked for is closed */
        ends[0] = (handle_t)sys_endpoint_create();
        require(ask(pipes, (const uint64_t[4]){PIPES_COUNTER}, NULL, 0, 1, ends) == STATUS_OK && ends[0], "with a handle");
        sys_handle_close(ends[0]);
    }
}

static void odd_requests(handle_t reader, handle_t writer, handle_t socket)
{
    static char large[MESSAGE_DATA_MAX];
    handle_t given[2] = {0};
    for (uint64_t operation = PIPES_NAME + 1; operation < 40; operation++)
        require(ASK(reader, operation, ~0ull, ~0ull, ~0ull) < 0, "an unknown operation");
    require(ASK(reader, PIPES_PIPE) < 0, "a client's request to an end");
    require(ASK(writer, PIPES_READ, 1) < 0 && ASK(reader, PIPES_WRITE) < 0, "the wrong end");
    require(ASK(writer, PIPES_WRITE, 1) < 0 && ASK(writer, PIPES_WRITE, ~0ull) < 0, "handles that are not there");
    require(ASK(writer, PIPES_WRITE, 0, ~0ull) < 0 && ASK(writer, PIPES_WRITE, 0, 1) < 0, "a key that is not there");
    require(ask(writer, (const uint64_t[4]){PIPES_WRITE, ~0ull / sizeof(struct pipes_passed) + 1}, large, 40, 0, NULL) < 0, "an overflow");
    require(ask(socket, (const uint64_t[4]){PIPES_BIND, PIPES_KEY_MAX + 1}, large, 1000, 0, NULL) < 0, "a long key");
    require(ask(socket, (const uint64_t[4]){PIPES_BIND, 1}, large, 1000, 0, NULL) < 0, "a long address");
    require(ask(socket, (const uint64_t[4]){PIPES_BIND, 10}, large, 9, 0, NULL) < 0 && ASK(socket, PIPES_BIND) < 0, "no key");
    require(ASK(reader, PIPES_LISTEN, 1) < 0 && ASK(reader, PIPES_ACCEPT) < 0 && ASK(socket, PIPES_ACCEPT) < 0, "no listener");
    require(ask(reader, (const uint64_t[4]){PIPES_CONNECT}, "x", 1, 0, NULL) < 0, "a pipe connects");
    given[0] = memory(4096, RIGHT_READ);
    require(ask(reader, (const uint64_t[4]){PIPES_POLL, 1}, NULL, 0, 1, given) < 0, "waits with no endpoint");
    for (unsigned i = 0; i < MANY; i++) {
        given[0] = (handle_t)sys_endpoint_create();
        ask(reader, (const uint64_t[4]){PIPES_LOOK}, NULL, 0, 1, given);
        given[0] = (handle_t)sys_endpoint_create();
        ask(writer, (const uint64_t[4]){PIPES_WRITE, 0}, NULL, 0, 1, given);
    }
}

/* Who brought the memory writes to it: heads of datagrams are what it likes. */
static void forge_heads(void)
{
    handle_t ends[2];
    require(make(PIPES_PAIR, PIPES_DATAGRAM, 2, ends) == STATUS_OK, "a pair");
    const int64_t here = sys_process_map(sys_start_handle(START_HANDLE_SELF), last_memory, 0, PIPES_MEMORY, 0, PROT_READ_WRITE);
    require(here > 0, "the memory of the second");
    for (unsigned value = 0; value < 60; value++) {
        for (unsigned i = 0; i < 3; i++)
            ask(ends[0], (const uint64_t[4]){PIPES_WRITE}, "some bytes", 10, 0, NULL);
        for (unsigned i = 0; i < PIPES_MEMORY / 4; i++)
            ((volatile uint32_t *)here)[i] = value % 4 ? value * 2654435761u >> value % 32 : ~0u;
        for (unsigned i = 0; i < 5; i++)
            ask(ends[1], (const uint64_t[4]){PIPES_READ, i % 2 ? 65536 : 3, i % 3}, NULL, 0, 0, NULL);
        require(ASK(ends[1], PIPES_LOOK) == STATUS_OK, "it is there");
        while (ASK(ends[1], PIPES_READ, 65536) == STATUS_OK)
            ;
    }
    sys_handle_close(ends[0]);
    sys_handle_close(ends[1]);
}

static void take_all(void)
{
    handle_t ends[2], first[2], given[2];
    unsigned waits = 0, passed = 0, pairs = 0;
    require(make(PIPES_PAIR, PIPES_STREAM, 2, first) == STATUS_OK, "a pair");
    while (waits < MANY) {
        given[0] = (handle_t)sys_endpoint_create();
        given[1] = (handle_t)sys_handle_duplicate(given[0], RIGHT_SIGNAL | RIGHT_TRANSFER, 0);
        if (ask(first[0], (const uint64_t[4]){PIPES_POLL, 1}, NULL, 0, 1, given + 1) != STATUS_OK)
            break;
        waits++;
    }
    require(waits > 30 && waits < 200, "waits are bounded");
    const struct pipes_passed about = {0};
    while (passed < MANY) {
        given[0] = (handle_t)sys_endpoint_create();
        if (ask(first[0], (const uint64_t[4]){PIPES_WRITE, 1}, &about, sizeof about, 1, given) != STATUS_OK)
            break;
        passed++;
    }
    require(passed > 10 && passed < 100, "handles on their way are bounded");
    given[0] = first[0]; /* an end in itself */
    while (pairs < MANY && make(PIPES_PAIR, PIPES_SEQUENCED, 2, ends) == STATUS_OK)
        pairs++;
    require(pairs > 10 && pairs < 100, "ends are bounded");
}

int main(void)
{
    handle_t ends[2], socket[2];
    pipes = (handle_t)names_lookup("pipes");
    odd_makers();
    require(make(PIPES_PIPE, 0, 1, ends) == STATUS_OK && make(PIPES_SOCKET, PIPES_STREAM, 0, socket) == STATUS_OK, "ends");
    odd_requests(ends[0], ends[1], socket[0]);
    forge_heads();
    take_all();
    puts("took as much as it may");
    return 0;
}
