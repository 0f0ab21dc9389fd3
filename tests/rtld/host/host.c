/* A host of the linker core for tests and for `ambilink link`: files and memory are what Python provides.
 *
 * Modules get consecutive addresses from `space_base` on; staging buffers are taken one after the other from `space`.
 * What happens is written to `log` as lines, numbers in hexadecimal:
 *
 *     module NAME BIAS
 *     window NAME ADDRESS SIZE OFFSET          ADDRESS in the linked space, OFFSET in `space`
 *     bind OBJECT OFFSET TYPE SYMBOL VERSION PROVIDER ADDRESS     (rtld/report.h)
 *     tls-module NAME ID OFFSET                thread-local data; OFFSET from the thread pointer, signed
 *     notes NAME BUILD-ID FEATURES STACK       the build id's first eight bytes; 1: an executable stack is asked for
 *     resolver PLACE FUNCTION ADDEND
 *     init ADDRESS
 *     fini ADDRESS
 *     entry ADDRESS
 *     tls SIZE ALIGN
 *     steps COUNT                              along hash chains, as link->ground.work counts them
 *     error NUMBER TEXT
 */
#include <rtld/cache.h>
#include <string.h>

struct host_file {
    const uint8_t *bytes;
    uint64_t size;
};

struct host {
    const struct host_file *files; /* the first one is the program */
    /* Number of the file that `referrer` means by a name; negative: there is none. */
    int64_t (*find)(const char *referrer, const char *name);
    const char *name;
    uint8_t *space;
    uint64_t space_base, space_size;
    uint8_t *block;
    uint64_t block_size;
    char *log;
    uint64_t log_size;
    uint64_t log_used, address, space_used, block_used;
    uint64_t flags; /* HOST_... */
};

enum { HOST_STOP_AT_FIRST = 1, HOST_QUIET = 2 };

static void put(struct host *host, const char *text)
{
    for (; *text && host->log_used + 1 < host->log_size; text++)
        host->log[host->log_used++] = *text;
    host->log[host->log_used] = 0;
}

static void put_number(struct host *host, uint64_t value)
{
    char digits[17];
    for (int i = 15; i >= 0; i--, value >>= 4)
        digits[i] = "0123456789abcdef"[value & 15];
    digits[16] = 0;
    put(host, " ");
    put(host, digits);
}

static void *memory(void *context, uint64_t *size)
{
    struct host *host = context;
    if (*size > host->block_size - host->block_used)
        return NULL;
    void *block = host->block + host->block_used;
    host->block_used += (*size + 15) & ~15ull;
    return block;
}

static void release(void *context, void *block, uint64_t size)
{
    (void)context;
    (void)block;
    (void)size;
}

static struct file_view view_of(const struct host *host, uint64_t number)
{
    return (struct file_view){
        .bytes = host->files[number].bytes,
        .size = host->files[number].size,
        .file_id = number + 1,
    };
}

static bool open_file(void *context, const struct module *referrer, const char *name, struct file_view *view)
{
    struct host *host = context;
    int64_t number = host->find(referrer ? referrer->name : "", name);
    if (number < 0)
        return false;
    *view = view_of(host, (uint64_t)number);
    return true;
}

static bool place(void *context, const struct module *module, uint64_t *bias)
{
    struct host *host = context;
    uint64_t address = (host->address + module->align - 1) & -module->align;
    host->address = address + module->high - module->low;
    *bias = address - module->low;
    return host->address < 1ull << 46;
}

static void *stage(void *context, const struct module *module, const struct segment *segment, bool *filled)
{
    (void)filled;
    struct host *host = context;
    if (segment->pages_size > host->space_size - host->space_used)
        return NULL;
    uint8_t *bytes = host->space + host->space_used;
    put(host, "window ");
    put(host, module->name);
    put_number(host, module->bias + segment->page_address);
    put_number(host, segment->pages_size);
    put_number(host, host->space_used);
    put(host, "\n");
    host->space_used += segment->pages_size;
    return memset(bytes, 0, segment->pages_size);
}

