/* The linker core as a library of the development machine; linker.py is its caller, with the same structures.
 *
 * All memory is the caller's: a staging area that the writable segments are linked in, one after the other, a block that
 * the core allocates from, and a log. Results point into the block and the files, and stay as long as those do. The log
 * holds texts, each ended by a NUL: "error NUMBER TEXT" (rtld/report.h), and a "bind" line for each reference.
 *
 * One call uses nothing but what it is given, so calls in several threads do not meet.
 */
#include <rtld/cache.h>
#include <rtld/link.h>
#include <string.h>

struct core_need {
    const char *name; /* DT_NEEDED */
    uint64_t file;    /* number of the file that it leads to */
};

struct core_file {
    const uint8_t *bytes;
    uint64_t size;
    const struct core_need *needs;
    uint64_t need_count;
    uint64_t bias; /* where core_link.base is 0 */
};

struct core_module {
    const char *name;
    uint64_t file, bias;
    uint64_t tls_module;
    int64_t tls_offset;
    uint64_t build_id; /* its first eight bytes */
    uint64_t features, executable_stack;
};

/* The pages of a writable segment after the link. */
struct core_contents {
    uint64_t file, address, size; /* address: p_vaddr */
    const uint8_t *bytes;
};

struct core_link {
    const char *name;              /* the program's */
    const struct core_file *files; /* the first one is the program */
    uint64_t file_count;
    uint8_t *staging;
    uint64_t staging_size;
    uint8_t *block;
    uint64_t block_size;
    char *log;
    uint64_t log_size;
    uint64_t base; /* modules get consecutive addresses from here on; 0: each its file's bias */
    uint64_t tls_surplus;
    const char *tls_functions[3];  /* names, as struct link_tls_descriptors has them; NULL: numbers that nothing calls */
    uint64_t flags;

    /* Results. All but the log are there after a link that succeeded. */
    uint64_t log_used, staging_used, block_used;
    struct core_module *modules;
    uint64_t module_count;
    struct core_contents *contents;
    uint64_t contents_count;
    struct pending_ifunc *pending_ifuncs;
    uint64_t pending_ifunc_count;
    uint64_t *initializers, initializer_count;
    uint64_t *finalizers, finalizer_count;
    uint32_t (*objects)[2]; /* initializers and finalizers of each that has any, in the order of the start */
    uint64_t object_count;
    uint64_t entry, tls_size, tls_align;
    uint64_t steps; /* along hash chains */
    uint64_t incomplete; /* the log was too short */
};

enum { CORE_STOP_AT_FIRST = 1, CORE_QUIET = 2 };
enum { CORE_FAILED, CORE_LINKED, CORE_MISUSED };

#define ADDRESS_END (1ull << 47)

static void put(struct core_link *core, const char *text)
{
    for (; *text && core->log_used + 1 < core->log_size; text++)
        core->log[core->log_used++] = *text;
    core->incomplete |= *text != 0;
}

static void put_end(struct core_link *core)
{
    if (core->log_used < core->log_size)
        core->log[core->log_used++] = 0;
    else
        core->incomplete = true;
}

static void *memory(void *context, uint64_t *size)
{
    struct core_link *core = context;
    uint64_t wanted = (*size + 15) & ~15ull;
    if (wanted < *size || wanted > core->block_size - core->block_used)
        return NULL;
    void *block = core->block + core->block_used;
    core->block_used += wanted;
    return block;
}

static void release(void *context, void *block, uint64_t size)
{
    (void)context;
    (void)block;
    (void)size;
}

static uint64_t file_of(const struct module *module)
{
    return module->file.file_id - 1;
}

static struct file_view view_of(const struct core_link *core, uint64_t number)
{
    return (struct file_view){.bytes = core->files[number].bytes, .size = core->files[number].size, .file_id = number + 1};
}

static bool open_file(void *context, const struct module *referrer, const char *name, struct file_view *view)
{
    struct core_link *core = context;
    const struct core_file *file = &core->files[referrer ? file_of(referrer) : 0];
    for (uint64_t i = 0; i < file->need_count; i++)
        if (strcmp(file->needs[i].name, name) == 0) {
            *view = view_of(core, file->needs[i].file);
            return true;
        }
    return false;
}

