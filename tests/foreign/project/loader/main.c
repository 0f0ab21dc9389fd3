/* The loader of Fern: starts the programs among the boot loader's modules, answers what they ask, tries what must fail, and says
 * whether all went well. */
#include <fern/start.h>
#include <fernc.h>

#include "port.h"

#define PROCESSES_MAX 8

struct state {
    struct system system;
    struct loader loader;
    struct loader_process processes[PROCESSES_MAX];
    unsigned running;
    bool failed;
};

static struct loader_process *by_number(struct state *state, uint64_t number)
{
    for (unsigned i = 0; i < PROCESSES_MAX; i++)
        if (state->processes[i].is_made && state->processes[i].id == number)
            return &state->processes[i];
    return NULL;
}

static bool start(struct state *state, const char *name)
{
    static const char *const arguments[] = {"welcome"};
    const struct loader_program program = {.name = name, .arguments = arguments, .argument_count = 1};
    struct loader_process *process = state->processes;
    while (process < state->processes + PROCESSES_MAX && process->is_made)
        process++;
    bool good = process < state->processes + PROCESSES_MAX && loader_start(&state->loader, process, &program);
    state->running += good;
    return good;
}

static void reply(uint64_t process, const void *data, uint64_t size, int64_t result)
{
    fern_call(FERN_ANSWER, process, (uint64_t)data, size, (uint64_t)result);
}

static void answer_open(struct loader_process *process, const struct fern_event *event)
{
    struct loader_opened opened;
    struct fern_opened answer = {0};
    if (!loader_open(process, event->text, 0, &opened)) {
        reply(event->process, process->message, strlen(process->message) + 1, -1);
        return;
    }
    answer.handle = opened.handle;
    for (; answer.count < opened.initializer_count && answer.count < FERN_FUNCTIONS_MAX; answer.count++)
        answer.initializer[answer.count] = opened.initializers[answer.count];
    bool fits = answer.count == opened.initializer_count && !opened.resolver_count;
    reply(event->process, &answer, sizeof answer, fits ? 0 : -1);
}

static void answer_symbol(const struct fern_event *event, const struct link_symbol *found)
{
    bool is_thread_local = found->symbol->st_info % 16 == STT_TLS;
    const struct fern_symbol symbol = {found->address, is_thread_local ? found->module->tls_module : 0};
    reply(event->process, &symbol, sizeof symbol, 0);
}

static void answer(struct state *state, const struct fern_event *event)
{
    struct loader_process *process = by_number(state, event->process);
    struct link_symbol found;
    struct start_tls tls;
    const uint64_t *finalizers = NULL;
    size_t count = 0;
    if (!process)
        reply(event->process, NULL, 0, -1);
    else if (event->kind == FERN_ASK_OPEN)
        answer_open(process, event);
    else if (event->kind == FERN_ASK_SYMBOL && loader_symbol(process, event->value, event->text, &found))
        answer_symbol(event, &found);
    else if (event->kind == FERN_ASK_TLS && loader_tls(process, event->value, &tls))
        reply(event->process, &tls, sizeof tls, 0);
    else if (event->kind == FERN_ASK_CLOSE) {
        loader_close(process, event->value, &finalizers, &count);
        reply(event->process, finalizers, count * sizeof *finalizers, count <= FERN_FUNCTIONS_MAX ? (int64_t)count : -1);
    } else if (event->kind == FERN_ASK_SWEEP) {
        loader_sweep(process);
        reply(event->process, NULL, 0, 0);
    } else
        reply(event->process, NULL, 0, -1);
}

static void end(struct state *state, const struct fern_event *event)
{
    struct loader_process *process = by_number(state, event->process);
    bool good = event->ended == 1 && event->status == 0;
    print("loader: %s ended, status %d%s\n", process ? process->name : "a program of the kernel's", (int)event->status,
          event->ended == 2 ? ", by a fault" : "");
    state->failed |= !good;
    if (process)
        loader_end(process);
    else
        fern_call(FERN_END, event->process, 0, 0, 0);
    state->running--;
}

