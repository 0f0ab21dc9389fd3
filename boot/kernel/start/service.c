/* What the kernel started, it describes to the loader service in one read-only table. */
#include "start/service.h"

#include <ambilink/start.h>
#include <hostlink/shared_area.h>

#include "base/log.h"
#include "memory/area.h"
#include "start/launch.h"
#include "start/shares.h"

#define LOADER "loader"

static bool is_kernels(const struct image_service *service)
{
    return service->linker == IMAGE_LINKER_KERNEL || service->linker == IMAGE_LINKER_INTERP;
}

/* Handles of the caller to a process in the making. False: no memory for one, and it has neither. */
static bool grant_caller(struct process *caller, const struct launch *launch, struct loaded_process *loaded)
{
    const uint32_t more = RIGHT_DUPLICATE | RIGHT_TRANSFER;
    int64_t process = handle_insert(&caller->handles, launch->process, RIGHT_MANAGE | RIGHT_WATCH | more, 0), block = 0;
    if (process > 0 && launch->block)
        block = handle_insert(&caller->handles, launch->block, RIGHT_READ | RIGHT_WRITE | more, 0);
    if (process > 0 && block < 0)
        handle_close(&caller->handles, (handle_t)process);
    if (process < 0 || block < 0) {
        log_format("kernel: %s: the loader service's handles: no memory\n", launch->name);
        return false;
    }
    loaded->process = (handle_t)process;
    loaded->block = (handle_t)block;
    return true;
}

/* The last step is the thread's start, after which nothing is taken back. */
static bool start(struct launch *launch, struct process *caller, struct loaded_process *loaded)
{
    if (!launch_prepare(launch, launch->service->linker) || !grant_caller(caller, launch, loaded))
        return false;
    if (launch_run(launch, NULL))
        return true;
    handle_close(&caller->handles, loaded->process);
    handle_close(&caller->handles, loaded->block);
    return false;
}

int64_t service_start(uint64_t index, struct process *caller, struct budget *budget, struct loaded_process *loaded)
{
    if (index >= boot_image.archive.header->service_count || !is_kernels(&boot_image.archive.services[index]))
        return STATUS_INVALID;
    const struct image_service *service = &boot_image.archive.services[index];
    struct launch launch = {
        .name = archive_string(&boot_image.archive, service->name),
        .service = service,
        .file = archive_file(&boot_image.archive, service->file),
    };
    size_t length = 0;
    while (launch.name[length])
        length++;
    bool is_limited = !budget || service->memory || service->kernel_memory;
    struct process *process = launch.process =
        is_limited ? process_create_limited(&root_budget, service_limit(service), launch.name, length)
                   : process_create(budget, launch.name, length);
    if (!process) {
        log_format("kernel: %s: process: no memory\n", launch.name);
        return STATUS_NO_MEMORY;
    }
    process->calls_linux = service->calls == IMAGE_CALLS_LINUX;
    process->service = service;
    process_watch(process, loader_endpoint, process->record.number);
    uint64_t number = process->record.number;
    struct loaded_process started = {.number = number, .service = (uint32_t)index};
    bool good = start(&launch, caller, &started);
    if (good) {
        started.block_address = launch.block_address;
        started.block_size = launch.block ? launch.block->size : 0;
        started.low = launch.low;
        *loaded = started;
    }
    launch_end(&launch);
    object_release(process); /* its thread and the caller's handle keep it, or nothing does */
    return good ? (int64_t)number : STATUS_INVALID;
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
        if (service_start(i, loader, NULL, &table->process[table->process_count]) < 0)
            boot_image.failures++;
        else
            table->process_count++;
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
    loader_endpoint = endpoint_create(NULL, &launch.process->record);
    names_endpoint = endpoint_create(NULL, &launch.process->record);
    if (!loader_endpoint || !names_endpoint)
        panic("no memory for endpoints");
    if (!launch_prepare(&launch, header->loader_linker))
        panic("the loader service cannot be started");
    uint64_t loaded = start_linked_services(launch.process);
    struct start_info *info = kernel_map(launch.block, 0, launch.block->size, PROT_READ_WRITE);
    if (!info)
        panic("no memory for the loader service");
    info->loaded = loaded;
    kernel_unmap(info);
    if (!launch_run(&launch, command_line))
        panic("the loader service cannot be started");
    launch_end(&launch);
    object_release(launch.process); /* its thread keeps it */
}
