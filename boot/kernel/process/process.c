/* Processes: an address space, handles, threads. A process that ended keeps its address space until the
 * last handle to it is closed, so that it can be looked at. */
#include "kernel.h"

#define FIRST_PROCESS 1 /* nobody could start or answer anything without it */

static uint64_t process_numbers;

struct process *process_create(const char *name, size_t length)
{
    struct process *process = pool_alloc(sizeof *process);
    uint64_t table = page_table_create();
    if (!process || !table) {
        if (process)
            pool_free(process, sizeof *process);
        if (table)
            page_table_destroy(table);
        return NULL;
    }
    process->object = (struct object){OBJECT_PROCESS, 1};
    process->record.number = ++process_numbers;
    process->record.page_table = table;
    memory_copy(process->record.name, name, length < PROCESS_NAME_MAX ? length : PROCESS_NAME_MAX - 1);
    /* Anonymous memory lies in the upper part of user space, from a random page on. */
    process->free_address = 0x600000000000 + (random_next() & 0xffffffffff) * 16 / PAGE_SIZE * PAGE_SIZE;
    process->unused_address = process->free_address;
    process->record.next = kernel_record.processes;
    kernel_record.processes = (uint64_t)&process->record;
    return process;
}

static struct process *of_record(uint64_t record)
{
    return record ? (struct process *)(record - offsetof(struct process, record)) : NULL;
}

static void unlink_record(struct process *process)
{
    uint64_t *link = &kernel_record.processes;
    while (*link != (uint64_t)&process->record)
        link = &of_record(*link)->record.next;
    *link = process->record.next;
}

static void mapping_free(struct mapping *mapping)
{
    object_release(mapping->memory);
    pool_free(mapping, sizeof *mapping);
}

void process_destroy(struct process *process)
{
    unlink_record(process);
    handle_close_all(process);
    linux_end(process);
    while (process->record.threads) {
        struct thread *thread = (struct thread *)(process->record.threads - offsetof(struct thread, record));
        process->record.threads = thread->record.next;
        thread->process = NULL;
        object_release(thread);
    }
    page_table_destroy(process->record.page_table);
    while (process->mappings) {
        struct mapping *mapping = process->mappings;
        process->mappings = mapping->next;
        mapping_free(mapping);
    }
    if (process->watcher)
        object_release(process->watcher);
    pool_free(process, sizeof *process);
}

void process_end(struct process *process, unsigned state, int64_t status)
{
    if (process->record.state != PROCESS_ALIVE)
        return;
    if (process->record.number == FIRST_PROCESS) {
        log_format("kernel: the first process ended with status %d\n", status);
        machine_exit(VERDICT_FAIL);
    }
    object_retain(process);
    process->record.state = state;
    process->record.exit_status = status;
    for (uint64_t record = process->record.threads; record;) {
        struct thread *thread = (struct thread *)(record - offsetof(struct thread, record));
        record = thread->record.next;
        thread_end(thread);
    }
    handle_close_all(process);
    if (process->watcher)
        endpoint_process_exited(process->watcher, process);
    object_release(process);
}

static bool range_valid(uint64_t address, uint64_t size)
{
    return size && !(size % PAGE_SIZE) && !(address % PAGE_SIZE) && address >= PROCESS_LOWEST_ADDRESS &&
           address < PROCESS_HIGHEST_ADDRESS && size <= PROCESS_HIGHEST_ADDRESS - address;
}

/* The link that holds, or would hold, the first mapping that ends after `address`. Searches begin where the last one
 * ended, as most follow each other closely; process->near then ends at `address` or before, too. */
static struct mapping **mapping_after(struct process *process, uint64_t address)
{
    if (process->near && process->near->end > address)
        process->near = NULL;
    struct mapping **link = process->near ? &process->near->next : &process->mappings;
    for (; *link && (*link)->end <= address; link = &process->near->next)
        process->near = *link;
    return link;
}

uint64_t process_find_unused(struct process *process, uint64_t size)
{
    uint64_t address = process->unused_address;
    for (struct mapping *mapping = *mapping_after(process, address); mapping; mapping = mapping->next) {
        if (mapping->start >= address && mapping->start - address >= size)
            break;
        address = mapping->end;
    }
    return range_valid(address, size) ? address : 0;
}

int64_t process_map(struct process *process, struct memory *memory, uint64_t offset, uint64_t size,
                    uint64_t address, unsigned prot)
{
    if (!address)
        address = process_find_unused(process, size);
    if (!range_valid(address, size) || offset % PAGE_SIZE || offset > memory->size || size > memory->size - offset)
        return STATUS_INVALID;
    struct mapping **link = mapping_after(process, address);
    if (*link && (*link)->start < address + size)
        return STATUS_OVERLAP;
    struct mapping *mapping = pool_alloc(sizeof *mapping);
    if (!mapping)
        return STATUS_NO_MEMORY;
    if (!page_map(process->record.page_table, address, memory, offset, size, prot)) {
        pool_free(mapping, sizeof *mapping);
        return STATUS_NO_MEMORY;
    }
    *mapping = (struct mapping){*link, address, address + size, memory, offset, prot};
    object_retain(memory);
    *link = mapping;
    if (address == process->unused_address)
        process->unused_address = mapping->end;
    return (int64_t)address;
}

