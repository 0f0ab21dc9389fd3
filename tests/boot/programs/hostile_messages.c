/* Messages are all or nothing: a receiver with too little room for the handles of a message gets none of them, and
 * nothing else of it; the sender keeps them all, and gets the error. */
#include <stdbool.h>
#include <string.h>

#include <system/call.h>
#include <system/start.h>

#include "check.h"

#define PAGE AMBILINK_PAGE_SIZE
#define HANDLES_MAX 4096
#define MILLISECOND 1000000

static handle_t self, endpoint, offered[MESSAGE_HANDLES];
static volatile int64_t status;
static uint64_t count;
static char stack[8192] __attribute__((aligned(16)));

static void sender(void)
{
    struct message request = {.word = {7}, .data = "secret", .size = 6, .handle_count = count}, reply = {0};
    memcpy(request.handle, offered, sizeof request.handle);
    status = sys_call(endpoint, &request, &reply);
    sys_thread_exit();
}

static void start_sender(void)
{
    status = 1;
    CHECK(sys_handle_close((handle_t)sys_thread_create(self, (uint64_t)sender, (uint64_t)(stack + sizeof stack - 8), 0)) == 0);
    sys_thread_sleep(20 * MILLISECOND);
}

static handle_t taken[HANDLES_MAX];
static size_t taken_count;

/* Leave so many slots free in the table of handles, which both threads share. */
static void fill_table(unsigned room)
{
    int64_t handle;
    while (taken_count < HANDLES_MAX && (handle = sys_handle_duplicate(self, 0, 0)) > 0)
        taken[taken_count++] = (handle_t)handle;
    while (room--)
        sys_handle_close(taken[--taken_count]);
}

static unsigned room_left(void)
{
    unsigned room = 0;
    handle_t found[16];
    int64_t handle;
    while (room < 16 && (handle = sys_handle_duplicate(self, 0, 0)) > 0)
        found[room++] = (handle_t)handle;
    for (unsigned i = 0; i < room; i++)
        sys_handle_close(found[i]);
    return room;
}

static void empty_table(void)
{
    while (taken_count)
        sys_handle_close(taken[--taken_count]);
}

static bool all_kept(void)
{
    bool kept = true;
    for (unsigned i = 0; i < MESSAGE_HANDLES; i++)
        kept &= sys_memory_size(offered[i]) == PAGE;
    return kept;
}

/* A thread that receives once, as soon as it may. */
static volatile bool may_receive;
static volatile int64_t received;
static handle_t received_reply;
static struct message received_message;
static char received_data[8], receiver_stack[8192] __attribute__((aligned(16)));

static void receiver(void)
{
    while (!may_receive)
        sys_thread_sleep(MILLISECOND);
    received = sys_receive(endpoint, &received_message, &received_reply);
    sys_thread_exit();
}

static void start_receiver(bool at_once)
{
    received = 1;
    may_receive = at_once;
    memset(received_data, 0, sizeof received_data);
    received_message = (struct message){.data = received_data, .size = sizeof received_data};
    int64_t thread = sys_thread_create(self, (uint64_t)receiver, (uint64_t)(receiver_stack + sizeof receiver_stack - 8), 0);
    CHECK(sys_handle_close((handle_t)thread) == 0);
    sys_thread_sleep(20 * MILLISECOND);
}

/* The message waits, and a receiver with too little room comes. It goes on waiting for another. */
static void check_waiting_message(void)
{
    for (unsigned room = 0; room <= MESSAGE_HANDLES; room++) {
        count = MESSAGE_HANDLES;
        start_sender();
        start_receiver(false);
        fill_table(room);
        may_receive = true;
        sys_thread_sleep(20 * MILLISECOND);
        CHECK(status == STATUS_LIMIT && received == 1);
        CHECK(room_left() == room && all_kept() && !received_data[0]);
        empty_table();
        count = 0;
        start_sender();
        CHECK(received == STATUS_OK && sys_handle_close(received_reply) == STATUS_OK);
        sys_thread_sleep(20 * MILLISECOND);
        CHECK(status == STATUS_PEER_GONE);
    }
}

static void check_waiting_receiver(void)
{
    start_receiver(true);
    for (unsigned room = 1; room <= MESSAGE_HANDLES; room++) { /* one for the sender's thread, which is closed again */
        count = MESSAGE_HANDLES;
        fill_table(room);
        start_sender();
        CHECK(status == STATUS_LIMIT && received == 1);
        CHECK(room_left() == room && all_kept() && !received_data[0]);
        empty_table();
    }
    count = MESSAGE_HANDLES;
    start_sender();
    CHECK(received == STATUS_OK && received_message.handle_count == MESSAGE_HANDLES);
    CHECK(memcmp(received_data, "secret", 6) == 0);
    memcpy(offered, received_message.handle, sizeof offered);
    CHECK(all_kept());

    /* The answer, too. */
    struct message answer = {.handle_count = MESSAGE_HANDLES};
    memcpy(answer.handle, offered, sizeof answer.handle);
    for (unsigned room = 0; room < MESSAGE_HANDLES; room++) {
        fill_table(room);
        CHECK(sys_reply(received_reply, &answer) == STATUS_LIMIT && status == 1);
        CHECK(room_left() == room && all_kept());
        empty_table();
    }
    CHECK(sys_reply(received_reply, &answer) == STATUS_OK);
    CHECK(sys_memory_size(offered[0]) == STATUS_BAD_HANDLE);
}

/* What is wrong with any handle is wrong with the message: none of the others moves. */
static void check_refused(void)
{
    struct message reply = {0}, request = {.handle_count = 2};
    handle_t memory = (handle_t)sys_memory_create(PAGE), stays = (handle_t)sys_handle_duplicate(memory, RIGHT_READ, 0);
    const struct {
        handle_t second;
        int64_t expected;
    } wrong[] = {{4000, STATUS_BAD_HANDLE}, {0, STATUS_BAD_HANDLE}, {memory, STATUS_INVALID}, {stays, STATUS_NO_RIGHT}};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        request.handle[0] = memory;
        request.handle[1] = wrong[i].second;
        CHECK(sys_call(endpoint, &request, &reply) == wrong[i].expected);
        CHECK(sys_memory_size(memory) == PAGE && sys_memory_size(stays) == PAGE);
    }
    CHECK(sys_handle_close(memory) == STATUS_OK && sys_handle_close(stays) == STATUS_OK);
}

int main(void)
{
    self = sys_start_handle(START_HANDLE_SELF);
    endpoint = (handle_t)sys_endpoint_create();
    for (unsigned i = 0; i < MESSAGE_HANDLES; i++)
        offered[i] = (handle_t)sys_memory_create(PAGE);
    check_waiting_message();
    check_waiting_receiver();
    check_refused();
    return checks_finish("messages");
}
