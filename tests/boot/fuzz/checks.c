#include "checks.h"

#include "base/log.h"
#include "base/record.h"
#include "memory/frames.h"
#include "memory/page_table.h"
#include "object/reply.h"
#include "process/process.h"
#include "rules.h"

#define REQUIRE(condition, ...)                                                                    \
    do                                                                                             \
        if (!(condition))                                                                          \
            panic(#condition " does not hold: " __VA_ARGS__);                                      \
    while (0)

/* A page is what its mapping says, where no call in steps is on the way to it. */
static void check_page(const struct space *space, const struct mapping *mapping, uint64_t at)
{
    unsigned prot = 0;
    const uint64_t frame = page_lookup(space->page_table, at, &prot);
    if (!frame) { /* withheld, without access, or not there yet */
        REQUIRE(mapping->memory->start || mapping->memory->grows || mapping->prot == PROT_NO_ACCESS || mapping->is_partial,
                "page at %x", at);
        return;
    }
    REQUIRE(prot == mapping->prot || mapping->is_partial, "%x at %x, and not %x", (uint64_t)prot, at, (uint64_t)mapping->prot);
    REQUIRE(!(prot & ~memory_max_prot(mapping->memory)), "%x at %x", (uint64_t)prot, at);
    REQUIRE(frame == memory_frame(mapping->memory, mapping->offset + at - mapping->start), "page at %x", at);
}

/* Mappings are in their order, and allow no more than they may. */
static void check_space(const struct space *space)
{
    const char *rule = mappings_broken_rule(&space->mappings);
    if (rule)
        panic("mappings: %s", rule);
    for (const struct mapping *each = space->mappings.first; each; each = each->next) {
        REQUIRE(!(each->prot & ~each->max_prot), "mapping at %x", each->start);
        REQUIRE(!((each->max_prot & RIGHT_WRITE) && (each->max_prot & RIGHT_EXECUTE)), "mapping at %x", each->start);
        REQUIRE(each->memory->object.type == &memory_type && each->memory->object.references, "mapping at %x", each->start);
        REQUIRE(each->end - each->start <= each->memory->size - each->offset, "mapping at %x", each->start);
        REQUIRE(each->era <= space->era, "mapping at %x", each->start);
        for (uint64_t at = each->start; at < each->end; at += PAGE_SIZE)
            check_page(space, each, at);
    }
}

static void check_handles(const struct handle_table *table, bool is_alive)
{
    for (unsigned page = 0; page < HANDLE_PAGES; page++) {
        if (!table->pages[page])
            continue;
        for (unsigned i = 0; i < HANDLES_PER_PAGE; i++) {
            const struct handle_slot *slot = &table->pages[page][i];
            const uint64_t handle = page * HANDLES_PER_PAGE + i + 1;
            if (!slot->object)
                continue;
            REQUIRE(!table->closed || !is_alive, "handle %u", handle);
            REQUIRE(slot->object->references && handle <= table->end, "handle %u", handle);
            REQUIRE(!slot->badge || !(slot->rights & RIGHT_MINT), "handle %u", handle);
            REQUIRE(!(slot->rights & ~(uint32_t)RIGHTS_ALL), "handle %u", handle);
        }
    }
}

static uint64_t check_threads(const struct process *process)
{
    uint64_t alive = 0;
    for (uint64_t record = process->record.threads; record;) {
        const struct thread *thread = (const struct thread *)(record - offsetof(struct thread, record));
        REQUIRE(thread->object.references, "thread %u", thread->record.number);
        REQUIRE(thread->process == process && thread->handles == &process->handles, "thread %u", thread->record.number);
        REQUIRE(thread->record.state != THREAD_DEAD || !thread->queue, "thread %u", thread->record.number);
        REQUIRE(!thread->caller_link || *thread->caller_link == thread, "thread %u", thread->record.number);
        alive += thread->record.state != THREAD_DEAD;
        record = thread->record.next;
    }
    return alive;
}

uint64_t count_handles(void)
{
    uint64_t count = 0;
    for (uint64_t record = kernel_record.processes; record;) {
        const struct process *process = (const struct process *)(record - offsetof(struct process, record));
        for (unsigned page = 0; page < HANDLE_PAGES; page++)
            for (unsigned i = 0; process->handles.pages[page] && i < HANDLES_PER_PAGE; i++)
                count += process->handles.pages[page][i].object != NULL;
        record = process->record.next;
    }
    return count;
}

void check_everything(void)
{
    for (uint64_t record = kernel_record.processes; record;) {
        const struct process *process = (const struct process *)(record - offsetof(struct process, record));
        check_space(&process->space);
        check_handles(&process->handles, process->record.state == PROCESS_ALIVE);
        REQUIRE(check_threads(process) == process->live_threads, "process %u", process->record.number);
        record = process->record.next;
    }
    REQUIRE(!current_thread || current_thread->record.state == THREAD_READY, "the running thread");
}
