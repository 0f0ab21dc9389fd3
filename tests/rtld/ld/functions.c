/* What programs call: dlopen and its relatives, over the link of this process; and the list for debuggers. */
#include "ld.h"

#include <string.h>

#define RTLD_NOLOAD 4
#define RTLD_DEEPBIND 8
#define RTLD_GLOBAL 0x100
#define RTLD_NODELETE 0x1000
#define RTLD_DEFAULT ((void *)0)
#define RTLD_NEXT ((void *)-1)
#define ENTRIES_MAX 64

struct link_map {
    uint64_t l_addr;
    const char *l_name;
    const void *l_ld;
    struct link_map *l_next, *l_prev;
};

struct r_debug {
    int r_version;
    struct link_map *r_map;
    uint64_t r_brk;
    int r_state;
    uint64_t r_ldbase;
};

EXPORT struct r_debug _r_debug;
static struct link_map entries[ENTRIES_MAX];
static bool failed;

/* A debugger puts a breakpoint here. */
EXPORT __attribute__((noinline)) void _dl_debug_state(void)
{
    __asm__ volatile("");
}

void ld_tell_debugger(int state)
{
    size_t count = 0;
    if (state == 0)
        for (const struct module *module = ld.link.results.first; module && count < ENTRIES_MAX; module = module->next, count++) {
            entries[count] = (struct link_map){
                .l_addr = module->bias,
                .l_name = count ? module->name : "",
                .l_ld = (const void *)(module->bias + module->dynamic_address),
                .l_prev = count ? &entries[count - 1] : NULL,
            };
            if (count)
                entries[count - 1].l_next = &entries[count];
        }
    _r_debug = (struct r_debug){1, entries, (uint64_t)_dl_debug_state, state, ld.base};
    _dl_debug_state();
}

void ld_call_all(const uint64_t *functions, size_t count)
{
    /* They may open objects themselves, which ends the list's life. */
    uint64_t copy[count ? count : 1];
    memcpy(copy, functions, count * sizeof *copy);
    for (size_t i = 0; i < count; i++)
        ((void (*)(int, char **, char **))copy[i])(ld.argument_count, ld.arguments, ld.environment);
}

void ld_finish(void)
{
    if (link_finish(&ld.link))
        ld_call_all(ld.link.results.finalizers, ld.link.results.finalizer_count);
}

static struct module *open_and_start(const char *name, unsigned flags)
{
    struct link *link = &ld.link;
    struct module *module = link_open(link, name, flags);
    if (!module || (link->results.fresh && !(link_place(link) && link_relocate(link) && link_order(link)))) {
        link_abandon(link);
        return NULL;
    }
    if (!link->results.fresh)
        return module;
    ld_tell_debugger(1);
    ld_protect(link->results.fresh);
    for (const struct module *fresh = link->results.fresh; fresh; fresh = fresh->next)
        ld_threads_initialize(fresh);
    link_commit(link);
    ld_tell_debugger(0);
    ld_call_all(link->results.initializers, link->results.initializer_count);
    return module;
}

EXPORT void *dlopen(const char *name, int mode)
{
    unsigned flags = (mode & RTLD_GLOBAL ? LINK_OPEN_GLOBAL : 0) | (mode & RTLD_NOLOAD ? LINK_OPEN_LOADED : 0) |
                     (mode & RTLD_NODELETE ? LINK_OPEN_KEEP : 0) | (mode & RTLD_DEEPBIND ? LINK_OPEN_DEEPBIND : 0);
    ld_lock();
    struct module *module = open_and_start(name, flags);
    failed = !module;
    ld_unlock();
    return module;
}

EXPORT int dlclose(void *handle)
{
    ld_lock();
    if (link_close(&ld.link, handle)) {
        ld_call_all(ld.link.results.finalizers, ld.link.results.finalizer_count);
        ld_tell_debugger(2);
        link_sweep(&ld.link);
        ld_tell_debugger(0);
    }
    ld_unlock();
    return 0;
}

void *__tls_get_addr(const uint64_t index[2]);

