/* The kernel's books, balanced when the machine ends: each object has as many references as lead to it, and the frames
 * and pieces of the pool in use are those that live objects account for, and each budget has paid for what is charged
 * to it. What does not agree is a leak, a use after release, or a double one. The last line is "books: balanced: ..."
 * or "books: wrong". A kernel that has checked.c, too, balances them while it runs. */
#include "base/bytes.h"
#include "base/log.h"
#include "base/record.h"
#include "image/image.h"
#include "link/modules.h"
#include "memory/area.h"
#include "memory/frames.h"
#include "memory/page_table.h"
#include "memory/pool.h"
#include "object/reply.h"
#include "process/collect.h"
#include "process/leave.h"
#include "process/process.h"
#include "rules.h"
#include "start/service.h"

#define OBJECTS_MAX 4096

static struct found {
    const struct object *object;
    uint64_t references;
} objects[OBJECTS_MAX];
static unsigned object_count;
static uint64_t pieces, frames, areas;
static bool wrong;

/* Budgets by what uses them, and what is charged to each. */
static struct account {
    const struct budget *budget;
    struct cost charged;
    uint64_t processes;
} accounts[OBJECTS_MAX];
static unsigned account_count;

/* Slabs by what lies in them. */
static struct contents {
    struct pool_slab slab;
    uint64_t pieces;
} slabs[OBJECTS_MAX];
static unsigned slab_count;

static const struct kind {
    const struct object_type *type;
    const char *name;
} kinds[] = {
    {&memory_type, "memory"},     {&process_type, "process"}, {&thread_type, "thread"},
    {&endpoint_type, "endpoint"}, {&reply_type, "reply"},     {&system_type, "system"},
    {&start_type, "start"},
};

static const struct kind *kind_of(const struct object *object)
{
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].type == object->type)
            return &kinds[i];
    return NULL;
}

static void compare(const char *what, uint64_t found, uint64_t accounted)
{
    if (found == accounted)
        return;
    log_format("books: %s: %u in use, %u accounted for\n", what, found, accounted);
    wrong = true;
}

/* A reference that leads to an object, or none yet. */
static struct found *note(const void *pointer, unsigned references)
{
    const struct object *object = pointer;
    for (unsigned i = 0; i < object_count; i++)
        if (objects[i].object == object) {
            objects[i].references += references;
            return &objects[i];
        }
    if (object_count == OBJECTS_MAX)
        panic("books: more than %u objects", (uint64_t)OBJECTS_MAX);
    objects[object_count] = (struct found){object, references};
    return &objects[object_count++];
}

static void piece(const void *pointer);

static struct account *account_of(const struct budget *budget)
{
    for (unsigned i = 0; i < account_count; i++)
        if (accounts[i].budget == budget)
            return &accounts[i];
    if (account_count == OBJECTS_MAX)
        panic("books: more than %u budgets", (uint64_t)OBJECTS_MAX);
    accounts[account_count] = (struct account){.budget = budget};
    struct account *account = &accounts[account_count++];
    /* What it may take was taken from its parent, whose slab has its record. */
    if (budget->parent) {
        piece(budget);
        struct account *parent = account_of(budget->parent);
        parent->charged.pages += budget->limit.pages;
        parent->charged.bytes += budget->limit.bytes;
    }
    return account;
}

static void charge(const struct budget *budget, uint64_t pages, uint64_t bytes)
{
    if (!budget)
        return;
    struct account *account = account_of(budget);
    account->charged.pages += pages;
    account->charged.bytes += bytes;
}

/* A slab is charged as a whole, to the budget that it belongs to. */
static struct contents *contents_of(const struct pool_slab *slab)
{
    for (unsigned i = 0; i < slab_count; i++)
        if (slabs[i].slab.frame == slab->frame)
            return &slabs[i];
    if (slab_count == OBJECTS_MAX)
        panic("books: more than %u slabs", (uint64_t)OBJECTS_MAX);
    struct contents *contents = &slabs[slab_count++];
    *contents = (struct contents){.slab = *slab};
    frames++;
    charge(slab->budget, 0, PAGE_SIZE);
    return contents;
}

static void piece(const void *pointer)
{
    const struct pool_slab slab = pool_slab_of(pointer);
    contents_of(&slab)->pieces++;
    pieces++;
}

/* A piece that the budget pays for. */
static void paid_piece(const void *pointer, const struct budget *budget)
{
    piece(pointer);
    if (pool_slab_of(pointer).budget == budget)
        return;
    log_format("books: %x is in a slab of another budget\n", (uint64_t)pointer);
    wrong = true;
}

static void visit_threads(const struct process *process)
{
    for (uint64_t record = process->record.threads; record;) {
        const struct thread *thread = (const struct thread *)(record - offsetof(struct thread, record));
        note(thread, 1);
        if (thread->record.state != THREAD_DEAD)
            note(process, 1);
        if (thread->progress && thread->progress->object)
            note(thread->progress->object, 1);
        if (thread->waiter.next && thread->waiter.memory)
            note(thread->waiter.memory, 1);
        record = thread->record.next;
    }
}

static void visit_handles(const struct handle_table *table)
{
    for (unsigned page = 0; page < HANDLE_PAGES; page++) {
        if (!table->pages[page])
            continue;
        frames++;
        charge(table->budget, 1, 0);
        for (unsigned i = 0; i < HANDLES_PER_PAGE; i++)
            if (table->pages[page][i].object)
                note(table->pages[page][i].object, 1);
    }
}

