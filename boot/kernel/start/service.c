/* Starting services: the loader service, and before it those that the image wants linked by the kernel or by their own
 * interpreter. What it started, the kernel describes to the loader service in one read-only table. */
#include <hostlink/archive.h>
#include <rtld/elf.h>

#include "kernel.h"

#define LOADER_STACK_SIZE (32 * PAGE_SIZE)
#define REGISTRY "names"
#define LOADER "loader"

/* A process in the making. */
struct launch {
    const char *name;
    struct process *process;
    const struct image_service *service; /* NULL: the loader service */
    const struct image_file *file;
    struct program program;
    struct memory *block;
    uint64_t block_address, low;
};

static struct endpoint *loader_endpoint, *names_endpoint;

static bool refuse(const struct launch *launch, const char *what, const char *rule)
{
    log_format("kernel: %s: %s: %s\n", launch->name, what, rule);
    return false;
}

static uint32_t grant(struct process *process, void *object, uint32_t rights, uint64_t badge)
{
    int64_t handle = handle_insert(process, object, rights, badge);
    return handle < 0 ? 0 : (uint32_t)handle;
}

/* Everything: it gives others what they get. */
static void grant_loader(struct process *process, struct start_info *info)
{
    const uint32_t more = RIGHT_DUPLICATE | RIGHT_TRANSFER;
    info->handle[START_HANDLE_SYSTEM] =
        grant(process, system_object_pointer(), RIGHT_LOG | RIGHT_POWER | RIGHT_MANAGE | more, 0);
    info->handle[START_HANDLE_IMAGE] = grant(process, boot_image.run, RIGHT_READ | RIGHT_EXECUTE | more, 0);
    info->handle[START_HANDLE_LOADER] = grant(process, loader_endpoint, RIGHT_CALL | RIGHT_RECEIVE | more, 0);
    info->handle[START_HANDLE_NAMES] = grant(process, names_endpoint, RIGHT_CALL | RIGHT_RECEIVE | more, 0);
    info->image_size = boot_image.run->size;
}

static void grant_service(const struct launch *launch, struct start_info *info)
{
    struct process *process = launch->process;
    uint64_t number = process->record.number;
    bool is_registry = memory_compare(launch->name, REGISTRY, sizeof REGISTRY) == 0;
    info->handle[START_HANDLE_LOADER] = grant(process, loader_endpoint, RIGHT_CALL, number);
    info->handle[START_HANDLE_NAMES] = grant(process, names_endpoint, is_registry ? RIGHT_RECEIVE : RIGHT_CALL, number);
    if (launch->service->grants & IMAGE_GRANT_LOG || launch->program.interpreter)
        info->handle[START_HANDLE_SYSTEM] = grant(process, system_object_pointer(), RIGHT_LOG, 0);
    if (launch->program.interpreter) {
        info->handle[START_HANDLE_IMAGE] = grant(process, boot_image.run, RIGHT_READ | RIGHT_EXECUTE, 0);
        info->flags |= launch->service->grants & IMAGE_GRANT_IMAGE ? 0 : START_IMAGE_IS_LINKERS;
        info->flags |= launch->service->grants & IMAGE_GRANT_LOG ? 0 : START_LOG_IS_LINKERS;
        info->image_size = boot_image.run->size;
    } else if (launch->service->grants & IMAGE_GRANT_IMAGE) {
        info->handle[START_HANDLE_IMAGE] = grant(process, boot_image.run, RIGHT_READ, 0);
        info->image_size = boot_image.run->size;
    }
}

static void grant_all(const struct launch *launch, struct start_info *info)
{
    struct process *process = launch->process;
    info->handle[START_HANDLE_SELF] = grant(process, process, RIGHT_MANAGE | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0);
    if (launch->service)
        grant_service(launch, info);
    else
        grant_loader(process, info);
}

/* Memory of a process, and the kernel's view of it until area_close. */
static bool area_open(struct shared_area *area, struct process *process, uint64_t size, unsigned prot, struct memory **memory)
{
    *area = (struct shared_area){.size = PAGE_UP(size)};
    *memory = memory_create(area->size);
    int64_t address = *memory ? process_map(process, *memory, 0, area->size, 0, prot) : STATUS_NO_MEMORY;
    area->there = (uint64_t)address;
    area->here = address < 0 ? NULL : kernel_map(*memory, 0, area->size, PROT_READ_WRITE);
    if (*memory && !area->here)
        object_release(*memory);
    return area->here;
}

