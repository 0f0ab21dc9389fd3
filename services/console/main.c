/* The console: writers' text on the machine's log, each line headed by its writer's name (protocol/console.h). A writer
 * is a process, known by the badge that names gave it; its name is what the loader service started it as. Text appears
 * at once; a line that another writer interrupts is ended first. */
#include <ambilink/needs.h>
#include <protocol/call.h>
#include <protocol/console.h>
#include <protocol/loader.h>
#include <protocol/names.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITERS_FIRST 16

SERVICE_NEEDS(IMAGE_GRANT_LOG); /* without it what it prints would go to itself */

/* One for a process, as long as it runs. */
static struct writer {
    uint64_t process;
    char name[LOADER_PROCESS_NAME_MAX];
} *writers;
static size_t writer_count, writer_limit;
static uint64_t line_owner; /* the process whose line is not ended; 0: none */

static void forget_ended(void)
{
    size_t kept = 0;
    for (size_t i = 0; i < writer_count; i++) {
        struct loader_status status;
        if (loader_describe(writers[i].process, &status) == STATUS_OK && status.state == LOADER_RUNS)
            writers[kept++] = writers[i];
    }
    writer_count = kept;
}

/* Room for one more. False: no memory. */
static bool make_room(void)
{
    if (writer_count < writer_limit)
        return true;
    forget_ended();
    if (writer_limit && writer_count <= writer_limit / 2)
        return true;
    size_t limit = writer_limit ? 2 * writer_limit : WRITERS_FIRST;
    struct writer *larger = realloc(writers, limit * sizeof *writers);
    if (!larger)
        return writer_count < writer_limit;
    writers = larger;
    writer_limit = limit;
    return true;
}

static const char *name_of(uint64_t process)
{
    for (size_t i = 0; i < writer_count; i++)
        if (writers[i].process == process)
            return writers[i].name;
    struct loader_status status;
    if (loader_describe(process, &status) != STATUS_OK || !make_room())
        return "?";
    struct writer *writer = &writers[writer_count++];
    writer->process = process;
    memcpy(writer->name, status.name, sizeof writer->name);
    return writer->name;
}

static void write_text(uint64_t process, const char *text, size_t size)
{
    const char *name = name_of(process);
    if (line_owner && line_owner != process) {
        putchar('\n');
        line_owner = 0;
    }
    while (size) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end - text) + 1 : size;
        if (!line_owner)
            printf("%s: ", name);
        fwrite(text, 1, length, stdout);
        line_owner = end ? 0 : process;
        text += length;
        size -= length;
    }
    fflush(stdout);
}

static void handle(void *context, struct ipc_request *request)
{
    (void)context;
    const struct message *message = &request->message;
    if (message->word[0] != CONSOLE_WRITE || !message->badge)
        return;
    write_text(message->badge, message->data, message->size);
    ipc_respond(request, STATUS_OK, NULL);
}

int main(void)
{
    static char text[MESSAGE_DATA_MAX + 1];
    int64_t endpoint = names_serve("console");
    if (endpoint > 0)
        ipc_serve((handle_t)endpoint, text, sizeof text, handle, NULL);
    return 1;
}
