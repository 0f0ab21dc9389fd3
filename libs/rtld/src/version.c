/* Symbol versions: which a module defines, which it needs of whom (LSB Core, generic part, 10.7). */
#include "version.h"

#include "arena.h"
#include "ground.h"
#include "name.h"

static bool bad(struct ground *ground, const struct module *module, uint64_t at, int64_t tag)
{
    return ground_refuse(ground, LINK_BAD_VERSION, module->name, at, (uint64_t)tag);
}

/* Both lists are chains of offsets forward, so each walk ends: entries cannot overlap, and the file is finite. */
struct walk {
    const struct module *module;
    uint64_t at;    /* address of the entry */
    uint64_t left;  /* entries, as their count says */
};

static const void *walk_entry(const struct walk *walk, uint64_t size)
{
    return walk->left ? module_data(walk->module, walk->at, size, 4) : NULL;
}

/* To the next entry; false when the offset is too small to lead to one. */
static bool walk_on(struct walk *walk, uint64_t step, uint64_t size)
{
    walk->left = step ? walk->left - 1 : 0;
    walk->at += step;
    return step == 0 || step >= size;
}

/* Called for each version twice: to learn the highest index, and to fill the table. */
typedef bool take_version(struct ground *ground, struct module *module, uint32_t index, const struct version *version);

static bool walk_definitions(struct ground *ground, struct module *module, take_version *take)
{
    struct walk walk = {module, module->verdef.address, module->verdef.count};
    while (walk.left) {
        const struct elf_verdef *entry = walk_entry(&walk, sizeof *entry);
        const struct elf_verdaux *aux = entry ? module_data(module, walk.at + entry->vd_aux, sizeof *aux, 4) : NULL;
        const char *name = aux && entry->vd_version == 1 ? module_string(module, aux->vda_name) : NULL;
        if (!name)
            return bad(ground, module, walk.at, DT_VERDEF);
        /* The base version names the file; its symbols have no version. */
        struct version version = {.name = name, .hash = entry->vd_hash};
        if (!(entry->vd_flags & VER_FLG_BASE) && !take(ground, module, entry->vd_ndx, &version))
            return false;
        if (!walk_on(&walk, entry->vd_next, sizeof *entry))
            return bad(ground, module, walk.at, DT_VERDEF);
    }
    return true;
}

static bool walk_needs(struct ground *ground, struct module *module, take_version *take)
{
    struct walk files = {module, module->verneed.address, module->verneed.count};
    while (files.left) {
        const struct elf_verneed *entry = walk_entry(&files, sizeof *entry);
        const char *file = entry && entry->vn_version == 1 ? module_string(module, entry->vn_file) : NULL;
        if (!file)
            return bad(ground, module, files.at, DT_VERNEED);
        struct walk names = {module, files.at + entry->vn_aux, entry->vn_cnt};
        while (names.left) {
            const struct elf_vernaux *aux = walk_entry(&names, sizeof *aux);
            const char *name = aux ? module_string(module, aux->vna_name) : NULL;
            if (!name)
                return bad(ground, module, names.at, DT_VERNEED);
            struct version version = {
                .name = name,
                .file = file,
                .hash = aux->vna_hash,
                .weak = (aux->vna_flags & VER_FLG_WEAK) != 0,
                .hidden = (aux->vna_other & VERSYM_HIDDEN) != 0,
            };
            if (!take(ground, module, aux->vna_other, &version))
                return false;
            if (!walk_on(&names, aux->vna_next, sizeof *aux))
                return bad(ground, module, names.at, DT_VERNEED);
        }
        if (!walk_on(&files, entry->vn_next, sizeof *entry))
            return bad(ground, module, files.at, DT_VERNEED);
    }
    return true;
}

static bool count_version(struct ground *ground, struct module *module, uint32_t index, const struct version *version)
{
    (void)version;
    /* Entries may share their names' lists, so a small file could have very many. */
    if (!ground_work(ground, module->name, 1))
        return false;
    index &= VERSYM_INDEX;
    if (index >= module->version_count)
        module->version_count = index + 1;
    return true;
}

static bool fill_version(struct ground *ground, struct module *module, uint32_t index, const struct version *version)
{
    (void)ground;
    module->versions[index & VERSYM_INDEX] = *version;
    return true;
}

bool module_parse_versions(struct ground *ground, struct module *module)
{
    if (!walk_definitions(ground, module, count_version) || !walk_needs(ground, module, count_version))
        return false;
    if (!module->version_count)
        return true;
    module->versions = arena_alloc(ground, &ground->arena, module->version_count, sizeof *module->versions);
    return module->versions && walk_definitions(ground, module, fill_version) && walk_needs(ground, module, fill_version);
}

const struct version *module_symbol_version(const struct module *module, uint64_t index)
{
    const struct version *version = index < module->versym.count ? version_at(module, index) : NULL;
    return version && version->name ? version : NULL;
}

bool version_equal(const struct version *left, const struct version *right)
{
    return left->hash == right->hash && text_equal(left->name, right->name);
}