static void area_close(const struct shared_area *area, struct memory *memory)
{
    kernel_unmap(area->here);
    object_release(memory);
}

/* A program that is only placed: what it finds lacks modules, which it, or its interpreter, sees to. */
static bool place(struct launch *launch, bool with_interpreter)
{
    const char *rule;
    struct program *program = &launch->program;
    if (!boot_image_check(launch->file))
        return false;
    if (!elf_load(launch->process, boot_image.run, launch->file->offset, launch->file->size, program, &rule))
        return refuse(launch, boot_image_name(launch->file), rule);
    if (*program->interpreter_name && with_interpreter) {
        const struct image_file *file = archive_find(&boot_image.archive, program->interpreter_name);
        if (!file)
            return refuse(launch, program->interpreter_name, "the interpreter is not in the boot image");
        struct program interpreter;
        if (!boot_image_check(file))
            return false;
        if (!elf_load(launch->process, boot_image.run, file->offset, file->size, &interpreter, &rule))
            return refuse(launch, boot_image_name(file), rule);
        if (*interpreter.interpreter_name)
            return refuse(launch, boot_image_name(file), "an interpreter has none itself");
        program->interpreter = interpreter.base;
        program->start = interpreter.entry;
    } else if (*program->interpreter_name || with_interpreter) {
        return refuse(launch, boot_image_name(launch->file),
                      with_interpreter ? "no PT_INTERP: link it as a dynamic program" : "PT_INTERP in a program that must be static");
    }
    if (launch->service && launch->service->calls == IMAGE_CALLS_LINUX)
        return true;
    struct shared_area area;
    uint64_t size = with_interpreter ? START_INTERPRETER_BLOCK : PAGE_SIZE;
    unsigned prot = with_interpreter ? PROT_READ_WRITE : PROT_READ_ONLY;
    if (!area_open(&area, launch->process, size, prot, &launch->block))
        return refuse(launch, "start block", "no memory");
    struct start_info *info = (struct start_info *)area.here;
    info->magic = START_MAGIC;
    grant_all(launch, info);
    launch->block_address = area.there;
    kernel_unmap(area.here);
    return true;
}

static bool link_program(struct launch *launch)
{
    struct process_link linking;
    struct target *target = &linking.target;
    bool good = process_link(&linking, launch->process, launch->name, launch->file);
    struct start_info *info = good ? target_describe(target, NULL) : NULL;
    if (good && !info)
        refuse(launch, "start block", "no memory");
    if (info) {
        grant_all(launch, info);
        launch->block = process_link_memory(&target->block->staging);
        object_retain(launch->block);
        launch->block_address = target->block->at.there;
        const struct link *link = &target->link;
        const struct module *program = link->first;
        launch->program = (struct program){
            .entry = link_entry(link),
            .start = link_entry(link),
            .program_headers = program->header_count ? program->bias + program->headers_address : 0,
            .program_header_count = program->header_count,
        };
        info = target_map(target) ? info : NULL;
    }
    if (info)
        target_commit(target);
    launch->low = target->next_address;
    target_end(target);
    return info;
}

static bool run(const struct launch *launch, const char *command_line)
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
    struct shared_area area;
    struct memory *memory;
    uint64_t size = launch->service ? launch->service->stack_size : LOADER_STACK_SIZE;
    if (!area_open(&area, launch->process, size, PROT_READ_WRITE, &memory))
        return refuse(launch, "stack", "no memory");
    uint64_t pointer = start_stack_write(&area, &stack);
    area_close(&area, memory);
    if (!pointer)
        return refuse(launch, "stack",
                      "arguments, environment and auxiliary vector take up more than half of it: give it a larger one");
    return thread_create(launch->process, program->start, pointer, 0) || refuse(launch, "thread", "no memory");
}

static bool prepare(struct launch *launch, uint32_t linker)
{
    /* An executable that nothing needs to be linked to is placed even so: it relocates itself. */
    if (linker == IMAGE_LINKER_KERNEL)
        return link_program(launch);
    return place(launch, linker == IMAGE_LINKER_INTERP);
}

