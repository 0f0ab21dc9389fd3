#include "start/launch.h"

#include <ambilink/start.h>
#include <hostlink/archive.h>
#include <hostlink/start_stack.h>

#include "base/bytes.h"
#include "base/coroutine.h"
#include "base/log.h"
#include "base/random.h"
#include "link/link.h"
#include "memory/area.h"

#define LOADER_STACK_SIZE (8 * PAGE_SIZE) /* it takes up to half of that */
#define REGISTRY "names"
#define LINUX_CALLS "lib/linux.so" /* makes calls of this kernel of those of Linux, in the process itself */

struct endpoint *loader_endpoint, *names_endpoint;

static bool refuse(const struct launch *launch, const char *what, const char *rule)
{
    if (!gives_up())
        log_format("kernel: %s: %s: %s\n", launch->name, what, rule);
    return false;
}

/* What a process is born with; once one handle could not be made, the rest is not tried. */
struct grants {
    const struct launch *launch;
    struct start_info *info;
    bool failed;
};

static void grant(struct grants *grants, enum start_handle which, void *object, uint32_t rights, uint64_t badge)
{
    if (grants->failed)
        return;
    int64_t handle = handle_insert(&grants->launch->process->handles, object, rights, badge);
    if (handle < 0)
        grants->failed = !refuse(grants->launch, "handles", "no memory");
    else
        grants->info->handle[which] = (handle_t)handle;
}

#define PARTS_RIGHTS (RIGHT_EXECUTE | RIGHT_MINT | RIGHT_DUPLICATE | RIGHT_TRANSFER)

/* Everything: it gives others what they get. */
static void grant_loader(struct grants *grants)
{
    const uint32_t more = RIGHT_DUPLICATE | RIGHT_TRANSFER;
    grant(grants, START_HANDLE_SYSTEM, &system_object, RIGHT_LOG | RIGHT_POWER | RIGHT_MANAGE | RIGHT_INPUT | more, 0);
    grant(grants, START_HANDLE_IMAGE, boot_image.run, RIGHT_READ | RIGHT_EXECUTE | RIGHT_MINT | more, 0);
    grant(grants, START_HANDLE_LOADER, loader_endpoint, RIGHT_CALL | RIGHT_RECEIVE | RIGHT_MINT | more, 0);
    grant(grants, START_HANDLE_NAMES, names_endpoint, RIGHT_CALL | RIGHT_RECEIVE | RIGHT_MINT | more, 0);
    grants->info->image_size = boot_image.run->size;
}

static bool calls_linux(const struct launch *launch)
{
    return launch->service && launch->service->calls == IMAGE_CALLS_LINUX;
}

static void grant_service(struct grants *grants)
{
    const struct launch *launch = grants->launch;
    struct start_info *info = grants->info;
    uint32_t granted = launch->service->grants;
    uint64_t number = launch->process->record.number;
    bool links_itself = launch->program.interpreter && !calls_linux(launch);
    info->flags |= launch->service->role == IMAGE_SERVICE_ON_DEMAND ? START_MAY_BE_GIVEN : 0;
    bool is_registry = memory_compare(launch->name, REGISTRY, sizeof REGISTRY) == 0;
    grant(grants, START_HANDLE_LOADER, loader_endpoint, RIGHT_CALL, number);
    grant(grants, START_HANDLE_NAMES, names_endpoint, is_registry ? RIGHT_RECEIVE : RIGHT_CALL, number);
    if (granted & IMAGE_GRANT_INPUT)
        grant(grants, START_HANDLE_INPUT, &system_object, RIGHT_INPUT, 0);
    if (granted & IMAGE_GRANT_LOG || links_itself)
        grant(grants, START_HANDLE_SYSTEM, &system_object, RIGHT_LOG, 0);
    if (links_itself) {
        grant(grants, START_HANDLE_IMAGE, boot_image.run, RIGHT_READ | RIGHT_EXECUTE, 0);
        info->flags |= granted & IMAGE_GRANT_IMAGE ? 0 : START_IMAGE_IS_LINKERS;
        info->flags |= granted & IMAGE_GRANT_LOG ? 0 : START_LOG_IS_LINKERS;
        info->image_size = boot_image.run->size;
    } else if (granted & IMAGE_GRANT_IMAGE) {
        grant(grants, START_HANDLE_IMAGE, boot_image.run, RIGHT_READ | (granted & IMAGE_GRANT_PARTS ? PARTS_RIGHTS : 0), 0);
        info->image_size = boot_image.run->size;
    }
}

