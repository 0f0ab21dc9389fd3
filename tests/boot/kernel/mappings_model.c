/* The kernel's mappings on the development machine, beside a table of pages that is searched from its beginning. */
#include <stddef.h>

#include "rules.h"

#define PAGES 2048
#define PAGE 4096ull

static struct mapping pool[PAGES], *owner[PAGES];
static struct mappings mappings;
static uint64_t state;

static unsigned random_below(unsigned limit)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(state >> 33) % limit;
}

static bool is_free(unsigned from, unsigned to)
{
    while (from < to && !owner[from])
        from++;
    return from == to;
}

static void own(struct mapping *mapping, struct mapping *by)
{
    for (uint64_t page = mapping->start / PAGE; page < mapping->end / PAGE; page++)
        owner[page] = by;
}

/* A piece of `pool` that is no mapping: as many as there are pages are enough. */
static struct mapping *unused(void)
{
    static unsigned at;
    while (pool[at].end)
        at = (at + 1) % PAGES;
    return &pool[at];
}

static void add(unsigned from, unsigned to)
{
    struct mapping *mapping = unused();
    *mapping = (struct mapping){.start = from * PAGE, .end = to * PAGE};
    mappings_find(&mappings, mapping->start);
    mappings_add(&mappings, mapping);
    own(mapping, mapping);
}

static void split(struct mapping *mapping, unsigned at)
{
    unsigned end = (unsigned)(mapping->end / PAGE);
    mapping->end = at * PAGE;
    add(at, end);
}

static void take(struct mapping *mapping)
{
    own(mapping, NULL);
    mappings_remove(&mappings, mapping);
    *mapping = (struct mapping){0};
}

static void cut(struct mapping *mapping)
{
    owner[mapping->start / PAGE] = NULL;
    mappings_cut(&mappings, mapping, mapping->start + PAGE);
}

static bool finds(unsigned page)
{
    const struct mapping *found = mappings_find(&mappings, page * PAGE);
    while (page < PAGES && !owner[page])
        page++;
    return found == (page < PAGES ? owner[page] : NULL);
}

static bool finds_gap(unsigned low, unsigned size)
{
    unsigned at = low, free = 0;
    for (unsigned page = low; page < PAGES && free < size; page++) {
        free = owner[page] ? 0 : free + 1;
        at = page + 1 - free;
    }
    if (free < size) /* behind all, where nothing was asked for */
        at = at + free < PAGES || free ? at : PAGES;
    return mappings_find_gap(&mappings, low * PAGE, size * PAGE) == at * PAGE;
}

/* So many steps, of which most add while there is room. NULL: all is as in the table; else the rule that is broken. */
const char *mappings_try(uint64_t seed, unsigned steps)
{
    state = seed;
    for (const char *rule; steps--;) {
        unsigned page = random_below(PAGES), size = 1 + random_below(4);
        struct mapping *here = owner[page];
        if (!here && page + size <= PAGES && is_free(page, page + size))
            add(page, page + size);
        else if (here && page * PAGE > here->start && random_below(2))
            split(here, page);
        else if (here && here->end - here->start > PAGE && random_below(2))
            cut(here);
        else if (here && random_below(4) < 1 + (steps / 5000) % 4)
            take(here);
        if ((rule = mappings_broken_rule(&mappings)))
            return rule;
        if (!finds(random_below(PAGES)))
            return "another mapping is found";
        if (!finds_gap(random_below(PAGES), 1 + random_below(8)))
            return "another gap is found";
    }
    return NULL;
}