static void forget_launch(struct launch *launch)
{
    if (launch->block)
        object_release(launch->block);
    launch->block = NULL;
}

int64_t service_start(uint32_t index, struct process *caller, struct loaded_process *loaded)
{
    if (index >= boot_image.archive.header->service_count)
        return STATUS_INVALID;
    const struct image_service *service = &boot_image.archive.services[index];
    if (service->linker != IMAGE_LINKER_KERNEL && service->linker != IMAGE_LINKER_INTERP)
        return STATUS_INVALID;
    struct launch launch = {
        .name = archive_string(&boot_image.archive, service->name),
        .service = service,
        .file = archive_file(&boot_image.archive, service->file),
    };
    size_t length = 0;
    while (launch.name[length])
        length++;
    struct process *process = launch.process = process_create(launch.name, length);
    if (!process)
        return STATUS_NO_MEMORY;
    process->calls_linux = service->calls == IMAGE_CALLS_LINUX;
    process->watcher = loader_endpoint;
    process->watcher_badge = process->record.number;
    object_retain(loader_endpoint);
    bool good = prepare(&launch, service->linker);
    if (good) {
        const uint32_t more = RIGHT_DUPLICATE | RIGHT_TRANSFER;
        *loaded = (struct loaded_process){
            .number = process->record.number,
            .service = index,
            .process = grant(caller, process, RIGHT_MANAGE | more, 0),
            .block = launch.block ? grant(caller, launch.block, RIGHT_READ | RIGHT_WRITE | more, 0) : 0,
            .block_address = launch.block_address,
            .block_size = launch.block ? launch.block->size : 0,
            .low = launch.low,
        };
        good = loaded->process && run(&launch, NULL);
        if (!good) {
            handle_close(caller, loaded->process);
            handle_close(caller, loaded->block);
        }
    }
    forget_launch(&launch);
    object_release(process); /* its thread and the caller's handle keep it, or nothing does */
    return good ? (int64_t)loaded->number : STATUS_INVALID;
}

/* The table, with a process of each service that the kernel starts; its address in the loader service. */
static uint64_t start_linked_services(struct process *loader)
{
    const struct image_header *header = boot_image.archive.header;
    struct shared_area area;
    struct memory *memory;
    uint64_t checked = shared_area_rounded(sizeof(struct loaded_table) + header->service_count * sizeof(struct loaded_process));
    if (!area_open(&area, loader, checked + header->file_count, PROT_READ_ONLY, &memory))
        panic("no memory for the loader service's table");
    struct loaded_table *table = (struct loaded_table *)area.here;
    table->size = area.size;
    table->checked = area.there + checked;
    for (uint32_t i = 0; i < header->service_count; i++) {
        const struct image_service *service = &boot_image.archive.services[i];
        bool is_ours = service->linker == IMAGE_LINKER_KERNEL || service->linker == IMAGE_LINKER_INTERP;
        if (!is_ours || service->role == IMAGE_SERVICE_ON_DEMAND)
            continue;
        if (service_start(i, loader, &table->process[table->process_count]) < 0)
            boot_image.failures++;
        else
            table->process_count++;
    }
    table->failures = boot_image.failures;
    memory_copy(area.here + checked, boot_image.checked, header->file_count);
    area_close(&area, memory);
    return area.there;
}

void services_start(const char *command_line)
{
    const struct image_header *header = boot_image.archive.header;
    struct launch launch = {
        .name = LOADER,
        .process = process_create(LOADER, sizeof LOADER - 1),
        .file = archive_file(&boot_image.archive, header->loader_file),
    };
    if (!launch.process)
        panic("no memory for the loader service");
    loader_endpoint = endpoint_create(launch.process);
    names_endpoint = endpoint_create(launch.process);
    if (!loader_endpoint || !names_endpoint)
        panic("no memory for endpoints");
    if (!prepare(&launch, header->loader_linker))
        panic("the loader service cannot be started");
    uint64_t loaded = start_linked_services(launch.process);
    struct start_info *info = kernel_map(launch.block, 0, launch.block->size, PROT_READ_WRITE);
    if (!info)
        panic("no memory for the loader service");
    info->loaded = loaded;
    kernel_unmap(info);
    if (!run(&launch, command_line))
        panic("the loader service cannot be started");
    forget_launch(&launch);
}