static bool place(void *context, const struct module *module, uint64_t *bias)
{
    struct core_link *core = context;
    uint64_t given = core->files[file_of(module)].bias + module->low, size = module->high - module->low;
    uint64_t address = core->base ? (core->base + module->align - 1) & -module->align : given;
    if (size > ADDRESS_END || address > ADDRESS_END - size || (address - module->low) & (module->align - 1))
        return false;
    if (core->base)
        core->base = address + size;
    *bias = address - module->low;
    return true;
}

static void *stage(void *context, const struct module *module, const struct segment *segment, bool *filled)
{
    (void)module;
    (void)filled;
    struct core_link *core = context;
    if (segment->pages_size > core->staging_size - core->staging_used)
        return NULL;
    uint8_t *bytes = core->staging + core->staging_used;
    core->staging_used += segment->pages_size;
    return memset(bytes, 0, segment->pages_size);
}

static bool put_report(void *context, const struct report *report)
{
    struct core_link *core = context;
    char text[1024], number[] = {(char)('0' + report->error / 10), (char)('0' + report->error % 10), ' ', 0};
    report_text(report, text, sizeof text);
    put(core, "error ");
    put(core, number);
    put(core, text);
    put_end(core);
    return !(core->flags & CORE_STOP_AT_FIRST);
}

static void binding(void *context, const struct link_binding *bound)
{
    struct core_link *core = context;
    size_t room = core->log_size - core->log_used;
    size_t length = room ? binding_text(bound, core->log + core->log_used, room) : 0;
    core->incomplete |= length >= room;
    core->log_used += length < room ? length + 1 : room;
}

/* What the core knows under a name, and the host's caller asks for by it. */
static uint64_t address_of(const struct link *link, const char *name)
{
    struct link_symbol found;
    return link_find(link, LINK_SCOPE_DEFAULT, NULL, name, NULL, &found) ? found.address : 0;
}

static void set_descriptors(const struct core_link *core, struct link *link)
{
    const char *const *names = core->tls_functions;
    link->settings.tls_descriptors = (struct link_tls_descriptors){0x1000, 0x2000, 0x3000};
    if (names[0] && names[1] && names[2])
        link->settings.tls_descriptors = (struct link_tls_descriptors){
            address_of(link, names[0]), address_of(link, names[1]), address_of(link, names[2]),
        };
}

static void *array(struct core_link *core, uint64_t count, uint64_t size)
{
    uint64_t bytes = count * size;
    return memory(core, &bytes);
}

static struct core_module describe(const struct module *module)
{
    struct core_module found = {
        .name = module->name,
        .file = file_of(module),
        .bias = module->bias,
        .tls_module = module->tls_module,
        .tls_offset = module->tls_module ? module->tls_offset : 0,
        .features = module->features,
        .executable_stack = module->executable_stack,
    };
    for (unsigned i = 0; i < 8 && i < module->build_id_size; i++)
        found.build_id = found.build_id << 8 | module->build_id[i];
    return found;
}

static bool put_modules(struct core_link *core, const struct link *link)
{
    uint64_t segments = 0;
    for (const struct module *module = link->results.first; module; module = module->next)
        segments += module->segment_count;
    core->modules = array(core, link->results.module_count, sizeof *core->modules);
    core->contents = array(core, segments, sizeof *core->contents);
    core->pending_ifuncs = array(core, link->results.pending_ifunc_count, sizeof *core->pending_ifuncs);
    if (!core->modules || !core->contents || !core->pending_ifuncs)
        return false;
    for (const struct module *module = link->results.first; module; module = module->next) {
        core->modules[core->module_count++] = describe(module);
        for (unsigned i = 0; i < module->segment_count; i++) {
            const struct segment *segment = &module->segments[i];
            if (segment->staging)
                core->contents[core->contents_count++] = (struct core_contents){
                    file_of(module), segment->page_address, segment->pages_size, segment->staging,
                };
        }
    }
    core->pending_ifunc_count = link->results.pending_ifunc_count;
    memcpy(core->pending_ifuncs, link->results.pending_ifuncs, link->results.pending_ifunc_count * sizeof *core->pending_ifuncs);
    return true;
}

