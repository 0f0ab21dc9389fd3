/* Thread-local data of modules, wherever they came from. What came with the program lies in the thread's static
 * block (start.c); a block of a module that was opened later is made when a thread first asks for it. Each thread has a
 * table of its own, and finds out itself that objects came or went: by the generation of the list that it saw last. The
 * list changes while the lock is held (dynamic.c). */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fork_impl.h"
#include "libc.h"
#include "lock.h"
#include "pthread_impl.h"

#include <system/start.h>

#include "tls.h"

#define SLOTS_MORE 16

/* What a thread's table ends with, behind the slots that its first word counts. All zero: the table that the thread began
 * with, in which each slot is of an object that came with the program. */
struct table_end {
    uint64_t generation; /* of start_link, when the table was looked at last */
    uintptr_t *first;    /* the table that the thread began with; NULL: this one */
    uint64_t *stamps;    /* the generation of each slot's object, where the slot has a block of its own, else 0; NULL: none has */
};

_Static_assert(sizeof(struct table_end) == TLS_TABLE_END, "tls.h");

static volatile int lock[1];
volatile int *const __tls_lockptr = lock;

static pthread_key_t key; /* of threads that have blocks of their own */

static struct table_end *end_of(const uintptr_t *table)
{
    return (struct table_end *)(uintptr_t)(table + table[0] + 1);
}

static const struct start_link *list(void)
{
    return (const struct start_link *)(uintptr_t)sys_start_info()->link;
}

static const struct start_module *module_of(uint64_t number)
{
    for (uint64_t at = list()->first; at; at = ((const struct start_module *)(uintptr_t)at)->next)
        if (((const struct start_module *)(uintptr_t)at)->tls_module == number)
            return (const struct start_module *)(uintptr_t)at;
    return 0;
}

/* A table with slots for so many. Its stamps lie behind its end. */
static void grow(pthread_t self, uint64_t count)
{
    const uintptr_t *old = self->dtv;
    const struct table_end *old_end = end_of(old);
    const uint64_t room = count + SLOTS_MORE;
    uintptr_t *table = __libc_calloc(1, 2 * (room + 1) * sizeof *table + sizeof(struct table_end));
    if (!table)
        a_crash();
    table[0] = room;
    memcpy(table + 1, old + 1, old[0] * sizeof *table);
    struct table_end *end = end_of(table);
    *end = (struct table_end){old_end->generation, old_end->first, (uint64_t *)(end + 1)};
    self->dtv = table;
    if (!old_end->stamps) { /* it lies in the thread's static block */
        end->first = (uintptr_t *)(uintptr_t)old;
        return;
    }
    memcpy(end->stamps, old_end->stamps, (old[0] + 1) * sizeof *end->stamps);
    __libc_free((void *)(uintptr_t)old);
}

/* The memory of a block begins with a word that says where; the block itself is aligned behind it. */
static uintptr_t memory_of(uintptr_t block)
{
    return block ? ((uintptr_t *)(block & -sizeof(uintptr_t)))[-1] : 0;
}

static bool is_of(const struct start_module *module, pthread_t self, uintptr_t block, uint64_t stamp)
{
    if (stamp)
        return module->tls_generation == stamp;
    return module->tls_is_static && (uintptr_t)self - module->tls.offset == block;
}

/* Blocks of modules that went, and perhaps left their number to others, are no more; those that lie in the static block are
 * there. Called with the lock. */
static void catch_up(pthread_t self)
{
    if (list()->tls_count > self->dtv[0])
        grow(self, list()->tls_count);
    struct table_end *end = end_of(self->dtv);
    for (uint64_t number = 1; number <= self->dtv[0]; number++) {
        const uintptr_t block = self->dtv[number];
        const uint64_t stamp = end->stamps ? end->stamps[number] : 0;
        const struct start_module *module = module_of(number);
        if (!block || !module || !is_of(module, self, block, stamp)) {
            self->dtv[number] = module && module->tls_is_static ? (uintptr_t)self - module->tls.offset : 0;
            if (stamp) {
                __libc_free((void *)memory_of(block));
                end->stamps[number] = 0;
            }
        }
    }
    end->generation = list()->tls_generation;
}