static void *find(void *handle, const char *name, const char *version, uint64_t caller)
{
    struct link_symbol found;
    const struct module *module = handle;
    enum link_scope scope = LINK_SCOPE_CLOSURE;
    if (handle == RTLD_DEFAULT || handle == RTLD_NEXT) {
        scope = handle == RTLD_DEFAULT ? LINK_SCOPE_DEFAULT : LINK_SCOPE_NEXT;
        module = link_module_at(&ld.link, caller);
    }
    if (!link_find(&ld.link, scope, module, name, version, &found)) {
        failed = true;
        return NULL;
    }
    if ((found.symbol->st_info & 15) == STT_GNU_IFUNC)
        return ((void *(*)(void))found.address)();
    if ((found.symbol->st_info & 15) == STT_TLS)
        return __tls_get_addr((uint64_t[]){found.module->tls_module, found.address});
    return (void *)found.address;
}

EXPORT void *dlsym(void *handle, const char *name)
{
    ld_lock();
    void *address = find(handle, name, NULL, (uint64_t)__builtin_return_address(0));
    ld_unlock();
    return address;
}

EXPORT void *dlvsym(void *handle, const char *name, const char *version)
{
    ld_lock();
    void *address = find(handle, name, version, (uint64_t)__builtin_return_address(0));
    ld_unlock();
    return address;
}

EXPORT const char *dlerror(void)
{
    const char *text = failed ? ld.error : NULL;
    failed = false;
    return text;
}

struct dl_info {
    const char *file;
    void *base;
    const char *symbol;
    void *address;
};

EXPORT int dladdr(const void *address, struct dl_info *info)
{
    ld_lock();
    const struct module *module = link_module_at(&ld.link, (uint64_t)address);
    if (module) {
        const struct elf_symbol *symbol = module_symbol_at(module, (uint64_t)address - module->bias);
        *info = (struct dl_info){module->name, (void *)(module->bias + module->low), NULL, NULL};
        if (symbol) {
            info->symbol = module_string(module, symbol->st_name);
            info->address = (void *)(module->bias + symbol->st_value);
        }
    }
    ld_unlock();
    return module != NULL;
}

struct dl_phdr_info {
    uint64_t dlpi_addr;
    const char *dlpi_name;
    const void *dlpi_phdr;
    uint16_t dlpi_phnum;
    uint64_t dlpi_adds, dlpi_subs;
    uint64_t dlpi_tls_modid;
    void *dlpi_tls_data;
};

EXPORT int dl_iterate_phdr(int (*function)(struct dl_phdr_info *, size_t, void *), void *context)
{
    int result = 0;
    ld_lock();
    for (const struct module *module = ld.link.results.first; module && !result; module = module->next) {
        struct dl_phdr_info info = {
            .dlpi_addr = module->bias,
            .dlpi_name = module == ld.link.results.first ? "" : module->name,
            .dlpi_phdr = (const void *)(module->bias + module->headers_address),
            .dlpi_phnum = (uint16_t)module->header_count,
            .dlpi_tls_modid = module->tls_module,
        };
        result = function(&info, sizeof info, context);
    }
    ld_unlock();
    return result;
}

static long host_answer(void)
{
    return 42;
}

static long host_number = 17;

/* Names that this linker defines itself, after every object; one has a version. */
const struct elf_symbol *ld_define(void *context, const char *name, const char *version)
{
    static struct elf_symbol symbols[] = {
        {.st_info = STB_GLOBAL << 4 | STT_FUNC, .st_shndx = SHN_ABS},
        {.st_info = STB_GLOBAL << 4 | STT_OBJECT, .st_shndx = SHN_ABS},
        {.st_info = STB_GLOBAL << 4 | STT_FUNC, .st_shndx = SHN_ABS},
    };
    (void)context;
    symbols[0].st_value = symbols[2].st_value = (uint64_t)host_answer;
    symbols[1].st_value = (uint64_t)&host_number;
    if (strcmp(name, "host_answer") == 0)
        return &symbols[0];
    if (strcmp(name, "host_number") == 0)
        return &symbols[1];
    return strcmp(name, "host_versioned") == 0 && version && strcmp(version, "HOST_1") == 0 ? &symbols[2] : NULL;
}