static bool put_order(struct core_link *core, const struct link *link)
{
    core->initializers = array(core, link->results.initializer_count, sizeof(uint64_t));
    core->finalizers = array(core, link->results.finalizer_count, sizeof(uint64_t));
    core->objects = array(core, link->results.sorted_count, sizeof *core->objects);
    if (!core->initializers || !core->finalizers || !core->objects)
        return false;
    for (size_t i = 0; i < link->results.sorted_count; i++) {
        const struct module *module = link->results.sorted[i];
        if (!module->initializer_count && !module->finalizer_count)
            continue;
        core->objects[core->object_count][0] = (uint32_t)module->initializer_count;
        core->objects[core->object_count++][1] = (uint32_t)module->finalizer_count;
    }
    core->initializer_count = link->results.initializer_count;
    core->finalizer_count = link->results.finalizer_count;
    memcpy(core->initializers, link->results.initializers, link->results.initializer_count * sizeof(uint64_t));
    memcpy(core->finalizers, link->results.finalizers, link->results.finalizer_count * sizeof(uint64_t));
    core->entry = link_entry(link);
    core->tls_size = link->results.tls_size;
    core->tls_align = link->results.tls_align;
    core->steps = link->ground.work;
    return true;
}

static bool is_sound(const struct core_link *core)
{
    if (!core || !core->name || !core->files || !core->file_count || !core->staging || !core->block || !core->log)
        return false;
    if ((uintptr_t)core->block % 16 || (uintptr_t)core->staging % RTLD_PAGE_SIZE)
        return false;
    for (uint64_t i = 0; i < core->file_count; i++) {
        const struct core_file *file = &core->files[i];
        if ((!file->bytes && file->size) || (!file->needs && file->need_count) || (uintptr_t)file->bytes % 16)
            return false;
        for (uint64_t k = 0; k < file->need_count; k++)
            if (!file->needs[k].name || file->needs[k].file >= core->file_count)
                return false;
    }
    return true;
}

static int link_one(struct core_link *core, struct link_cache *cache)
{
    if (!is_sound(core))
        return CORE_MISUSED;
    const struct link_host functions = {
        .context = core,
        .memory = memory,
        .release = release,
        .open = open_file,
        .place = place,
        .stage = stage,
        .report = put_report,
        .binding = core->flags & CORE_QUIET ? NULL : binding,
    };
    struct link link;
    struct file_view program = view_of(core, 0);
    core->log_used = core->staging_used = core->block_used = 0;
    core->module_count = core->contents_count = core->pending_ifunc_count = 0;
    core->initializer_count = core->finalizer_count = core->object_count = core->incomplete = 0;
    link_init(&link, &functions);
    if (cache)
        link_use_cache(&link, cache);
    link.settings.tls_surplus = core->tls_surplus;
    bool good = link_load(&link, core->name, &program) && link_place(&link);
    if (good)
        set_descriptors(core, &link);
    good = good && link_relocate(&link) && put_modules(core, &link) && link_order(&link) && put_order(core, &link);
    if (good)
        link_commit(&link);
    else
        link_abandon(&link);
    link_end(&link);
    return good ? CORE_LINKED : CORE_FAILED;
}

int core_link(struct core_link *core)
{
    return link_one(core, NULL);
}

/* One link after the other, each with what those before it left, until one fails; memory is each its own. */
int core_link_in_turn(struct core_link *cores, uint64_t count)
{
    struct link_cache cache = {0};
    int status = CORE_LINKED;
    for (uint64_t i = 0; i < count && status == CORE_LINKED; i++)
        status = link_one(&cores[i], &cache);
    const struct link_host functions = {.context = cores, .release = release};
    link_cache_end(&cache, &functions);
    return status;
}