/* False: logged; the handles made so far end with the process. */
static bool grant_all(const struct launch *launch, struct start_info *info)
{
    struct grants grants = {launch, info, false};
    grant(&grants, START_HANDLE_SELF, launch->process, RIGHT_MANAGE | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
    if (launch->service)
        grant_service(&grants);
    else
        grant_loader(&grants);
    return !grants.failed;
}

static bool share(struct shared_memory *shared, struct process *process, struct memory *memory, unsigned prot)
{
    void *here = memory ? kernel_map_made(memory) : NULL;
    if (!here)
        return false;
    int64_t there = space_map(&process->space, memory, 0, memory->size, 0, prot | PROT_FINAL, PROT_READ_WRITE);
    if (there < 0) {
        kernel_unmap(here);
        return false;
    }
    *shared = (struct shared_memory){{.here = here, .there = (uint64_t)there, .size = memory->size}, memory};
    return true;
}

bool shared_memory_open(struct shared_memory *shared, struct process *process, uint64_t size, unsigned prot)
{
    return share(shared, process, memory_create(process->budget, PAGE_UP(size)), prot);
}

/* Of a stack only the end is there, with `used` bytes: the kernel writes nowhere else. */
static bool open_stack(struct shared_memory *shared, struct process *process, uint64_t size, uint64_t used)
{
    const uint64_t present = PAGE_UP(used) + START_STACK_PRESENT;
    struct memory *memory = memory_create_growing(process->budget, size, present < size ? present : size);
    return share(shared, process, memory, PROT_READ_WRITE);
}

void shared_memory_close(const struct shared_memory *shared)
{
    kernel_unmap(shared->area.here);
}

static void keep_block(struct launch *launch, const struct shared_memory *shared)
{
    object_retain(shared->memory);
    launch->block = shared->memory;
    launch->block_address = shared->area.there;
}

/* Another object beside the program. `is_trusted`: it may have what the program may not, image and log: that is for the
 * packer to say, not for any program. */
static bool place_beside(const struct launch *launch, const char *name, bool is_trusted, struct program *placed)
{
    const char *rule;
    const struct image_file *file = archive_find(&boot_image.archive, name);
    if (!file)
        return refuse(launch, name, "the interpreter is not in the boot image");
    if (is_trusted && file->kind != IMAGE_FILE_INTERPRETER)
        return refuse(launch, boot_image_name(file), "this is not the image's interpreter");
    if (!boot_image_check_file(file))
        return false;
    if (!program_place(launch->process, boot_image.run, file->offset, file->size, placed, &rule))
        return refuse(launch, boot_image_name(file), rule);
    return !*placed->interpreter_name || refuse(launch, boot_image_name(file), "an interpreter has none itself");
}

static bool place_interpreter(struct launch *launch)
{
    struct program *program = &launch->program, interpreter;
    if (!place_beside(launch, program->interpreter_name, !calls_linux(launch), &interpreter))
        return false;
    program->interpreter = interpreter.base;
    program->start = interpreter.entry;
    return true;
}

/* It runs first, and goes on where its argument says. */
static bool place_linux_calls(struct launch *launch)
{
    struct program layer;
    if (!place_beside(launch, LINUX_CALLS, true, &layer))
        return false;
    launch->argument = launch->program.start;
    launch->program.start = layer.entry;
    return true;
}

/* A program that is only placed: its start block lacks modules, which it, or its interpreter, sees to. */
static bool place(struct launch *launch, bool with_interpreter)
{
    const char *rule;
    struct program *program = &launch->program;
    const struct image_file *file = launch->file;
    if (!boot_image_check_file(file))
        return false;
    if (!program_place(launch->process, boot_image.run, file->offset, file->size, program, &rule))
        return refuse(launch, boot_image_name(file), rule);
    if (calls_linux(launch))
        with_interpreter = *program->interpreter_name; /* a static program has none */
    if (with_interpreter && !*program->interpreter_name)
        return refuse(launch, boot_image_name(file), "no PT_INTERP: link it as a dynamic program");
    if (!with_interpreter && *program->interpreter_name)
        return refuse(launch, boot_image_name(file), "PT_INTERP in a program that must be static");
    if (with_interpreter && !place_interpreter(launch))
        return false;
    if (calls_linux(launch) && !place_linux_calls(launch))
        return false;
    with_interpreter &= !calls_linux(launch); /* else it leaves the start block as it is */
    struct shared_memory shared;
    uint64_t size = with_interpreter ? start_interpreter_block(archive_library_count(&boot_image.archive)) : PAGE_SIZE;
    if (!shared_memory_open(&shared, launch->process, size, with_interpreter ? PROT_READ_WRITE : PROT_READ_ONLY))
        return refuse(launch, "start block", "no memory");
    struct start_info *info = (struct start_info *)shared.area.here;
    info->magic = START_MAGIC;
    bool granted = grant_all(launch, info);
    keep_block(launch, &shared);
    shared_memory_close(&shared);
    return granted;
}

/* What is left of the launch once its program is linked. */
static bool describe(struct launch *launch, struct target *target)
{
    struct start_info *info = target_describe(target, NULL);
    if (!info)
        return refuse(launch, "start block", "no memory");
    if (!grant_all(launch, info))
        return false;
    launch->block = process_link_memory(&target->block->staging);
    object_retain(launch->block);
    launch->block_address = target->block->at.there;
    const struct link *link = &target->link;
    const struct module *program = link->results.first;
    launch->program = (struct program){
        .entry = link_entry(link),
        .start = link_entry(link),
        .program_headers = program->header_count ? program->bias + program->headers_address : 0,
        .program_header_count = program->header_count,
    };
    return true;
}

static bool link_program(struct launch *launch)
{
    static struct linker linker;
    struct process_link linking;
    struct target *target = &linking.target;
    if (!linker.host)
        process_linker_init(&linker);
    bool good = process_link(&linking, &linker, launch->process, launch->name, launch->file, launch->service) &&
                describe(launch, target) && target_map(target);
    if (good)
        target_commit(target);
    launch->low = target->next_address;
    target_end(target);
    return good;
}

/* *pointer: the first thread's stack pointer. */
static bool make_stack(const struct launch *launch, const char *command_line, uint64_t *pointer)
{
    const struct program *program = &launch->program;
    struct start_stack stack = {
        .name = launch->name,
        .path = boot_image_name(launch->file),
        .program_headers = program->program_headers,
        .program_header_count = program->program_header_count,
        .base = program->interpreter,
        .entry = program->entry,
        .start_info = launch->block_address,
        .random = {random_next(), random_next()},
    };
    struct archive_arguments arguments;
    if (launch->service)
        archive_fill_stack(&boot_image.archive, launch->service, &arguments, &stack);
    if (command_line) { /* the loader service, which the manifest gives no arguments */
        stack.arguments = &command_line;
        stack.argument_count = 1;
    }
    struct shared_memory shared;
    /* The first process has all of it: no other is left if it ends. */
    uint64_t size = launch->service ? launch->service->stack_size : LOADER_STACK_SIZE;
    if (!open_stack(&shared, launch->process, size, launch->service ? start_stack_size(&stack) : size))
        return refuse(launch, "stack", "no memory");
    *pointer = start_stack_write(&shared.area, &stack);
    shared_memory_close(&shared);
    return *pointer || refuse(launch, "stack",
                              "arguments, environment and auxiliary vector take up more than half of it: give it a larger one");
}

bool launch_prepare(struct launch *launch, uint32_t linker, const char *command_line)
{
    /* An executable that nothing needs to be linked to is placed even so: it relocates itself. */
    return (linker == IMAGE_LINKER_KERNEL ? link_program(launch) : place(launch, linker == IMAGE_LINKER_INTERP)) &&
           make_stack(launch, command_line, &launch->stack_pointer);
}

bool launch_run(const struct launch *launch)
{
    return process_start_thread(launch->process, launch->program.start, launch->stack_pointer, launch->argument) ||
           refuse(launch, "thread", "no memory");
}

void launch_end(struct launch *launch)
{
    if (launch->block)
        object_release(launch->block);
    launch->block = NULL;
}
