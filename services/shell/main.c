/* A shell on the machine's keys: which services there are and what became of them, starting and ending them, and what
 * their processes share. An example of a service with the grants `input`, `control` and `inspect`, which may start all
 * others. */
#include <protocol/call.h>
#include <protocol/loader.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"

#define LINE_MAX_LENGTH 128
#define STARTS "starts = [...] with its name"

static const char *reason(int64_t status)
{
    switch (status) {
    case STATUS_NOT_FOUND:
        return "there is no such service or process";
    case STATUS_PEER_GONE:
        return "it has ended";
    case STATUS_LIMIT:
        return "too many that this shell started run";
    default:
        return "the loader service refused";
    }
}

/* `right`: what the manifest must say so that the loader service does it. */
static int fail(const char *name, int64_t status, const char *right)
{
    if (status == STATUS_NO_RIGHT)
        printf("%s: the manifest does not say %s for this shell (status %lld)\n", name, right, (long long)status);
    else
        printf("%s: %s (status %lld)\n", name, reason(status), (long long)status);
    return EXIT_FAILURE;
}

static void show_state(const struct loader_status *status)
{
    if (status->state == LOADER_RUNS)
        puts("runs");
    else if (status->state == LOADER_SIGNALLED)
        printf("ended by signal %lld\n", (long long)status->exit_status);
    else if (status->state == LOADER_STOPPED)
        puts("stopped");
    else
        printf("%s, status %lld\n", status->state == LOADER_FAULTED ? "ended by a fault" : "ended", (long long)status->exit_status);
}

/* The process that a number or a service's name means: of several the one that began last; one that runs before those
 * that ended. */
static int64_t find_process(const char *name, struct loader_status *found)
{
    char *end;
    unsigned long long number = strtoull(name, &end, 10);
    bool by_number = *name && !*end;
    struct loader_status status;
    int64_t result = STATUS_NOT_FOUND;
    for (uint64_t i = 0; loader_status(i, &status) == STATUS_OK; i++) {
        if (by_number ? status.number != number : strcmp(status.name, name) != 0)
            continue;
        if (result == STATUS_OK && found->state == LOADER_RUNS && status.state != LOADER_RUNS)
            continue;
        *found = status;
        result = STATUS_OK;
    }
    return result;
}

static int list(void)
{
    struct loader_status status;
    char name[LOADER_PROCESS_NAME_MAX];
    for (uint64_t i = 0; loader_status(i, &status) == STATUS_OK; i++) {
        printf("%3llu  %-16s ", (unsigned long long)status.number, status.name);
        show_state(&status);
    }
    for (uint64_t i = 0; loader_service(i, name) == STATUS_OK; i++)
        if (find_process(name, &status) != STATUS_OK)
            printf("     %-16s not started\n", name);
    return EXIT_SUCCESS;
}

static int start(const char *name)
{
    int64_t process = loader_start(name);
    if (process < 0)
        return fail(name, process, STARTS);
    printf("%s: process %lld\n", name, (long long)process);
    return EXIT_SUCCESS;
}

static int run(const char *name)
{
    int64_t process = loader_start(name), status;
    if (process >= 0 && loader_wait((uint64_t)process, &status) == STATUS_OK)
        printf("%s: process %lld ended, status %lld\n", name, (long long)process, (long long)status);
    return process < 0 ? fail(name, process, STARTS) : EXIT_SUCCESS;
}

static int stop(const char *name)
{
    struct loader_status status;
    int64_t result = find_process(name, &status);
    if (result == STATUS_OK)
        result = loader_stop(status.number);
    return result == STATUS_OK ? EXIT_SUCCESS : fail(name, result, "grants = [\"control\"]");
}

/* Running processes that have a file of this name. */
static unsigned count_sharing(const char *file)
{
    struct loader_status status;
    struct loader_module module;
    unsigned count = 0;
    for (uint64_t i = 0; loader_status(i, &status) == STATUS_OK; i++)
        for (uint64_t j = 0; status.state == LOADER_RUNS && loader_module(status.number, j, &module) == STATUS_OK; j++)
            count += strcmp(module.name, file) == 0;
    return count;
}

static int show(const char *name)
{
    struct loader_status status;
    struct loader_module module;
    int64_t result = find_process(name, &status);
    if (result == STATUS_OK && loader_module(status.number, 0, &module) == STATUS_NO_RIGHT)
        result = STATUS_NO_RIGHT;
    if (result != STATUS_OK)
        return fail(name, result, "grants = [\"inspect\"]");
    printf("%s: process %llu, ", status.name, (unsigned long long)status.number);
    show_state(&status);
    unsigned long long read_only = 0, writable = 0;
    for (uint64_t i = 0; loader_module(status.number, i, &module) == STATUS_OK; i++) {
        unsigned sharing = count_sharing(module.name);
        printf("  %#14llx  %-20s %5llu KiB read-only in %u process%s, %4llu KiB of its own\n",
               (unsigned long long)module.base, module.name, (unsigned long long)module.read_only / 1024, sharing,
               sharing == 1 ? "" : "es", (unsigned long long)module.writable / 1024);
        read_only += module.read_only;
        writable += module.writable;
    }
    printf("  %llu KiB are the image's own pages, %llu KiB its own\n", read_only / 1024, writable / 1024);
    return EXIT_SUCCESS;
}

static int help(void)
{
    puts("list          services and what became of them\n"
         "start NAME    start a service of the image\n"
         "run NAME      start it and wait for its end\n"
         "stop NAME     end a service, by its name or its process' number\n"
         "show NAME     what lies where in a process, and what it shares\n"
         "exit [STATUS] leave the shell; when every program has ended, the machine stops\n"
         "Keys: Backspace, Ctrl-U, Ctrl-C; Ctrl-D in an empty line leaves the shell.");
    return EXIT_SUCCESS;
}

static const struct command {
    const char *name;
    int (*with_name)(const char *name);
    int (*alone)(void);
} commands[] = {
    {"help", NULL, help}, {"list", NULL, list}, {"start", start, NULL},
    {"run", run, NULL},   {"stop", stop, NULL}, {"show", show, NULL},
};

static void execute(const char *word, const char *argument)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const struct command *command = &commands[i];
        if (strcmp(command->name, word) != 0)
            continue;
        if (command->with_name && argument)
            command->with_name(argument);
        else if (command->with_name)
            printf("%s: name a service\n", word);
        else
            command->alone();
        return;
    }
    printf("%s: no such command; `help` lists them\n", word);
}

int main(void)
{
    char line[LINE_MAX_LENGTH];
    setvbuf(stdin, NULL, _IONBF, 0);
    puts("Ambilink's shell. `help` lists commands.");
    while (line_read("> ", line, sizeof line)) {
        const char *word = strtok(line, " "), *argument = strtok(NULL, " ");
        if (word && strcmp(word, "exit") == 0)
            return argument ? atoi(argument) : EXIT_SUCCESS;
        if (word)
            execute(word, argument);
    }
    return EXIT_SUCCESS;
}
