/* What a process without any grant tries with each service: handles that were not asked for, names and files of others,
 * starting, stopping and looking into others, a second registry, requests that wait and are never taken back. */
#include <protocol/call.h>
#include <protocol/console.h>
#include <protocol/files.h>
#include <protocol/loader.h>
#include <protocol/names.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "check.h"

#define OWN "hostile-services"
#define PAGE AMBILINK_PAGE_SIZE
#define ROUNDS 800 /* more handles than a table holds */
#define THREADS 24

static handle_t self, console, files, loader, names;

/* With all the handles that a message takes. */
static int64_t call_with_handles(handle_t service, uint64_t operation, const void *data, uint64_t size)
{
    static char answered[FILES_PATH_MAX];
    handle_t memory = (handle_t)sys_memory_create(PAGE);
    struct message request = {.word = {operation, 3, 0, 1}, .data = (void *)(uintptr_t)data, .size = size};
    struct message reply = {.data = answered, .size = sizeof answered};
    for (; request.handle_count < MESSAGE_HANDLES; request.handle_count++)
        request.handle[request.handle_count] = (handle_t)sys_handle_duplicate(memory, RIGHT_READ | RIGHT_TRANSFER, 0);
    sys_handle_close(memory);
    int64_t status = ipc_call(service, &request, &reply);
    /* Those of a message that was refused stay here. */
    for (unsigned i = 0; i < MESSAGE_HANDLES; i++)
        sys_handle_close(request.handle[i]);
    return status;
}

static void check_handles(void)
{
    const struct {
        handle_t service;
        uint64_t operation;
        const char *data;
    } calls[] = {
        {names, NAMES_LOOKUP, "console"}, {names, NAMES_REGISTER, "console"}, {names, 99, "console"},
        {files, FILES_OPEN, "etc/motd"},  {files, FILES_LIST, ""},            {files, FILES_READ, ""},
        {console, CONSOLE_WRITE, ""},     {console, 0, ""},                   {loader, LOADER_PROCESS, ""},
        {loader, LOADER_START, "audit"},  {loader, ~0ull, ""},
    };
    handle_t before = (handle_t)sys_memory_create(PAGE);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned i = round % (sizeof calls / sizeof *calls);
        call_with_handles(calls[i].service, calls[i].operation, calls[i].data, strlen(calls[i].data));
    }
    for (unsigned round = 0; round < ROUNDS; round++)
        call_with_handles(round % 2 ? names : files, 1, "x", 1);
    CHECK(call_with_handles(names, NAMES_LOOKUP, "console", 7) == STATUS_OK);
    CHECK(call_with_handles(files, FILES_LIST, "", 0) == STATUS_NOT_FOUND);
    CHECK(call_with_handles(console, CONSOLE_WRITE, "", 0) == STATUS_OK);
    /* Nothing that was answered stayed here either: handles are numbered from the lowest. */
    CHECK(sys_memory_create(PAGE) == (int64_t)before + 1);
}

static int64_t register_as(const char *name, uint32_t rights, uint64_t badge)
{
    handle_t endpoint = (handle_t)sys_endpoint_create();
    int64_t status = names_register(name, (handle_t)sys_handle_duplicate(endpoint, rights, badge));
    sys_handle_close(endpoint); /* and so the entry is dead */
    return status;
}

static void check_names(void)
{
    const uint32_t call = RIGHT_CALL | RIGHT_TRANSFER, all = call | RIGHT_DUPLICATE;
    const char *others[] = {"console", "files", "names", "loader", "hostile-service", "", "a name of thirty-one characters"};
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(register_as(others[i], all | RIGHT_MINT, 0) == (*others[i] ? STATUS_NO_RIGHT : STATUS_INVALID));
    CHECK(register_as(OWN, call, 0) == STATUS_INVALID); /* of which no client can be given a copy */
    CHECK(names_register(OWN, (handle_t)sys_memory_create(PAGE)) == STATUS_INVALID);
    CHECK(names_register(OWN, (handle_t)sys_handle_duplicate(self, RIGHT_MANAGE | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0)) ==
          STATUS_INVALID);
    for (unsigned i = 0; i < 100; i++)
        CHECK(register_as(OWN, i % 2 ? all : all | RIGHT_MINT, i % 3 ? 0 : i) == STATUS_OK);
    int64_t endpoint = names_serve(OWN);
    CHECK(endpoint > 0 && names_serve(OWN) == STATUS_OVERLAP);
    CHECK(sys_handle_close((handle_t)endpoint) == STATUS_OK);
    /* Neither a name of no service nor one that no service will register is waited for. */
    CHECK(names_lookup("nothing") == STATUS_NOT_FOUND && names_lookup("") == STATUS_NOT_FOUND);
    CHECK(names_lookup("a name that is longer than thirty-one characters") == STATUS_TOO_LONG);
}

static int64_t ask_loader(uint64_t operation, uint64_t process, uint64_t more)
{
    const struct message request = {.word = {operation, process, more}};
    struct message reply = {0};
    return ipc_call(sys_start_handle(START_HANDLE_LOADER), &request, &reply);
}

/* A handle that comes along with a start that is refused is the loader service's to close: as many as it likes. */
static void check_gifts(void)
{
    for (unsigned i = 0; i < 300; i++) {
        struct message request = {.word = {LOADER_START}, .data = i % 2 ? "audit" : "nothing", .size = 7, .handle_count = 1}, reply = {0};
        request.size = strlen(request.data);
        request.handle[0] = (handle_t)sys_endpoint_create();
        CHECK(ipc_call(sys_start_handle(START_HANDLE_LOADER), &request, &reply) == (i % 2 ? STATUS_NO_RIGHT : STATUS_NOT_FOUND));
        CHECK(sys_handle_close(request.handle[0]) == STATUS_BAD_HANDLE);
    }
    CHECK(ask_loader(LOADER_GIVEN, 0, 0) == STATUS_NOT_FOUND && ask_loader(LOADER_WAIT, 0, 0) == STATUS_NOT_FOUND);
}