/* Make `address` a border between mappings where it lies inside this one. */
static bool split_at(struct mapping *mapping, uint64_t address)
{
    if (!mapping || mapping->start >= address || mapping->end <= address)
        return true;
    struct mapping *rest = pool_alloc(sizeof *rest);
    if (!rest)
        return false;
    *rest = *mapping;
    rest->start = address;
    rest->offset += address - mapping->start;
    object_retain(rest->memory);
    mapping->end = address;
    mapping->next = rest;
    return true;
}

/* The same for both ends of a range. */
static bool split_around(struct process *process, uint64_t address, uint64_t end)
{
    struct mapping *mapping = *mapping_after(process, address);
    if (!split_at(mapping, address))
        return false;
    while (mapping && mapping->end < end)
        mapping = mapping->next;
    return split_at(mapping, end);
}

/* True when [address, address + size) is mapped without a hole. */
static bool covered(struct process *process, uint64_t address, uint64_t size)
{
    uint64_t end = address + size;
    for (struct mapping *mapping = *mapping_after(process, address); mapping && mapping->start <= address;
         mapping = mapping->next) {
        address = mapping->end;
        if (address >= end)
            return true;
    }
    return false;
}

int64_t process_unmap(struct process *process, uint64_t address, uint64_t size)
{
    if (!range_valid(address, size))
        return STATUS_INVALID;
    if (!split_around(process, address, address + size))
        return STATUS_NO_MEMORY;
    if (address >= process->free_address && address < process->unused_address)
        process->unused_address = address;
    struct mapping **link = mapping_after(process, address);
    while (*link && (*link)->start < address + size) {
        struct mapping *mapping = *link;
        *link = mapping->next;
        page_unmap(process->record.page_table, mapping->start, mapping->end - mapping->start);
        mapping_free(mapping);
    }
    return STATUS_OK;
}

int64_t process_protect(struct process *process, uint64_t address, uint64_t size, unsigned prot)
{
    if (!range_valid(address, size))
        return STATUS_INVALID;
    if (!covered(process, address, size))
        return STATUS_OVERLAP;
    if (!split_around(process, address, address + size))
        return STATUS_NO_MEMORY;
    struct mapping *first = *mapping_after(process, address);
    /* A frame is either writable or executable, for as long as it exists: memory objects that programs
     * make never become executable, and runs of the boot image never become writable. */
    for (struct mapping *mapping = first; mapping && mapping->start < address + size; mapping = mapping->next)
        if ((prot & RIGHT_WRITE && mapping->memory->start) || (prot & RIGHT_EXECUTE && !mapping->memory->start))
            return STATUS_NO_RIGHT;
    for (struct mapping *mapping = first; mapping && mapping->start < address + size; mapping = mapping->next) {
        mapping->prot = prot;
        page_map(process->record.page_table, mapping->start, mapping->memory, mapping->offset,
                 mapping->end - mapping->start, prot);
    }
    return STATUS_OK;
}

/* A kernel pointer to user memory at `address`, good to the end of its page; NULL when not accessible. */
static uint8_t *user_pointer(struct process *process, uint64_t address, bool write)
{
    unsigned prot;
    uint64_t frame = page_lookup(process->record.page_table, address, &prot);
    if (!frame || (write && !(prot & RIGHT_WRITE)))
        return NULL;
    return (uint8_t *)physical_pointer(frame) + address % PAGE_SIZE;
}

static uint64_t left_in_page(uint64_t address, uint64_t size)
{
    uint64_t left = PAGE_SIZE - address % PAGE_SIZE;
    return size < left ? size : left;
}

bool user_read(struct process *process, void *to, uint64_t from, uint64_t size)
{
    uint8_t *target = to;
    while (size) {
        const uint8_t *source = user_pointer(process, from, false);
        if (!source)
            return false;
        uint64_t part = left_in_page(from, size);
        memory_copy(target, source, part);
        target += part;
        from += part;
        size -= part;
    }
    return true;
}

bool user_write(struct process *process, uint64_t to, const void *from, uint64_t size)
{
    const uint8_t *source = from;
    while (size) {
        uint8_t *target = user_pointer(process, to, true);
        if (!target)
            return false;
        uint64_t part = left_in_page(to, size);
        memory_copy(target, source, part);
        to += part;
        source += part;
        size -= part;
    }
    return true;
}

bool user_copy(struct process *to_process, uint64_t to, struct process *from_process, uint64_t from, uint64_t size)
{
    while (size) {
        const uint8_t *source = user_pointer(from_process, from, false);
        if (!source)
            return false;
        uint64_t part = left_in_page(from, size);
        if (!user_write(to_process, to, source, part))
            return false;
        to += part;
        from += part;
        size -= part;
    }
    return true;
}
