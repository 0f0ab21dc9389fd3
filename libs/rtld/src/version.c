/* Symbol versions: which an image defines, which it needs of whom (LSB Core, generic part, 10.7). */
#include "internal.h"

static bool bad(struct link *link, const struct image *image, uint64_t at, int64_t tag)
{
    return link_refuse(link, LINK_BAD_VERSION, image, NULL, at, (uint64_t)tag);
}

/* Both lists are chains of offsets forward, so each walk ends: entries cannot overlap, and the file is finite. */
struct walk {
    const struct image *image;
    uint64_t at;    /* address of the entry */
    uint64_t left;  /* entries, as their count says */
};

static const void *walk_entry(const struct walk *walk, uint64_t size)
{
    return walk->left ? image_data(walk->image, walk->at, size, 4) : NULL;
}

/* To the next entry; false when the offset is too small to lead to one. */
static bool walk_on(struct walk *walk, uint64_t step, uint64_t size)
{
    walk->left = step ? walk->left - 1 : 0;
    walk->at += step;
    return step == 0 || step >= size;
}

/* Called for each version twice: to learn the highest index, and to fill the table. */
typedef bool take_version(struct link *link, struct image *image, uint32_t index, const struct version *version);

static bool walk_definitions(struct link *link, struct image *image, take_version *take)
{
    struct walk walk = {image, image->verdef.address, image->verdef.count};
    while (walk.left) {
        const struct elf_verdef *entry = walk_entry(&walk, sizeof *entry);
        const struct elf_verdaux *aux = entry ? image_data(image, walk.at + entry->vd_aux, sizeof *aux, 4) : NULL;
        const char *name = aux && entry->vd_version == 1 ? image_string(image, aux->vda_name) : NULL;
        if (!name)
            return bad(link, image, walk.at, DT_VERDEF);
        /* The base version names the file; its symbols have no version. */
        struct version version = {.name = name, .hash = entry->vd_hash};
        if (!(entry->vd_flags & VER_FLG_BASE) && !take(link, image, entry->vd_ndx, &version))
            return false;
        if (!walk_on(&walk, entry->vd_next, sizeof *entry))
            return bad(link, image, walk.at, DT_VERDEF);
    }
    return true;
}

static bool walk_needs(struct link *link, struct image *image, take_version *take)
{
    struct walk files = {image, image->verneed.address, image->verneed.count};
    while (files.left) {
        const struct elf_verneed *entry = walk_entry(&files, sizeof *entry);
        const char *file = entry && entry->vn_version == 1 ? image_string(image, entry->vn_file) : NULL;
        if (!file)
            return bad(link, image, files.at, DT_VERNEED);
        struct walk names = {image, files.at + entry->vn_aux, entry->vn_cnt};
        while (names.left) {
            const struct elf_vernaux *aux = walk_entry(&names, sizeof *aux);
            const char *name = aux ? image_string(image, aux->vna_name) : NULL;
            if (!name)
                return bad(link, image, names.at, DT_VERNEED);
            struct version version = {
                .name = name,
                .file = file,
                .hash = aux->vna_hash,
                .weak = (aux->vna_flags & VER_FLG_WEAK) != 0,
                .hidden = (aux->vna_other & VERSYM_HIDDEN) != 0,
            };
            if (!take(link, image, aux->vna_other, &version))
                return false;
            if (!walk_on(&names, aux->vna_next, sizeof *aux))
                return bad(link, image, names.at, DT_VERNEED);
        }
        if (!walk_on(&files, entry->vn_next, sizeof *entry))
            return bad(link, image, files.at, DT_VERNEED);
    }
    return true;
}

static bool count_version(struct link *link, struct image *image, uint32_t index, const struct version *version)
{
    (void)version;
    /* Entries may share their names' lists, so a small file could have very many. */
    if (!link_work(link, image, 1))
        return false;
    index &= VERSYM_INDEX;
    if (index >= image->version_count)
        image->version_count = index + 1;
    return true;
}

static bool fill_version(struct link *link, struct image *image, uint32_t index, const struct version *version)
{
    (void)link;
    image->versions[index & VERSYM_INDEX] = *version;
    return true;
}

bool image_parse_versions(struct link *link, struct image *image)
{
    if (!walk_definitions(link, image, count_version) || !walk_needs(link, image, count_version))
        return false;
    if (!image->version_count)
        return true;
    image->versions = arena_alloc(link, &link->arena, image->version_count, sizeof *image->versions);
    return image->versions && walk_definitions(link, image, fill_version) && walk_needs(link, image, fill_version);
}

const struct version *image_symbol_version(const struct image *image, uint64_t index)
{
    if (index >= image->versym.count)
        return NULL;
    uint32_t number = ((const uint16_t *)image->versym.data)[index] & VERSYM_INDEX;
    return number < image->version_count && image->versions[number].name ? &image->versions[number] : NULL;
}

static const struct version *definition_of(const struct image *image, const struct version *wanted)
{
    for (uint32_t i = 0; i < image->version_count; i++) {
        const struct version *version = &image->versions[i];
        if (version->name && !version->file && version->hash == wanted->hash && text_equal(version->name, wanted->name))
            return version;
    }
    return NULL;
}

bool image_check_versions(struct link *link, struct image *image)
{
    bool good = true;
    const struct image *provider = NULL;
    const char *file = NULL;
    for (uint32_t i = 0; i < image->version_count && !link->stopped; i++) {
        struct version *version = &image->versions[i];
        if (!version->name || !version->file)
            continue;
        if (version->file != file) {
            file = version->file;
            provider = link_find_image(link, file);
        }
        if (!link_work(link, image, provider ? provider->version_count : 0))
            return false;
        /* A provider without any versions is taken as it is, as if built before there were any. */
        if (!provider || !provider->verdef.count)
            continue;
        version->definition = definition_of(provider, version);
        if (version->definition || version->weak)
            continue;
        good = link_report(link, &(struct diagnostic){.error = LINK_NO_VERSION, .object = image->name,
                                                      .version = version->name, .provider = provider->name});
    }
    return good;
}
