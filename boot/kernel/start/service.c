/* What the kernel started, it describes to the loader service in one read-only table. */
#include "start/service.h"

#include <ambilink/start.h>
#include <hostlink/shared_area.h>

#include "base/coroutine.h"
#include "base/log.h"
#include "base/work.h"
#include "memory/area.h"
#include "start/shares.h"

#define LOADER "loader"

static bool is_kernels(const struct image_service *service)
{
    return service->linker == IMAGE_LINKER_KERNEL || service->linker == IMAGE_LINKER_INTERP;
}

/* The last step, in which nothing waits: the thread runs, and nothing is taken back. False: logged, and the caller has no
 * handles. */
static bool run(struct start *start)
{
    const uint32_t more = RIGHT_DUPLICATE | RIGHT_TRANSFER;
    const struct launch *launch = &start->launch;
    struct handle_table *handles = &start->caller->handles;
    if (handle_reserve(handles, 2) != STATUS_OK) {
        log_format("kernel: %s: the loader service's handles: no memory\n", launch->name);
        return false;
    }
    if (!launch_run(launch))
        return false;
    process_watch(launch->process, loader_endpoint, launch->process->record.number);
    start->loaded = (struct loaded_process){
        .number = launch->process->record.number,
        .service = (uint32_t)start->index,
        .process = (handle_t)handle_insert(handles, launch->process, RIGHT_MANAGE | RIGHT_WATCH | more, 0),
        .low = launch->low,
    };
    if (!launch->block)
        return true;
    start->loaded.block = (handle_t)handle_insert(handles, launch->block, RIGHT_READ | RIGHT_WRITE | more, 0);
    start->loaded.block_address = launch->block_address;
    start->loaded.block_size = launch->block->size;
    return true;
}

static struct process *make_process(const struct launch *launch, struct budget *budget)
{
    const struct image_service *service = launch->service;
    size_t length = 0;
    while (launch->name[length])
        length++;
    bool is_limited = !budget || service->memory || service->kernel_memory;
    struct process *process = is_limited ? process_create_limited(&root_budget, service_limit(service), launch->name, length)
                                         : process_create(budget, launch->name, length);
    if (!process)
        return NULL;
    process_allow_priority(process, service->priority <= PRIORITY_MAX ? service->priority : 0);
    return process;
}

/* Its launch has a process: the rest. */
static void go_on(struct start *start)
{
    struct launch *launch = &start->launch;
    bool good = launch_prepare(launch, launch->service->linker, NULL) && !gives_up() && run(start);
    start->result = good ? (int64_t)launch->process->record.number : STATUS_INVALID;
    if (!good) /* it has a handle to itself: that goes */
        process_end(launch->process, PROCESS_EXITED, STATUS_INVALID);
    launch_end(launch);
    start->caller->starting = NULL;
    object_release(launch->process); /* its thread and the caller's handle keep it, or nothing does */
    launch->process = NULL;
}

/* What needs no time. STATUS_OK: go_on follows. */
static int64_t begin(struct start *start, uint64_t index, struct process *caller, struct budget *budget)
{
    if (index >= boot_image.archive.header->service_count || !is_kernels(&boot_image.archive.services[index]))
        return STATUS_INVALID;
    const struct image_service *service = &boot_image.archive.services[index];
    start->caller = caller;
    start->index = index;
    start->launch = (struct launch){
        .name = archive_string(&boot_image.archive, service->name),
        .service = service,
        .file = archive_file(&boot_image.archive, service->file),
    };
    start->launch.process = caller->starting = make_process(&start->launch, budget);
    return start->launch.process ? STATUS_OK : STATUS_NO_MEMORY;
}

/* That of a thread, by the coroutine. There is one linker, and so one start at a time. */
static struct start started;
static enum { NONE, GOES_ON, IS_DONE } state;

/* The thread that asked; NULL: it ended. */
static struct thread *starter(void)
{
    return thread_by_number(&started.caller->share, started.thread_number);
}

