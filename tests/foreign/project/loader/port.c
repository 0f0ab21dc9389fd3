/* The port of the loader kit to Fern: files are modules of the boot loader's, and pages move to their process. */
#include <fern/start.h>
#include <fernc.h>

#include "port.h"

#define NOTICE 0x10000000 /* where each process has the loader's notice */

void say(const char *text, const char *more)
{
    print("loader: %s%s\n", text, more);
}

const struct fern_module *system_find(const struct system *system, const char *name)
{
    for (unsigned i = 0; i < system->module_count; i++)
        if (strcmp(system->modules[i].name, name) == 0)
            return &system->modules[i];
    return NULL;
}

static bool find(void *context, const char *referrer, const char *name, struct file_view *file)
{
    const struct system *system = context;
    const struct changed *changed = &system->changed;
    bool is_changed = changed->name && strcmp(changed->name, name) == 0;
    const char *real = is_changed ? changed->instead : name;
    const struct fern_module *module = real ? system_find(system, real) : NULL;
    (void)referrer;
    if (!module)
        return false;
    file->bytes = module->bytes;
    file->size = is_changed && changed->size ? changed->size : module->size;
    file->file_id = (uint64_t)(module - system->modules) + 1;
    return true;
}

static void log_line(void *context, const char *line)
{
    struct system *system = context;
    system->messages++;
    if (!system->is_quiet)
        say(line, "");
}

static bool memory_make(void *context, struct staging *made)
{
    (void)context;
    made->here = memory(made->size);
    return made->here;
}

/* What moved away is no more there. */
static void memory_free(void *context, const struct staging *made)
{
    (void)context;
    fern_call(FERN_RELEASE, (uint64_t)made->here, made->size, 0, 0);
}

static bool move(uint64_t process, const uint8_t *from, uint64_t to, uint64_t size, unsigned prot)
{
    uint64_t rights = prot == PROT_READ_WRITE ? FERN_WRITABLE : prot == PROT_READ_EXECUTE ? FERN_EXECUTABLE : 0;
    const struct fern_move request = {(uint64_t)from, to, size, rights};
    return fern_call(FERN_MOVE, process, (uint64_t)&request, 0, 0) == 0;
}

static bool memory_give(void *context, uint64_t process, const struct loader_mapping *mapping)
{
    (void)context;
    return move(process, mapping->memory->here + mapping->offset, mapping->address, mapping->size, mapping->prot);
}

static void memory_unmap(void *context, uint64_t process, uint64_t address, uint64_t size)
{
    (void)context;
    fern_call(FERN_TAKE, process, address, size, 0);
}

static void process_end(void *context, uint64_t process)
{
    (void)context;
    fern_call(FERN_END, process, 0, 0, 0);
}

static bool process_make(void *context, const char *name, uint64_t *process)
{
    static const char notice[] = "this is Fern";
    int64_t number = fern_call(FERN_PROCESS, (uint64_t)name, 0, 0, 0);
    if (number < 0)
        return false;
    *process = (uint64_t)number;
    struct staging page = {.size = AMBILINK_PAGE_SIZE};
    bool good = memory_make(context, &page);
    if (good) {
        memcpy(page.here, notice, sizeof notice);
        good = move(*process, page.here, NOTICE, page.size, PROT_READ_ONLY);
        memory_free(context, &page);
    }
    if (!good)
        process_end(context, *process);
    return good;
}

static const struct elf_symbol *define(void *context, uint64_t process, const char *name)
{
    static const struct elf_symbol notice = {.st_info = STT_OBJECT, .st_value = NOTICE};
    (void)context;
    (void)process;
    return strcmp(name, "fern_notice") == 0 ? &notice : NULL;
}

/* A string at the end of the area; its address in the process, 0: no room. */
static uint64_t put(struct shared_area *left, const char *text)
{
    uint64_t size = (strlen(text) + 16) & ~15ull;
    if (size > left->size)
        return 0;
    left->size -= size;
    memcpy(left->here + left->size, text, strlen(text) + 1);
    return left->there + left->size;
}

/* Fern's start convention: one struct on the stack, its address in a register. */
static bool arrange(void *context, struct loader_process *process, const struct shared_area *stack,
                    struct loader_thread *thread)
{
    const struct loader_program *program = process->program;
    struct shared_area left = *stack;
    struct fern_start start = {
        .info = (const struct start_info *)thread->start_block,
        .thread_pointer = thread->thread_pointer,
        .argument_count = 1 + program->argument_count,
    };
    (void)context;
    if (start.argument_count > FERN_ARGUMENTS_MAX)
        return false;
    for (uint64_t i = 0; i < start.argument_count; i++) {
        start.arguments[i] = (char *)put(&left, i ? program->arguments[i - 1] : program->name);
        if (!start.arguments[i])
            return false;
    }
    uint64_t at = (left.size - sizeof start) & ~15ull;
    memcpy(left.here + at, &start, sizeof start);
    thread->argument = thread->stack_pointer = left.there + at;
    return true;
}

static bool thread_start(void *context, uint64_t process, const struct loader_thread *thread)
{
    const struct fern_thread request = {thread->entry, thread->stack_pointer, thread->thread_pointer, thread->argument};
    (void)context;
    return fern_call(FERN_START, process, (uint64_t)&request, 0, 0) == 0;
}

const struct loader_port fern_port = {
    .find = find,
    .log = log_line,
    .process_make = process_make,
    .process_end = process_end,
    .memory_make = memory_make,
    .memory_free = memory_free,
    .memory_give = memory_give,
    .thread_start = thread_start,
    .memory_unmap = memory_unmap,
    .define = define,
    .arrange = arrange,
};
