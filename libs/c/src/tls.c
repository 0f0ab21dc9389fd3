/* Thread-local data of modules, wherever they came from. What came with the program lies in the thread's static
 * block (start.c); a block of a module that was opened later is made when it is first asked for. A process has one
 * thread, so the generations are kept here and not for each thread. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libc.h"
#include "pthread_impl.h"

#include <system/start.h>

#include "tls.h"

#define SLOTS_MORE 16

/* The table of the one thread, once a module came that its first table has no room for. */
static uintptr_t *table;
static uint64_t seen_generation;  /* of start_link, when the table was looked at last */
static uint64_t *generations;     /* of each slot's module; 0: the slot's block came with the program */

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

static void grow(uint64_t count)
{
    pthread_t self = __pthread_self();
    uint64_t old = self->dtv[0], room = count + SLOTS_MORE;
    uintptr_t *larger = calloc(room + 1, sizeof *larger);
    uint64_t *stamps = calloc(room + 1, sizeof *stamps);
    if (!larger || !stamps)
        a_crash();
    memcpy(larger + 1, self->dtv + 1, old * sizeof *larger);
    if (generations)
        memcpy(stamps, generations, (old + 1) * sizeof *stamps);
    free(table);
    free(generations);
    larger[0] = room;
    generations = stamps;
    self->dtv = table = larger;
}

/* The memory of a block begins with a word that says where; the block itself is aligned behind it. */
static uintptr_t memory_of(uintptr_t block)
{
    return block ? ((uintptr_t *)(block & -sizeof(uintptr_t)))[-1] : 0;
}

/* Blocks of modules that went, and perhaps left their number to others, are no more. */
static void catch_up(void)
{
    pthread_t self = __pthread_self();
    if (list()->tls_count > self->dtv[0])
        grow(list()->tls_count);
    for (uint64_t number = 1; number <= self->dtv[0]; number++) {
        uintptr_t block = self->dtv[number];
        const struct start_module *module = block ? module_of(number) : 0;
        bool own_memory = generations && generations[number];
        if (!block || (module && (own_memory ? module->tls_generation == generations[number]
                                             : module->tls_is_static && (uintptr_t)self - module->tls.offset == block)))
            continue;
        self->dtv[number] = 0;
        if (own_memory) {
            free((void *)memory_of(block));
            generations[number] = 0;
        }
    }
    seen_generation = list()->tls_generation;
}

static uintptr_t make_block(const struct start_module *module)
{
    const struct start_tls *tls = &module->tls;
    uintptr_t memory = (uintptr_t)calloc(1, tls->size + 2 * sizeof(uintptr_t) + tls->align + sizeof(uintptr_t));
    if (!memory)
        a_crash();
    /* The start has the template's remainder by the alignment. */
    uintptr_t block = memory + 2 * sizeof(uintptr_t);
    block += (tls->image - block) & (tls->align - 1);
    ((uintptr_t *)(block & -sizeof(uintptr_t)))[-1] = memory;
    memcpy((void *)block, (const void *)(uintptr_t)tls->image, tls->image_size);
    return block;
}

void __tls_take_in(uint64_t generation)
{
    pthread_t self = __pthread_self();
    catch_up();
    for (uint64_t at = list()->first; at; at = ((const struct start_module *)(uintptr_t)at)->next) {
        const struct start_module *module = (const struct start_module *)(uintptr_t)at;
        if (!module->tls_is_static || module->tls_generation <= generation)
            continue;
        /* It has a place in the static block after all: below this thread's pointer, zero until now. */
        uintptr_t block = (uintptr_t)self - module->tls.offset;
        memset((void *)block, 0, module->tls.size);
        memcpy((void *)block, (const void *)(uintptr_t)module->tls.image, module->tls.image_size);
        self->dtv[module->tls_module] = block;
    }
}

static uintptr_t block_of(uint64_t number)
{
    pthread_t self = __pthread_self();
    if (!sys_start_info()->module_count)
        return self->dtv[number]; /* a static program's own */
    if (seen_generation != list()->tls_generation)
        catch_up();
    if (!self->dtv[number]) {
        const struct start_module *module = module_of(number);
        if (!module)
            a_crash();
        if (!generations)
            grow(list()->tls_count);
        self->dtv[number] = make_block(module);
        generations[number] = module->tls_generation;
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