static bool start_destroy(void *object)
{
    (void)object;
    if (state == GOES_ON) {
        coroutine_is_in_vain = true;
        if (!coroutine_go_on())
            return false;
    }
    struct thread *thread = starter();
    if (thread)
        thread_restore_priority(thread);
    object_release(started.caller);
    state = NONE;
    return true;
}

const struct object_type start_type = {.destroy = start_destroy};

static void go_on_started(void)
{
    go_on(&started);
}

int64_t service_start_begin(uint64_t index, struct process *caller, struct budget *budget, void **object)
{
    if (state != NONE) {
        struct thread *thread = starter();
        if (thread)
            thread_inherit_priority(thread, current_thread->priority);
        return CALL_AGAIN;
    }
    int64_t status = begin(&started, index, caller, budget);
    if (status != STATUS_OK)
        return status;
    object_retain(caller);
    started.thread_number = current_thread->record.number;
    started.object = (struct object){.type = &start_type, .references = 1};
    *object = &started.object;
    state = coroutine_begin(go_on_started) ? IS_DONE : GOES_ON;
    return STATUS_OK;
}

int64_t service_start_go_on(struct loaded_process *loaded)
{
    if (state == GOES_ON && work_left && coroutine_go_on())
        state = IS_DONE;
    if (state == GOES_ON)
        return CALL_AGAIN;
    if (started.result >= 0)
        *loaded = started.loaded;
    return started.result;
}

const struct start *service_starting(void)
{
    return state == NONE ? NULL : &started;
}

/* At once: there is no other thread. */
static bool start_now(uint64_t index, struct process *caller, struct loaded_process *loaded)
{
    struct start start;
    if (begin(&start, index, caller, NULL) != STATUS_OK) {
        log_format("kernel: %s: process: no memory\n", start.launch.name);
        return false;
    }
    go_on(&start);
    if (start.result >= 0)
        *loaded = start.loaded;
    return start.result >= 0;
}

/* The table, with a process of each service that the kernel starts; its address in the loader service. */
static uint64_t start_linked_services(struct process *loader)
{
    const struct image_header *header = boot_image.archive.header;
    struct shared_memory shared;
    uint64_t size = sizeof(struct loaded_table) + header->service_count * sizeof(struct loaded_process);
    if (!shared_memory_open(&shared, loader, size, PROT_READ_ONLY))
        panic("no memory for the loader service's table");
    struct loaded_table *table = (struct loaded_table *)shared.area.here;
    table->size = shared.area.size;
    for (uint32_t i = 0; i < header->service_count; i++) {
        const struct image_service *service = &boot_image.archive.services[i];
        if (!is_kernels(service) || service->role == IMAGE_SERVICE_ON_DEMAND)
            continue;
        if (start_now(i, loader, &table->process[table->process_count]))
            table->process_count++;
        else
            boot_image.failures++;
    }
    table->failures = boot_image.failures;
    table->share_memory = service_share.pages * PAGE_SIZE;
    table->share_kernel_memory = service_share.bytes;
    shared_memory_close(&shared);
    return shared.area.there;
}

void services_start(const char *command_line)
{
    const struct image_header *header = boot_image.archive.header;
    shares_init();
    struct launch launch = {
        .name = LOADER,
        .process = process_create(&root_budget, LOADER, sizeof LOADER - 1),
        .file = archive_file(&boot_image.archive, header->loader_file),
    };
    if (!launch.process)
        panic("no memory for the loader service");
    process_allow_priority(launch.process, PRIORITY_MAX);
    loader_endpoint = endpoint_create(NULL, &launch.process->record);
    names_endpoint = endpoint_create(NULL, &launch.process->record);
    if (!loader_endpoint || !names_endpoint)
        panic("no memory for endpoints");
    if (!launch_prepare(&launch, header->loader_linker, command_line))
        panic("the loader service cannot be started");
    uint64_t loaded = start_linked_services(launch.process);
    struct start_info *info = kernel_map(launch.block, 0, launch.block->size, PROT_READ_WRITE);
    if (!info)
        panic("no memory for the loader service");
    info->loaded = loaded;
    kernel_unmap(info);
    if (!launch_run(&launch))
        panic("the loader service cannot be started");
    launch_end(&launch);
    object_release(launch.process); /* its thread keeps it */
}