static uintptr_t make_block(const struct start_module *module)
{
    const struct start_tls *tls = &module->tls;
    uintptr_t memory = (uintptr_t)__libc_calloc(1, tls->size + 2 * sizeof(uintptr_t) + tls->align + sizeof(uintptr_t));
    if (!memory)
        a_crash();
    /* The start has the template's remainder by the alignment. */
    uintptr_t block = memory + 2 * sizeof(uintptr_t);
    block += (tls->image - block) & (tls->align - 1);
    ((uintptr_t *)(block & -sizeof(uintptr_t)))[-1] = memory;
    memcpy((void *)block, (const void *)(uintptr_t)tls->image, tls->image_size);
    return block;
}

/* An object that came after a generation may have a place in the static block after all: below the thread pointer, zero until
 * its data are there. */
static void fill_static(pthread_t thread, uint64_t generation)
{
    for (uint64_t at = list()->first; at; at = ((const struct start_module *)(uintptr_t)at)->next) {
        const struct start_module *module = (const struct start_module *)(uintptr_t)at;
        if (!module->tls_is_static || module->tls_generation <= generation)
            continue;
        void *block = (void *)((uintptr_t)thread - module->tls.offset);
        memset(block, 0, module->tls.size);
        memcpy(block, (const void *)(uintptr_t)module->tls.image, module->tls.image_size);
    }
}

void __tls_take_in(uint64_t generation)
{
    pthread_t self = __pthread_self(), thread = self;
    sigset_t set;
    if (list()->tls_generation == generation)
        return;
    __block_app_sigs(&set);
    __tl_lock();
    do
        fill_static(thread, generation);
    while ((thread = thread->next) != self);
    __tl_unlock();
    __restore_sigs(&set);
}

void __tls_leave(void)
{
    pthread_t self = __pthread_self();
    LOCK(lock);
    const struct table_end *end = end_of(self->dtv);
    if (end->stamps && end->generation != list()->tls_generation)
        catch_up(self);
    UNLOCK(lock);
}

void __tls_begin_thread(void)
{
    if (!list() || !list()->tls_generation)
        return;
    LOCK(lock);
    fill_static(__pthread_self(), 0);
    UNLOCK(lock);
}

/* Destructors of other keys may use thread-local data: so this runs in the last round of them. */
static void end_thread(void *rounds)
{
    pthread_t self = __pthread_self();
    if ((uintptr_t)rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        pthread_setspecific(key, (void *)((uintptr_t)rounds + 1));
        return;
    }
    uintptr_t *table = self->dtv;
    const struct table_end *end = end_of(table);
    self->dtv = end->first;
    for (uint64_t number = 1; number <= table[0]; number++)
        if (end->stamps[number])
            __libc_free((void *)memory_of(table[number]));
    __libc_free(table);
}

static void make_key(void)
{
    if (pthread_key_create(&key, end_thread))
        a_crash();
}

/* A thread has a table of its own for the first time: what it has goes with it. */
static void watch_end(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_key);
    pthread_setspecific(key, (void *)1);
}

/* The block of an object that this thread has not used. Called with the lock. */
static void find_block(pthread_t self, uint64_t number)
{
    if (end_of(self->dtv)->generation != list()->tls_generation)
        catch_up(self);
    if (self->dtv[number])
        return;
    const struct start_module *module = module_of(number);
    if (!module)
        a_crash();
    if (!end_of(self->dtv)->stamps)
        grow(self, list()->tls_count);
    self->dtv[number] = make_block(module);
    end_of(self->dtv)->stamps[number] = module->tls_generation;
}

static uintptr_t block_of(uint64_t number)
{
    pthread_t self = __pthread_self();
    if (!sys_start_info()->module_count)
        return self->dtv[number]; /* a static program's own */
    if (end_of(self->dtv)->generation != list()->tls_generation || !self->dtv[number]) {
        const bool had_none = !end_of(self->dtv)->first;
        LOCK(lock);
        find_block(self, number);
        UNLOCK(lock);
        if (had_none && end_of(self->dtv)->first && self->next != self)
            watch_end();
    }
    return self->dtv[number];
}

void *__tls_get_addr(tls_mod_off_t *index)
{
    return (void *)(block_of(index[0]) + index[1]);
}

/* The second word of a TLS descriptor: module << 40 | offset (<rtld/link.h>). */
hidden uintptr_t __tlsdesc_address(uint64_t word)
{
    return block_of(word >> 40) + (word & ((1ull << 40) - 1));
}