static void serve(struct state *state)
{
    while (state->running) {
        struct fern_event event;
        if (fern_call(FERN_WAIT, (uint64_t)&event, 0, 0, 0) < 0)
            return;
        (event.ended ? end : answer)(state, &event);
    }
}

static uint64_t free_pages(void)
{
    return (uint64_t)fern_call(FERN_FREE, 0, 0, 0, 0);
}

/* Each must fail with a message, and cost nothing. */
static void try_what_fails(struct state *state)
{
    static const struct { const char *text; struct changed changed; } trials[] = {
        {"a library is missing", {"libshapes.fern", NULL, 0}},
        {"a library is another one", {"libshapes.fern", "libfernc.fern", 0}},
        {"a library is cut", {"libshapes.fern", "libshapes.fern", 3000}},
        {"a library is a text", {"libfernc.fern", "notes", 0}},
        {"the program is cut", {"gallery", "gallery", 200}},
        {"there is no such program", {"gallery", NULL, 0}},
    };
    for (unsigned i = 0; i < sizeof trials / sizeof *trials; i++) {
        uint64_t before = free_pages();
        say("trial: ", trials[i].text);
        state->system.changed = trials[i].changed;
        bool started = start(state, "gallery");
        state->system.changed.name = NULL;
        state->failed |= started || free_pages() != before;
        print("loader: trial: %s, %d pages lost\n", started ? "it started" : "refused", (int)(before - free_pages()));
    }
}

#define PAGES_MAX 100

/* All memory is taken, and given back page by page until a start has enough. */
static void try_without_memory(struct state *state)
{
    static void *pages[PAGES_MAX];
    uint64_t before = free_pages(), size = (before - before / 512 - 8) * FERN_PAGE;
    uint8_t *most = memory(size);
    unsigned count = 0, refused = 0;
    while (count < PAGES_MAX && (pages[count] = memory(FERN_PAGE)))
        count++;
    state->system.is_quiet = true;
    for (bool started = !most; !started && size > FERN_PAGE;) {
        uint64_t left = free_pages();
        unsigned messages = state->system.messages;
        started = start(state, "hello");
        refused += !started;
        if (!started && (free_pages() != left || state->system.messages == messages)) {
            print("loader: with %d free pages: %d lost, %d messages\n", (int)left, (int)(left - free_pages()),
                  (int)(state->system.messages - messages));
            state->failed = true;
        }
        if (count)
            fern_call(FERN_RELEASE, (uint64_t)pages[--count], FERN_PAGE, 0, 0);
        else
            fern_call(FERN_RELEASE, (uint64_t)most + (size -= FERN_PAGE), FERN_PAGE, 0, 0);
    }
    state->system.is_quiet = false;
    while (count)
        fern_call(FERN_RELEASE, (uint64_t)pages[--count], FERN_PAGE, 0, 0);
    fern_call(FERN_RELEASE, (uint64_t)most, size, 0, 0);
    serve(state);
    bool often = refused > 30;
    print("loader: %s without memory, %d pages lost\n", often ? "refused" : "hardly refused", (int)(before - free_pages()));
    state->failed |= !often || before != free_pages();
}

int main(void)
{
    static struct state state;
    static const char *const programs[] = {"hello", "gallery", "hello"};
    struct system *system = &state.system;
    while (system->module_count < MODULES_MAX &&
           fern_call(FERN_MODULE, system->module_count, (uint64_t)&system->modules[system->module_count], 0, 0) == 0)
        system->module_count++;
    loader_init(&state.loader, &fern_port, system);
    state.running = 1; /* the kernel started one beside this */
    serve(&state);
    uint64_t before = free_pages();
    for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++)
        state.failed |= !start(&state, programs[i]);
    serve(&state);
    print("loader: all ended, %d pages lost\n", (int)(before - free_pages()));
    state.failed |= before != free_pages();
    try_what_fails(&state);
    try_without_memory(&state);
    loader_finish(&state.loader);
    say(state.failed ? "failed" : "passed", "");
    fern_call(FERN_HALT, 0, 0, 0, 0);
    return 0;
}