static void visit_process(const struct process *process)
{
    note(process, 0);
    visit_threads(process);
    visit_handles(&process->handles);
    const char *rule = mappings_broken_rule(&process->space.mappings);
    if (rule) {
        log_format("books: mappings of %s: %s\n", process->record.name, rule);
        wrong = true;
    }
    for (const struct mapping *mapping = process->space.mappings.first; mapping; mapping = mapping->next) {
        note(mapping->memory, 1);
        paid_piece(mapping, process->budget);
    }
    uint64_t tables = process->space.page_table ? page_table_frames(process->space.page_table, false) : 0;
    frames += tables;
    charge(process->budget, tables, 0);
    account_of(process->budget)->processes += !process->has_left;
    if (process->watcher)
        note(process->watcher, 1);
}

/* What its coroutine has in hand where it stopped. */
static void visit_start(const struct start *start)
{
    if (!start)
        return;
    note(start->caller, 1);
    if (start->launch.process)
        note(start->launch.process, 1);
    if (start->launch.block)
        note(start->launch.block, 1);
}

static void visit_all(void)
{
    for (uint64_t record = kernel_record.processes; record;) {
        const struct process *process = (const struct process *)(record - offsetof(struct process, record));
        visit_process(process);
        record = process->record.next;
    }
    for (const struct area *area = area_first(); area; area = area->next) {
        areas++;
        piece(area);
        if (area->memory)
            note(area->memory, 1);
    }
    for (const struct module_memory *each = modules_memories(); each; each = each->next) {
        piece(each);
        note(each->memory, 1);
    }
    frames += page_table_frames(kernel_page_table, true);
    note(boot_image.run, 1);
    note(loader_endpoint, 1);
    note(names_endpoint, 1);
    note(&system_object, 1);
    if (memory_growing)
        note(memory_growing, 1);
    visit_start(service_starting());
    for (unsigned i = 0; i < object_count; i++) {
        if (objects[i].object->type != &endpoint_type)
            continue;
        const struct endpoint *endpoint = (const struct endpoint *)objects[i].object;
        const struct notice *last = endpoint->last_notice, *notice = last;
        if (last)
            do
                note((notice = notice->next)->owner, 1);
            while (notice != last);
        if (endpoint->joined) {
            note(endpoint->joined->set, 1);
            piece(endpoint->joined);
        }
    }
}

static void check_object(const struct found *found)
{
    const struct kind *kind = kind_of(found->object);
    if (!kind) {
        log_format("books: %x is no object, and %u references lead to it\n", (uint64_t)found->object, found->references);
        wrong = true;
        return;
    }
    /* A system call keeps its thread; a trap, which may end the machine too, does not. */
    bool in_call = (const void *)found->object == current_thread && found->object->references == found->references + 1;
    compare(kind->type == &process_type ? ((const struct process *)found->object)->record.name : kind->name,
            found->object->references - in_call, found->references);
    if (kind->type == &process_type)
        paid_piece(found->object, ((const struct process *)found->object)->budget);
    else if (kind->type != &system_type && kind->type != &start_type)
        piece(found->object);
    if (kind->type != &memory_type)
        return;
    const struct memory *memory = (const struct memory *)found->object;
    if (memory->frames)
        paid_piece(memory->frames, memory->budget);
    frames += memory_frames(memory);
    charge(memory->budget, memory_charge(memory), 0);
}

static void balance(void)
{
    object_count = account_count = slab_count = 0;
    pieces = frames = areas = 0;
    visit_all();
    for (unsigned i = 0; i < object_count; i++)
        check_object(&objects[i]);
    account_of(&root_budget)->processes++; /* the kernel keeps it */
    for (unsigned i = 0; i < account_count; i++) {
        const struct account *account = &accounts[i];
        compare("pages of a budget", account->budget->used.pages, account->charged.pages);
        compare("bytes of a budget", account->budget->used.bytes, account->charged.bytes);
        compare("processes of a budget", account->budget->processes, account->processes);
    }
    for (unsigned i = 0; i < slab_count; i++)
        compare("pieces of a slab", slabs[i].slab.used, slabs[i].pieces);
    compare("pieces of the pool", pool_used(), pieces);
    compare("slabs of the pool", pool_frames(), slab_count);
    compare("frames", kernel_record.frames_used, frames);
    uint64_t unused = kernel_record.frames_total - kernel_record.frames_used;
    compare("free frames", unused, frames_available(unused) && !frames_available(unused + 1) ? unused : 0);
}

__attribute__((weak)) extern const uint64_t switches_between_checks; /* of checked.c */

void thread_switches(void)
{
    if (!&switches_between_checks || kernel_record.context_switches % switches_between_checks || work_waiting)
        return;
    if (objects_are_reached || collect_is_ending()) /* a collection keeps what it comes to */
        return;
    balance();
    if (wrong)
        panic("books: wrong at switch %u", kernel_record.context_switches);
}

void machine_ends(void)
{
    while (!leftover_work() || collection_waits()) {
        work_begin();
        collect();
    }
    balance();
    if (wrong)
        log_format("books: wrong\n");
    else
        log_format("books: balanced: %u objects, %u frames, %u areas\n", (uint64_t)object_count, frames, areas);
}