static bool report(void *context, const struct report *about)
{
    struct host *host = context;
    char text[1024], number[3] = {(char)('0' + about->error / 10), (char)('0' + about->error % 10), 0};
    report_text(about, text, sizeof text);
    put(host, "error ");
    put(host, number);
    put(host, " ");
    put(host, text);
    put(host, "\n");
    return !(host->flags & HOST_STOP_AT_FIRST);
}

static void binding(void *context, const struct link_binding *bound)
{
    struct host *host = context;
    size_t room = host->log_size - host->log_used;
    size_t length = binding_text(bound, host->log + host->log_used, room);
    host->log_used += length < room ? length : room - 1;
    put(host, "\n");
}

static void put_addresses(struct host *host, const char *word, const uint64_t *addresses, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(host, word);
        put_number(host, addresses[i]);
        put(host, "\n");
    }
}

static void put_modules(struct host *host, const struct link *link)
{
    for (const struct module *module = link->results.first; module; module = module->next) {
        put(host, "module ");
        put(host, module->name);
        put_number(host, module->bias);
        put(host, "\nnotes ");
        put(host, module->name);
        uint64_t id = 0;
        for (unsigned i = 0; i < 8 && i < module->build_id_size; i++)
            id = id << 8 | module->build_id[i];
        put_number(host, id);
        put_number(host, module->features);
        put_number(host, module->executable_stack);
        put(host, "\n");
        if (!module->tls_module)
            continue;
        put(host, "tls-module ");
        put(host, module->name);
        put_number(host, module->tls_module);
        put_number(host, (uint64_t)module->tls_offset);
        put(host, "\n");
    }
    for (size_t i = 0; i < link->results.pending_ifunc_count; i++) {
        put(host, "resolver");
        put_number(host, link->results.pending_ifuncs[i].place);
        put_number(host, link->results.pending_ifuncs[i].resolver);
        put_number(host, link->results.pending_ifuncs[i].addend);
        put(host, "\n");
    }
}

static void put_order(struct host *host, const struct link *link)
{
    put_addresses(host, "init", link->results.initializers, link->results.initializer_count);
    put_addresses(host, "fini", link->results.finalizers, link->results.finalizer_count);
    put(host, "entry");
    put_number(host, link_entry(link));
    put(host, "\ntls");
    put_number(host, link->results.tls_size);
    put_number(host, link->results.tls_align);
    put(host, "\n");
}

static bool link_one(struct host *host, struct link_cache *cache)
{
    const struct link_host functions = {
        .context = host,
        .memory = memory,
        .release = release,
        .open = open_file,
        .place = place,
        .stage = stage,
        .report = report,
        .binding = host->flags & HOST_QUIET ? NULL : binding,
    };
    struct link link;
    struct file_view program = view_of(host, 0);
    host->log_used = host->space_used = host->block_used = 0;
    host->address = host->space_base;
    host->log[0] = 0;
    link_init(&link, &functions);
    if (cache)
        link_use_cache(&link, cache);
    /* Any words serve: nothing calls them here. */
    link.settings.tls_descriptors = (struct link_tls_descriptors){0x1000, 0x2000, 0x3000};
    bool good = link_load(&link, host->name, &program) && link_place(&link) && link_relocate(&link);
    if (good) {
        put_modules(host, &link);
        put(host, "steps");
        put_number(host, link.ground.work);
        put(host, "\n");
    }
    good = good && link_order(&link);
    if (good) {
        put_order(host, &link);
        link_commit(&link);
    } else {
        link_abandon(&link);
    }
    link_end(&link);
    return good;
}

/* 1 when the link succeeded; the log tells the rest. */
int host_link(struct host *host)
{
    return link_one(host, NULL);
}

/* One link after the other, each with what those before it left; how many succeeded. The hosts' memory is each its own. */
int host_link_all(struct host *hosts, int count)
{
    struct link_cache cache = {0};
    int good = 0;
    for (int i = 0; i < count; i++)
        good += link_one(&hosts[i], &cache);
    const struct link_host functions = {.context = hosts, .release = release};
    link_cache_end(&cache, &functions);
    return good;
}
