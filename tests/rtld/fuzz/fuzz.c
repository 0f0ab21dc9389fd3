/* The whole path of the core on any bytes: parse, bind, relocate, order; then open, look up, close, sweep.
 *
 * Input: the length of the first file (32 bits), the first file (the program), the second file (every library whose
 * name begins with "l"). Files lie in blocks of exactly their size and windows too, so that AddressSanitizer sees a
 * step outside. What the core took it must have given back at the end. With the cache
 * of earlier links, and without reports of bindings, the same slots must be stored. */
#include <rtld/cache.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_MAX (64ull << 20)
#define WINDOWS_MAX (1ull << 20)

struct host {
    struct file_view library;
    uint64_t memory, windows, address;
    unsigned reports;
};

/* The staging buffers of a module, which the core knows nothing more of once it is committed. */
struct window {
    struct window *next;
    const struct module *module;
    uint8_t *bytes;
    uint64_t size;
};

static struct window *windows;

static void *memory(void *context, uint64_t *size)
{
    struct host *host = context;
    if (*size > MEMORY_MAX - host->memory)
        return NULL;
    host->memory += *size;
    void *block = malloc(*size);
    return memset(block, 0xa5, *size);
}

static void release(void *context, void *block, uint64_t size)
{
    struct host *host = context;
    host->memory -= size;
    free(block);
}

static bool open_file(void *context, const struct module *referrer, const char *name, struct file_view *file)
{
    (void)referrer;
    if (*name != 'l')
        return false;
    *file = ((struct host *)context)->library;
    return true;
}

static bool place(void *context, const struct module *module, uint64_t *bias)
{
    struct host *host = context;
    uint64_t at = (host->address + module->align - 1) & -module->align;
    host->address = at + module->high - module->low;
    *bias = at - module->low;
    return true;
}

static void *stage(void *context, const struct module *module, const struct segment *segment, bool *filled)
{
    struct host *host = context;
    (void)filled;
    if (segment->pages_size > WINDOWS_MAX - host->windows)
        return NULL;
    host->windows += segment->pages_size;
    struct window *entry = malloc(sizeof *entry);
    *entry = (struct window){windows, module, calloc(1, segment->pages_size), segment->pages_size};
    windows = entry;
    return entry->bytes;
}

static void drop(void *context, struct module *module)
{
    (void)context;
    for (struct window **at = &windows; *at;) {
        struct window *entry = *at;
        if (entry->module != module) {
            at = &entry->next;
            continue;
        }
        *at = entry->next;
        free(entry->bytes);
        free(entry);
    }
}

/* Whatever begins with "h" is the host's, where no object defines it. */
static const struct elf_symbol *define(void *context, const char *name, const char *version)
{
    static const struct elf_symbol symbol = {.st_info = STB_GLOBAL << 4, .st_shndx = SHN_ABS, .st_value = 0x1234};
    (void)context;
    return *name == 'h' && !version ? &symbol : NULL;
}

static bool report(void *context, const struct report *about)
{
    struct host *host = context;
    char text[128];
    report_text(about, text, sizeof text);
    return ++host->reports < 50;
}

static void binding(void *context, const struct link_binding *bound)
{
    (void)context;
    char text[128];
    binding_text(bound, text, sizeof text);
}

static bool finish(struct link *link)
{
    if (!link_place(link) || !link_relocate(link) || !link_order(link)) {
        link_abandon(link);
        return false;
    }
    link_commit(link);
    return true;
}

static void use(struct link *link)
{
    static const char *const names[] = {"a", "value", "who", "test", "_start"};
    struct link_symbol found;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        link_find(link, LINK_SCOPE_DEFAULT, link->results.first, names[i], NULL, &found);
        link_find(link, LINK_SCOPE_NEXT, link->results.first, names[i], "V1", &found);
    }
    const struct module *module = link_module_at(link, link_entry(link));
    if (module)
        module_symbol_at(module, link_entry(link) - module->bias);
    struct module *later = link_open(link, "later", LINK_OPEN_GLOBAL);
    struct module *library = link_open(link, "library", 0);
    (void)later;
    if (!library || (link->results.fresh && !finish(link))) {
        link_abandon(link);
        return;
    }
    link_find(link, LINK_SCOPE_CLOSURE, library, "who", NULL, &found);
    if (link_close(link, library))
        link_sweep(link);
}

/* All slots that were linked; FNV-1a, never 0. */
static uint64_t digest(void)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (const struct window *entry = windows; entry; entry = entry->next)
        for (uint64_t i = 0; i < entry->size; i++)
            hash = (hash ^ entry->bytes[i]) * 0x100000001b3;
    return hash | 1;
}

/* One life of a program; 0: it was refused. */
static uint64_t run(struct host *host, const struct file_view *program, bool reported, struct link_cache *cache)
{
    struct link_host functions = {
        .context = host,
        .memory = memory,
        .release = release,
        .open = open_file,
        .place = place,
        .stage = stage,
        .drop = drop,
        .report = report,
        .define = define,
        .binding = reported ? binding : NULL,
    };
    struct link link;
    uint64_t words = 0;
    host->address = 0x10000;
    host->windows = host->reports = 0;
    link_init(&link, &functions);
    link.settings.tls_surplus = 256;
    link.settings.tls_descriptors = (struct link_tls_descriptors){1, 2, 3};
    if (cache)
        link_use_cache(&link, cache);
    if (!link_load(&link, "program", program)) {
        link_abandon(&link);
    } else if (finish(&link)) {
        words = digest();
        if (reported)
            use(&link);
    }
    link_end(&link);
    return words;
}

static uint8_t *copy(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    memcpy(exact, data, size);
    return exact;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t first;
    if (size < sizeof first)
        return 0;
    memcpy(&first, data, sizeof first);
    data += sizeof first;
    size -= sizeof first;
    if (first > size)
        first = (uint32_t)size;
    uint8_t *program = copy(data, first), *library = copy(data + first, size - first);
    struct host host = {.library = {.bytes = library, .size = size - first, .file_id = 2}};
    struct file_view view = {.bytes = program, .size = first, .file_id = 1};
    struct link_cache cache = {0};
    uint64_t alone = run(&host, &view, true, NULL), found = alone ? run(&host, &view, false, &cache) : 0;
    /* The second one leaves bindings, the third one takes them. */
    for (unsigned turn = 0; found && turn < 3; turn++) {
        if (found != alone)
            abort();
        found = run(&host, &view, false, &cache);
    }
    struct link_host functions = {.context = &host, .release = release};
    link_cache_end(&cache, &functions);
    if (host.memory || windows)
        abort();
    free(program);
    free(library);
    return 0;
}