static void check_loader(void)
{
    const char *others[] = {"names", "console", "files", "audit", "fortune", OWN};
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        CHECK(loader_start(others[i]) == STATUS_NO_RIGHT);
    CHECK(loader_start("nothing") == STATUS_NOT_FOUND);
    struct loader_module module;
    struct loader_status status;
    uint64_t own = 0;
    for (uint64_t i = 0; loader_status(i, &status) == STATUS_OK; i++) {
        bool is_own = strcmp(status.name, OWN) == 0 && status.state == LOADER_RUNS;
        own = is_own ? status.number : own;
        if (status.state == LOADER_RUNS && !is_own) {
            CHECK(loader_module(status.number, 0, &module) == STATUS_NO_RIGHT);
            CHECK(loader_stop(status.number) == STATUS_NO_RIGHT);
            CHECK(ask_loader(LOADER_SIGNAL, status.number, 9) == STATUS_NO_RIGHT);
            CHECK(ask_loader(LOADER_SIGNAL, status.number, 0) == STATUS_NO_RIGHT);
        }
    }
    CHECK(ask_loader(LOADER_SIGNAL, own, 65) == STATUS_INVALID && ask_loader(LOADER_SIGNAL, own, ~0ull) == STATUS_INVALID);
    CHECK(ask_loader(LOADER_SIGNAL, own, 0) == STATUS_OK && ask_loader(LOADER_SIGNAL, own, 17) == STATUS_OK); /* ignored */
    CHECK(ask_loader(LOADER_SIGNAL, 1, 9) == STATUS_NOT_FOUND && ask_loader(LOADER_SIGNAL, ~0ull, 9) == STATUS_NOT_FOUND);
    check_gifts();
    CHECK(own && loader_module(own, 0, &module) == STATUS_OK);
    CHECK(loader_module(0, 0, &module) == STATUS_NO_RIGHT && loader_module(~0ull, 0, &module) == STATUS_NO_RIGHT);
    CHECK(loader_register(own, OWN, 1) == STATUS_NO_RIGHT && loader_unregister("console") == STATUS_NO_RIGHT);
    CHECK(loader_register(2, "console", 1) == STATUS_NO_RIGHT);
}

static void check_files(void)
{
    const char *paths[] = {"etc/motd", "/etc//motd", "services/console", "etc/../services/names", "lib/libc.so"};
    struct files_opened opened;
    struct files_entry entry;
    char byte;
    for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++)
        CHECK(files_open(files, paths[i], &opened) == STATUS_NO_RIGHT);
    CHECK(files_list(files, 0, &entry) == STATUS_NOT_FOUND && files_list(files, ~0ull, &entry) == STATUS_NOT_FOUND);
    CHECK(files_read(files, 0, &byte, 1) == STATUS_INVALID);
    CHECK(fopen("etc/motd", "r") == NULL);
}

static int64_t waits[THREADS];
static char stacks[THREADS][16384] __attribute__((aligned(16)));

static void wait_thread(uint64_t index)
{
    struct message request = {.word = {LOADER_WAIT, 2 + index % 2}}, reply = {0};
    int64_t status = sys_call(loader, &request, &reply);
    waits[index] = status == STATUS_OK ? (int64_t)reply.word[0] : status;
    sys_thread_exit();
}

/* More requests than may wait for a client are answered at once, and requests of others have room. Those that wait stay
 * until this process ends. */
static void check_waits(void)
{
    unsigned refused = 0;
    for (uint64_t i = 0; i < THREADS; i++) {
        waits[i] = 1;
        CHECK(sys_thread_create(self, (uint64_t)wait_thread, (uint64_t)(stacks[i] + sizeof stacks[i] - 8), i) > 0);
    }
    sys_thread_sleep(50000000);
    for (unsigned i = 0; i < THREADS; i++)
        refused += waits[i] == STATUS_LIMIT;
    CHECK(refused == THREADS - LOADER_WAITS_MAX);
    int64_t status;
    CHECK(loader_wait(2, &status) == STATUS_LIMIT);
}

/* Operations that are not there, data that is none. */
static void check_garbage(void)
{
    static char data[MESSAGE_DATA_MAX], answered[MESSAGE_DATA_MAX];
    const handle_t services[] = {names, console, files, loader};
    memset(data, '%', sizeof data);
    for (uint64_t operation = 16; operation < 80; operation++)
        for (unsigned i = 0; i < sizeof services / sizeof *services; i++) {
            struct message request = {.word = {operation | operation << 40, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull}, .data = data};
            struct message reply = {.data = answered, .size = sizeof answered};
            request.size = operation * 997 % sizeof data;
            int64_t status = ipc_call(services[i], &request, &reply);
            CHECK(status == STATUS_INVALID || status == STATUS_TOO_LONG);
        }
}

int main(void)
{
    self = sys_start_handle(START_HANDLE_SELF);
    loader = sys_start_handle(START_HANDLE_LOADER);
    names = sys_start_handle(START_HANDLE_NAMES);
    console = (handle_t)names_lookup("console");
    files = (handle_t)names_lookup("files");
    CHECK((int32_t)console > 0 && (int32_t)files > 0);
    puts("loader: every program of the manifest ended: passed"); /* each line is headed by the name that it really has */
    check_handles();
    check_names();
    check_loader();
    check_files();
    check_garbage();
    check_waits();
    return checks_finish("services");
}
