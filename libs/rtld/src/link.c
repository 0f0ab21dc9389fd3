/* The phases of a link. */
#include <rtld/link.h>

#include "closure.h"
#include "drop.h"
#include "cache_functions.h"
#include "lazy.h"
#include "pending_ifunc.h"
#include "relocate.h"
#include "tls.h"

void link_init(struct link *link, const struct link_host *host)
{
    memset(link, 0, sizeof *link);
    link->settings.host = host;
    link->ground.context = host->context;
    link->ground.memory = host->memory;
    link->ground.release = host->release;
    link->ground.report = host->report;
    link->ground.pause = host->pause;
    link->ground.object = "";
}

bool link_load(struct link *link, const char *name, const struct file_view *file)
{
    call_begin(link);
    link->state.lazy = link->settings.lazy;
    if (!modules_add(link, name, file))
        return false;
    for (size_t i = 0; i < link->settings.preload_count && !link->ground.stopped; i++)
        modules_need(link, NULL, link->settings.preload[i], false);
    if (link->ground.failed || !closure_load(link))
        return false;
    /* The program is the first of the list; filtees of its own are searched before it all the same. */
    for (uint32_t i = 0; i < link->results.first->filter_count; i++)
        global_append(link, link->results.first->needed[link->results.first->filter_first + i]);
    for (struct module *module = link->results.first; module; module = module->next) {
        module->initial = true;
        global_append(link, module);
    }
    return closure_make(link, link->results.first);
}

#define COPIED_AT_ONCE 32768

static bool copy(struct link *link, const struct segment *segment)
{
    uint8_t *to = segment->staging + (segment->address - segment->page_address);
    for (uint64_t done = 0, part; done < segment->file_size; done += part) {
        uint64_t left = segment->file_size - done;
        part = link->ground.pause && left > COPIED_AT_ONCE ? COPIED_AT_ONCE : left;
        memcpy(to + done, segment->data + done, part);
        if (!ground_pause(&link->ground))
            return false;
    }
    return true;
}

static bool stage(struct link *link, struct module *module)
{
    for (struct segment *segment = module->segments; segment < module->segments + module->segment_count; segment++) {
        if (!(segment->flags & PF_W))
            continue;
        bool filled = module->file.in_place;
        segment->staging = link->settings.host->stage(link->settings.host->context, module, segment, &filled);
        if (!segment->staging)
            return ground_refuse(&link->ground, LINK_NO_MEMORY, module->name, segment->file_offset, segment->pages_size);
        if (!filled && !copy(link, segment))
            return false;
    }
    return true;
}

bool link_place(struct link *link)
{
    for (struct module *module = link->results.fresh; module; module = module->next) {
        module->bias = 0;
        if (module->type == ET_DYN && !link->settings.host->place(link->settings.host->context, module, &module->bias))
            return ground_refuse(&link->ground, LINK_NO_PLACE, module->name, 0, module->high - module->low);
        if (!stage(link, module))
            return false;
    }
    return true;
}

static bool relocate_fresh(struct link *link)
{
    const struct link_cache_functions *cache = link->settings.cache_functions;
    tls_lay_out(link);
    if (!scope_prepare(link) || (cache && !cache->prepare(link)) || !lazy_prepare(link) || !scope_make_index(link))
        return false;
    size_t count;
    struct module **fresh = modules_fresh(link, &count);
    /* From the last to the first, as glibc goes: so that of several STB_GNU_UNIQUE definitions the same one wins. */
    for (size_t i = count; i-- > 0 && !link->ground.stopped;)
        if (!fresh[i]->file.in_place)
            relocate_module(link, fresh[i]);
    for (size_t i = 0; i < count && !link->ground.failed; i++)
        if (fresh[i]->has_copies)
            relocate_copies(link, fresh[i]);
    return !link->ground.failed && pending_ifunc_finish(link);
}

bool link_relocate(struct link *link)
{
    bool good = !link->results.fresh || relocate_fresh(link);
    /* The largest of what is needed for a short time: a host with many links would keep as many. */
    arena_free(&link->ground, &link->state.index_arena);
    link->state.index = NULL;
    return good;
}

void link_commit(struct link *link)
{
    for (struct module *module = link->results.fresh; module; module = module->next) {
        module->committed = true;
        module->bind_first = link->state.bind_first;
        for (unsigned i = 0; i < module->segment_count; i++)
            module->segments[i].staging = NULL;
    }
    link->results.fresh = NULL;
    link->ground.arena = NULL;
    link->state.bind_first = link->state.lazy = false;
}

void link_abandon(struct link *link)
{
    struct module **at = &link->results.first;
    link->results.last = NULL;
    while (*at && *at != link->results.fresh) {
        link->results.last = *at;
        at = &(*at)->next;
    }
    *at = NULL;
    for (struct module *module = link->results.fresh, *next; module; module = next) {
        next = module->next;
        if (module->arena == link->ground.arena && link->ground.arena->modules == 1)
            link->ground.arena = NULL; /* goes with its last module */
        module_drop(link, module);
    }
    if (link->ground.arena)
        arena_free(&link->ground, &link->ground.arena); /* the file that was refused never became a module */
    link->results.fresh = NULL;
    link->state.bind_first = link->state.lazy = false;
    arena_free(&link->ground, &link->state.scratch);
}

void link_end(struct link *link)
{
    if (link->results.fresh)
        link_commit(link);
    link->results.fresh = link->results.first;
    link_abandon(link);
}

void link_set_debugger(struct link *link, uint64_t address)
{
    const struct module *program = link->results.first;
    void *word = program->debug_address ? module_staged(program, program->debug_address, sizeof address) : NULL;
    if (word)
        set_word(word, address);
}

uint64_t link_entry(const struct link *link)
{
    return link->results.first->bias + link->results.first->entry;
}
