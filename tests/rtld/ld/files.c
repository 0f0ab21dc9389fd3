/* The host's side: files are mapped, segments too, and staging buffers are the very memory that the program uses. */
#include "ld.h"

#include <string.h>

#define OPEN_MAX 1024

static void *memory(void *context, uint64_t *size)
{
    (void)context;
    *size = (*size + 4095) & ~4095ull;
    return system_map(0, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void release(void *context, void *block, uint64_t size)
{
    (void)context;
    system_unmap(block, size);
}

struct file_status {
    uint64_t device, inode, words[4];
    int64_t size;
    uint64_t more[20];
};

/* Files stay open until their segments are mapped. */
static struct open_file {
    const uint8_t *bytes;
    int number;
} open_files[OPEN_MAX];

static int take_open(const uint8_t *bytes)
{
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (open_files[i].bytes == bytes) {
            open_files[i].bytes = NULL;
            return open_files[i].number;
        }
    return -1;
}

static void keep_open(const uint8_t *bytes, int number)
{
    for (size_t i = 0; i < OPEN_MAX; i++)
        if (!open_files[i].bytes) {
            open_files[i] = (struct open_file){bytes, number};
            return;
        }
}

bool ld_view(const char *path, struct file_view *file)
{
    int64_t number = system_call(SYS_OPEN, (uint64_t)path, 0, 0, 0, 0, 0);
    struct file_status status;
    if (number < 0)
        return false;
    bool good = system_call(SYS_FSTAT, (uint64_t)number, (uint64_t)&status, 0, 0, 0, 0) == 0 && status.size > 64;
    const uint8_t *bytes = good ? system_map(0, (uint64_t)status.size, PROT_READ, MAP_PRIVATE, (int)number, 0) : NULL;
    if (bytes)
        keep_open(bytes, (int)number);
    else
        system_call(SYS_CLOSE, (uint64_t)number, 0, 0, 0, 0, 0);
    *file = (struct file_view){.bytes = bytes, .size = (uint64_t)status.size, .file_id = status.inode};
    return bytes && memcmp(bytes, "\177ELF", 4) == 0;
}

static bool is_own_name(const char *name)
{
    static const char *const names[] = {"libc.so.6", "ld-linux-x86-64.so.2", "libdl.so.2", "libpthread.so.0"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool open_file(void *context, const struct module *referrer, const char *name, struct file_view *file)
{
    (void)context;
    (void)referrer;
    if (is_own_name(name)) {
        *file = ld.itself;
        return true;
    }
    char path[4096];
    bool plain = true;
    for (const char *at = name; *at; at++)
        plain = plain && *at != '/';
    if (!plain)
        return ld_view(name, file);
    for (const char *at = ld.library_path; at && *at; at += *at == ':') {
        size_t length = 0, name_length = strlen(name);
        for (; *at && *at != ':'; at++)
            if (length < sizeof path - 1)
                path[length++] = *at;
        if (length + name_length + 2 > sizeof path)
            continue;
        path[length++] = '/';
        memcpy(path + length, name, name_length + 1);
        if (ld_view(path, file))
            return true;
    }
    return false;
}

static int protection_of(const struct segment *segment)
{
    return (segment->flags & PF_R ? PROT_READ : 0) | (segment->flags & PF_W ? PROT_WRITE : 0) |
           (segment->flags & PF_X ? PROT_EXEC : 0);
}

/* The file's pages, privately; what lies beyond them in the last page, and behind it, is zero. */
static bool map_segments(const struct module *module, uint64_t bias)
{
    int number = take_open(module->file.bytes);
    bool good = number >= 0;
    for (unsigned i = 0; i < module->segment_count && good; i++) {
        const struct segment *segment = &module->segments[i];
        uint64_t head = segment->address - segment->page_address, start = bias + segment->page_address;
        uint64_t from_file = segment->file_size ? (head + segment->file_size + 4095) & ~4095ull : 0;
        if (from_file > segment->pages_size)
            from_file = segment->pages_size;
        good = !from_file || system_map(start, from_file, protection_of(segment), MAP_PRIVATE | MAP_FIXED, number,
                                        segment->file_offset - head);
        if (good && from_file < segment->pages_size)
            good = system_map(start + from_file, segment->pages_size - from_file, protection_of(segment),
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        if (good && from_file && segment->file_size < segment->memory_size)
            memset((uint8_t *)start + head + segment->file_size, 0, from_file - head - segment->file_size);
    }
    if (number >= 0)
        system_call(SYS_CLOSE, (uint64_t)number, 0, 0, 0, 0, 0);
    return good;
}

static bool place(void *context, const struct module *module, uint64_t *bias)
{
    (void)context;
    if (module->file.in_place) {
        *bias = ld.base;
        return true;
    }
    if (module == ld.link.results.first && ld.program_is_mapped) {
        *bias = ld.program_base;
        return true;
    }
    uint64_t size = module->high - module->low;
    uint8_t *area = system_map(0, size + module->align, 0, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!area)
        return false;
    uint64_t start = ((uint64_t)area + module->align - 1) & -module->align;
    if (start != (uint64_t)area)
        system_unmap(area, start - (uint64_t)area);
    system_unmap((void *)(start + size), (uint64_t)area + module->align - start);
    *bias = start - module->low;
    return map_segments(module, *bias);
}

static void *stage(void *context, const struct module *module, const struct segment *segment, bool *filled)
{
    (void)context;
    static bool mapped;
    *filled = true;
    if (module == ld.link.results.first && ld.program_is_mapped)
        return (void *)(module->bias + segment->page_address);
    if (module->type == ET_EXEC && !mapped && !(mapped = map_segments(module, 0)))
        return NULL;
    return (void *)(module->bias + segment->page_address);
}

static void drop(void *context, struct module *module)
{
    (void)context;
    if (module->file.in_place)
        return;
    system_unmap((void *)(module->bias + module->low), module->high - module->low);
    system_unmap((void *)module->file.bytes, module->file.size);
}

static bool report(void *context, const struct report *about)
{
    (void)context;
    report_text(about, ld.error, sizeof ld.error);
    if (ld.quiet)
        return false;
    system_say("ld: ");
    system_say(ld.error);
    system_say("\n");
    return true;
}

static void binding(void *context, const struct link_binding *bound)
{
    (void)context;
    char line[1024];
    binding_text(bound, line, sizeof line);
    system_say(line);
    system_say("\n");
}

static uint64_t call_resolver(void *context, uint64_t resolver)
{
    (void)context;
    return ((uint64_t(*)(void))resolver)();
}

void ld_host(struct link_host *host)
{
    *host = (struct link_host){
        .memory = memory,
        .release = release,
        .open = open_file,
        .place = place,
        .stage = stage,
        .drop = drop,
        .report = report,
        .binding = ld.trace ? binding : NULL,
        .call_resolver = call_resolver,
        .define = ld_define,
    };
}

void ld_protect(const struct module *fresh)
{
    for (const struct module *module = fresh; module; module = module->next)
        for (unsigned i = 0; i < module->segment_count && !module->file.in_place; i++)
            if (module->segments[i].relro_size)
                system_call(SYS_MPROTECT, module->bias + module->segments[i].relro_address,
                            module->segments[i].relro_size, PROT_READ, 0, 0, 0);
}
