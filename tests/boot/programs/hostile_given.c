/* What a process gives to one that it starts is not what it says (libs/posix/src/given.h): the other one, which may have rights
 * that its starter has not, keeps what its manifest entry gives it. As `victim`, that one. */
#include <protocol/call.h>
#include <protocol/loader.h>
#include <protocol/pipes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <system/call.h>
#include <system/start.h>
#include <unistd.h>

#include "check.h"
#include "given.h"

#define HALF (1ull << 63)
#define UNHARMED 5
#define SOCKET 3 /* the victim's descriptor of it */
#define WRAPS 64

static char text[4096];

static bool is_harmed_by_socket(void)
{
    char bytes[16];
    for (unsigned i = 0; i < 2; i++)
        if (write(SOCKET, text, sizeof bytes) != -1 || send(SOCKET, text, sizeof bytes, 0) != -1 ||
            recv(SOCKET, bytes, sizeof bytes, 0) != -1)
            return true;
    return false;
}

static int be_victim(int count, char **words)
{
    if (fcntl(SOCKET, F_GETFD) != -1)
        return is_harmed_by_socket() ? 1 : UNHARMED;
    return count == 2 && !words[2] && lseek(STDIN_FILENO, 0, SEEK_CUR) < 0 ? UNHARMED : 1;
}

static handle_t served;

/* Says that more was taken, and has come, than there was room for. */
static void *lie_about_bytes(void *unused)
{
    static char buffer[64];
    const struct message empty = {.data = buffer, .size = sizeof buffer};
    struct message request = empty;
    (void)unused;
    for (handle_t reply; sys_receive(served, &request, &reply) == STATUS_OK; request = empty) {
        const bool reads = request.word[0] == PIPES_READ;
        sys_reply(reply, &(struct message){
                             .word = {0, reads ? 1ull << 40 : request.size + 1 + request.word[1], reads ? -(1ull << 40) + WRAPS : 0},
                             .data = text,
                             .size = reads ? WRAPS : 0,
                         });
    }
    return NULL;
}

static uint64_t start(handle_t *endpoint)
{
    const handle_t made = (handle_t)sys_endpoint_create();
    struct message request = ipc_text_request(LOADER_START, "victim"), reply = {0};
    request.handle[0] = (handle_t)sys_handle_duplicate(made, RIGHT_RECEIVE | RIGHT_TRANSFER, 0);
    request.handle_count = 1;
    *endpoint = (handle_t)sys_handle_duplicate(made, RIGHT_CALL, 0);
    sys_handle_close(made);
    return ipc_call(sys_start_handle(START_HANDLE_LOADER), &request, &reply) == STATUS_OK ? reply.word[1] : 0;
}

static void give(const struct message *lie)
{
    struct message reply = {0};
    handle_t endpoint;
    int64_t status;
    const uint64_t number = start(&endpoint);
    CHECK(number);
    CHECK(sys_call(endpoint, lie, &reply) == STATUS_OK);
    CHECK(sys_call(endpoint, &(struct message){.word = {GIVEN_END}}, &reply) == STATUS_OK);
    CHECK(loader_wait(number, &status) == STATUS_OK && status == UNHARMED);
    sys_handle_close(endpoint);
}

static void give_strings(uint64_t arguments, uint64_t environment, uint64_t size)
{
    give(&(struct message){.word = {GIVEN_STRINGS, arguments, environment, 0, 0, 7}, .data = text, .size = size});
}

int main(int count, char **words)
{
    if (count > 1 && !strcmp(words[1], "victim"))
        return be_victim(count, words);
    give_strings(HALF, HALF, sizeof text); /* together none */
    give_strings(HALF, HALF + sizeof text, sizeof text);
    memset(text, 'x', sizeof text);
    give_strings(1, 0, sizeof text);
    text[sizeof text - 1] = 0;
    give_strings(100, 100, sizeof text);
    give_strings(0, 0, sizeof text);
    const struct given_descriptor given = {.file = {.kind = EMPTY, .reads = true}};
    struct message lie = {.word = {GIVEN_DESCRIPTOR}, .data = (void *)(uintptr_t)&given, .size = sizeof given};
    for (unsigned shift = 6; shift < 64; shift += 19) {
        lie.word[1] = 1ull << shift;
        give(&lie);
        lie.word[1] = -lie.word[1];
        give(&lie);
    }
    pthread_t server;
    served = (handle_t)sys_endpoint_create();
    CHECK(pthread_create(&server, NULL, lie_about_bytes, NULL) == 0);
    const struct given_descriptor socket = {.file = {.kind = OTHER, .reads = true, .writes = true, .opened.number = PIPES_STREAM}};
    lie = (struct message){.word = {GIVEN_DESCRIPTOR, SOCKET}, .data = (void *)(uintptr_t)&socket, .size = sizeof socket, .handle_count = 1};
    lie.handle[0] = (handle_t)sys_handle_duplicate(served, RIGHT_CALL | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
    give(&lie);
    return checks_finish("given");
}
