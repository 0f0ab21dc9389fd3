/* The console: writers' text on the machine's log, each line headed by its writer's name
 * (protocol/console.h). A writer is known by the badge of the handle that it got when it opened the
 * console. Text appears at once; a line that another writer interrupts is ended first. */
#include <ambilink/needs.h>
#include <protocol/call.h>
#include <protocol/console.h>
#include <protocol/names.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <system/call.h>

#define WRITERS_MAX 64

SERVICE_NEEDS(IMAGE_GRANT_LOG); /* without it what it prints would go to itself */

static char writer_names[WRITERS_MAX][PROCESS_NAME_MAX];
static size_t writer_count;
static uint64_t line_owner; /* badge of the writer whose line is not ended; 0: none */

static void write_text(uint64_t badge, const char *text, size_t size)
{
    if (line_owner && line_owner != badge) {
        putchar('\n');
        line_owner = 0;
    }
    while (size) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end - text) + 1 : size;
        if (!line_owner)
            printf("%s: ", writer_names[badge - 1]);
        fwrite(text, 1, length, stdout);
        line_owner = end ? 0 : badge;
        text += length;
        size -= length;
    }
    fflush(stdout);
}

static void open_writer(handle_t endpoint, handle_t reply, const char *name, size_t length)
{
    if (writer_count == WRITERS_MAX || !length || length >= PROCESS_NAME_MAX) {
        ipc_answer(reply, writer_count == WRITERS_MAX ? STATUS_LIMIT : STATUS_INVALID, NULL);
        return;
    }
    int64_t writer = sys_handle_duplicate(endpoint, RIGHT_CALL | RIGHT_TRANSFER, writer_count + 1);
    if (writer < 0) {
        ipc_answer(reply, writer, NULL);
        return;
    }
    memcpy(writer_names[writer_count++], name, length);
    struct message answer = {.handle = {(handle_t)writer}, .handle_count = 1};
    ipc_answer(reply, STATUS_OK, &answer);
}

int main(void)
{
    static char text[MESSAGE_DATA_MAX];
    int64_t endpoint = sys_endpoint_create();
    int64_t callable = endpoint < 0 ? endpoint : sys_handle_duplicate((handle_t)endpoint, RIGHT_CALL | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
    if (callable < 0 || names_register("console", (handle_t)callable) != STATUS_OK)
        return 1;
    for (;;) {
        struct message request = {.data = text, .size = sizeof text};
        handle_t reply;
        if (sys_receive((handle_t)endpoint, &request, &reply) != STATUS_OK)
            return 1;
        if (request.word[0] == CONSOLE_OPEN && !request.badge) {
            open_writer((handle_t)endpoint, reply, text, request.size);
        } else if (request.word[0] == CONSOLE_WRITE && request.badge) {
            write_text(request.badge, text, request.size);
            ipc_answer(reply, STATUS_OK, NULL);
        } else {
            ipc_answer(reply, STATUS_INVALID, NULL);
        }
    }
}
