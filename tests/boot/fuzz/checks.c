#include "checks.h"

#include "base/log.h"
#include "base/record.h"
#include "memory/frames.h"
#include "memory/page_table.h"
#include "object/reply.h"
#include "process/process.h"

#define REQUIRE(condition, ...)                                                                    \
    do                                                                                             \
        if (!(condition))                                                                          \
            panic(#condition " does not hold: " __VA_ARGS__);                                      \
    while (0)

/* Mappings ascend, and allow no more than they may; each page is what its mapping says. */
static void check_space(const struct space *space)
{
    uint64_t end = 0;
    for (const struct mapping *each = space->mappings; each; each = each->next) {
        REQUIRE(each->start >= end && each->start < each->end, "mapping at %x", each->start);
        REQUIRE(!(each->prot & ~each->max_prot), "mapping at %x", each->start);
        REQUIRE(!((each->max_prot & RIGHT_WRITE) && (each->max_prot & RIGHT_EXECUTE)), "mapping at %x", each->start);
        REQUIRE(each->memory->object.type == &memory_type && each->memory->object.references, "mapping at %x", each->start);
        REQUIRE(each->end - each->start <= each->memory->size - each->offset, "mapping at %x", each->start);
        for (uint64_t at = each->start; at < each->end; at += PAGE_SIZE) {
            unsigned prot = 0;
            uint64_t frame = page_lookup(space->page_table, at, &prot);
            if (!frame) { /* withheld, or without access */
                REQUIRE(each->memory->start || each->prot == PROT_NO_ACCESS, "page at %x", at);
                continue;
            }
            REQUIRE(prot == each->prot, "%x at %x, and not %x", (uint64_t)prot, at, (uint64_t)each->prot);
            REQUIRE(frame == memory_frame(each->memory, each->offset + at - each->start), "page at %x", at);
        }
        end = each->end;
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
