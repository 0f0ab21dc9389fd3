/* A host of the linker core for tests: files and an address space are buffers that Python provides.
 *
 * The linked address space is `space`, which begins at address `space_base`; images get consecutive places
 * in it, windows are the very bytes of their segments there. What happens is written to `log` as lines:
 *
 *     image NAME BIAS
 *     binding OBJECT SYMBOL PROVIDER VALUE     PROVIDER - where nobody defines a weak symbol
 *     init ADDRESS
 *     fini ADDRESS
 *     entry ADDRESS
 *     tls SIZE ALIGN
 *     error NUMBER TEXT
 */
#include <rtld/link.h>
#include <string.h>

struct host_file {
    const char *name;
    const uint8_t *bytes;
    uint64_t size;
};

struct host {
    const struct host_file *files;
    uint64_t file_count;
    uint8_t *space;
    uint64_t space_base, space_size, space_used;
    char *log;
    uint64_t log_size, log_used;
};

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

static bool open_file(void *context, const char *name, struct image_file_view *view)
{
    struct host *host = context;
    for (uint64_t i = 1; i < host->file_count; i++)
        if (strcmp(host->files[i].name, name) == 0) {
            *view = (struct image_file_view){host->files[i].bytes, host->files[i].size, i};
            return true;
        }
    return false;
}

static bool place(void *context, const struct image *image, uint64_t *bias)
{
    struct host *host = context;
    uint64_t address = (host->space_base + host->space_used + image->align - 1) & -image->align;
    uint64_t size = image->high - image->low;
    if (address - host->space_base > host->space_size || size > host->space_size - (address - host->space_base))
        return false;
    host->space_used = address - host->space_base + size;
    *bias = address - image->low;
    put(host, "image ");
    put(host, image->name);
    put_number(host, *bias);
    put(host, "\n");
    return true;
}

static void *window(void *context, const struct image *image, const struct segment *segment)
{
    struct host *host = context;
    uint64_t at = image->bias + segment->page_address - host->space_base;
    if (at > host->space_size || segment->pages_size > host->space_size - at)
        return NULL; /* ET_EXEC outside the space */
    return memset(host->space + at, 0, segment->pages_size);
}

static void report(void *context, const struct diagnostic *diagnostic)
{
    struct host *host = context;
    char text[512], number[3] = {(char)('0' + diagnostic->error / 10), (char)('0' + diagnostic->error % 10), 0};
    diagnostic_text(diagnostic, text, sizeof text);
    put(host, "error ");
    put(host, number);
    put(host, " ");
    put(host, text);
    put(host, "\n");
}

static void binding(void *context, const struct link_binding *bound)
{
    struct host *host = context;
    const char *const words[] = {"binding ", bound->object, " ", bound->symbol, " ",
                                 bound->provider ? bound->provider : "-"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        put(host, words[i]);
    put_number(host, bound->value);
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

/* 1 when the link succeeded; the log tells the rest. files[0] is the program. */
int host_link(struct host *host, void *block, uint64_t block_size)
{
    const struct link_host functions = {host, open_file, place, window, report, binding};
    struct link link;
    struct image_file_view program = {host->files[0].bytes, host->files[0].size, 0};
    host->log_used = host->space_used = 0;
    link_init(&link, &functions, block, block_size);
    if (!link_load(&link, host->files[0].name, &program) || !link_place(&link) || !link_relocate(&link) ||
        !link_order(&link))
        return 0;
    put_addresses(host, "init", link.initializers, link.initializer_count);
    put_addresses(host, "fini", link.finalizers, link.finalizer_count);
    put(host, "entry");
    put_number(host, link_entry(&link));
    put(host, "\ntls");
    put_number(host, link.tls_size);
    put_number(host, link.tls_align);
    put(host, "\n");
    return 1;
}
