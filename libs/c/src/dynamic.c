/* dlopen and its relatives: the loader service does the work, here runs what must run in this process. Names, flags
 * and answers are POSIX' and glibc's; a handle is the address of the object's struct start_module, which begins as
 * a struct link_map. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dynlink.h"
#include "libc.h"
#include "lock.h"
#include "pthread_impl.h"

#include <protocol/loader.h>
#include <system/call.h>
#include <system/start.h>

#include "atexit.h"
#include "opened.h"
#include "tls.h"

typedef void procedure(void);

/* One thread at a time opens and closes; what it runs meanwhile may do so too. */
static pthread_mutex_t opening = {._m_type = PTHREAD_MUTEX_RECURSIVE};
/* Held while the list of modules changes, and while it is read by who does not open or close. */
static pthread_mutex_t reading = {._m_type = PTHREAD_MUTEX_RECURSIVE};

static void list_changes(void)
{
    pthread_mutex_lock(&reading);
    LOCK(__tls_lockptr);
}

static void list_changed(void)
{
    UNLOCK(__tls_lockptr);
    pthread_mutex_unlock(&reading);
}

static const struct start_link *list(void)
{
    return (const struct start_link *)(uintptr_t)sys_start_info()->link;
}

static const struct start_module *module_at(uint64_t address)
{
    return (const struct start_module *)(uintptr_t)address;
}

static int is_static(void)
{
    if (list())
        return 0;
    __dl_seterr("this program is linked statically: it cannot load objects");
    return 1;
}

/* Debuggers stop here to look at the list again. */
__attribute__((noinline)) void _dl_debug_state(void)
{
    __asm__ volatile("");
}

/* What came: its indirect functions, thread-local data and constructors. False: no memory, and none of them ran. */
static bool start_opened(const struct loader_opened *opened, const uint64_t *words, uint64_t generation)
{
    const struct start_resolver *resolvers = (const void *)words;
    const struct start_range *ranges = (const void *)(resolvers + opened->resolver_count);
    const struct loader_object *objects = (const void *)(ranges + opened->relro_count);
    struct opened_object *first;
    _dl_debug_state();
    __tls_take_in(generation);
    if (!__opened_prepare(&first, objects, opened->object_count, (const void *)(objects + opened->object_count)))
        return false;
    __run_resolvers(resolvers, opened->resolver_count, ranges, opened->relro_count);
    __opened_construct(first);
    return true;
}

static uint64_t flags_of(int mode)
{
    const char *now = getenv("LD_BIND_NOW");
    bool is_lazy = !(mode & RTLD_NOW) && !(now && *now);
    return (mode & RTLD_GLOBAL ? LOADER_OPEN_GLOBAL : 0) | (mode & RTLD_NOLOAD ? LOADER_OPEN_LOADED : 0) |
           (mode & RTLD_NODELETE ? LOADER_OPEN_KEEP : 0) | (mode & RTLD_DEEPBIND ? LOADER_OPEN_DEEPBIND : 0) |
           (is_lazy ? LOADER_OPEN_LAZY : 0);
}

static void *open_object(const char *name, int mode)
{
    uint64_t size = LOADER_REPLY_MAX, generation = list()->tls_generation, added = list()->added;
    struct loader_opened opened;
    uint64_t *words = __libc_malloc(size);
    list_changes();
    int64_t status = words ? loader_open(name ? name : "", flags_of(mode), &opened, words, &size) : STATUS_NO_MEMORY;
    list_changed();
    bool good = status == STATUS_OK && (list()->added == added || start_opened(&opened, words, generation));
    if (status == STATUS_OK && !good) {
        dlclose((void *)(uintptr_t)opened.handle);
        status = STATUS_NO_MEMORY;
    }
    if (status == STATUS_NOT_FOUND && size)
        __dl_seterr("%s", (const char *)words);
    else if (status == STATUS_TOO_LONG)
        __dl_seterr("a name of %zu bytes is longer than the loader service takes, which is %d", strlen(name), LOADER_SYMBOL_MAX - 1);
    else if (!good)
        __dl_seterr("%s: the loader service answers with status %d", name ? name : "", (int)status);
    __libc_free(words);
    return good ? (void *)(uintptr_t)opened.handle : 0;
}

void *dlopen(const char *name, int mode)
{
    if (is_static())
        return 0;
    pthread_mutex_lock(&opening);
    void *handle = open_object(name, mode);
    pthread_mutex_unlock(&opening);
    return handle;
}

static bool is_listed(uint64_t handle)
{
    pthread_mutex_lock(&reading);
    uint64_t at = list() ? list()->first : 0;
    while (at && at != handle)
        at = module_at(at)->next;
    pthread_mutex_unlock(&reading);
    return at;
}

hidden int __dl_invalid_handle(void *handle)
{
    if (is_listed((uintptr_t)handle))
        return 0;
    __dl_seterr("%p is no handle of an open object", handle);
    return 1;
}

/* Objects that a destructor of thread-local data is pending for: they stay. */
struct pins {
    uint64_t handle[LOADER_PINS_MAX], count;
    const struct start_module *opened; /* the first one that may go */
};

static void pin(void *context, uintptr_t address)
{
    struct pins *pins = context;
    const struct start_module *module = pins->opened;
    while (module && address - module->low >= module->high - module->low)
        module = module_at(module->next);
    if (!module)
        return;
    for (uint64_t i = 0; i < pins->count; i++)
        if (pins->handle[i] == module->address)
            return;
    if (pins->count < LOADER_PINS_MAX)
        pins->handle[pins->count] = module->address;
    pins->count++;
}

static void find_pins(struct pins *pins)
{
    pins->count = 0;
    pins->opened = module_at(list()->first);
    for (uint64_t i = sys_start_info()->module_count; i-- && pins->opened;)
        pins->opened = module_at(pins->opened->next);
    __thread_atexit_visit(pin, pins);
}

/* Handles of what goes, the last constructed first. */
struct closed {
    struct closed *next;
    uint64_t count, handles[];
};

/* Destructors, and what was registered for the end. */
static void end_objects(const struct closed *closed)
{
    for (uint64_t i = 0; i < closed->count; i++) {
        const struct start_module *module = module_at(closed->handles[i]);
        __opened_destruct(closed->handles[i]);
        __atexit_leave(&(struct address_range){module->low, module->high});
    }
}

/* What a destructor closes ends after what is ending now, and all of it is unmapped when the last has ended. */
static int64_t end_closed(struct closed *closed)
{
    static struct closed *first;
    struct closed **last = &first;
    while (*last)
        last = &(*last)->next;
    *last = closed;
    if (first != closed)
        return STATUS_OK;
    while (first) {
        end_objects(first);
        struct closed *done = first;
        first = done->next;
        __libc_free(done);
    }
    list_changes();
    int64_t status = loader_sweep();
    list_changed();
    _dl_debug_state();
    __tls_leave();
    return status;
}

static int close_object(void *handle)
{
    struct pins pins;
    if (__dl_invalid_handle(handle))
        return -1;
    find_pins(&pins);
    if (pins.count > LOADER_PINS_MAX) {
        __dl_seterr("destructors of thread-local data are pending for more than %d objects", LOADER_PINS_MAX);
        return -1;
    }
    uint64_t size = LOADER_REPLY_MAX;
    struct closed *closed = __libc_malloc(sizeof *closed + size);
    int64_t status = closed ? loader_close((uintptr_t)handle, pins.handle, pins.count, closed->handles, &size)
                            : STATUS_NO_MEMORY;
    if (status > 0) {
        closed->next = 0;
        closed->count = size / sizeof *closed->handles;
        status = end_closed(closed);
    } else {
        __libc_free(closed);
    }
    if (status == STATUS_NOT_FOUND)
        __dl_seterr("%p is no handle of an open object", handle);
    else if (status < 0)
        __dl_seterr("the loader service answers with status %d", (int)status);
    return status < 0 ? -1 : 0;
}

int dlclose(void *handle)
{
    if (is_static())
        return -1;
    pthread_mutex_lock(&opening);
    int result = close_object(handle);
    pthread_mutex_unlock(&opening);
    return result;
}

static void *find(void *handle, const char *name, const char *version, uintptr_t caller)
{
    if (is_static())
        return 0;
    enum loader_scope scope = handle == RTLD_DEFAULT ? LOADER_SCOPE_DEFAULT
                              : handle == RTLD_NEXT  ? LOADER_SCOPE_NEXT
                                                     : LOADER_SCOPE_CLOSURE;
    if (scope == LOADER_SCOPE_CLOSURE && __dl_invalid_handle(handle))
        return 0;
    struct loader_symbol symbol;
    uint64_t where = scope == LOADER_SCOPE_CLOSURE ? (uintptr_t)handle : caller;
    int64_t status = loader_symbol(scope, where, name, version, &symbol);
    if (status == STATUS_TOO_LONG) {
        __dl_seterr("a symbol's name of %zu bytes is longer than the loader service takes, which is %d with its version",
                    strlen(name), LOADER_SYMBOL_MAX - 2);
        return 0;
    }
    if (status != STATUS_OK) {
        __dl_seterr("symbol not found: %s%s%s", name, version ? ", version " : "", version ? version : "");
        return 0;
    }
    if (symbol.module)
        return __tls_get_addr((tls_mod_off_t[]){symbol.module, symbol.address});
    if (symbol.indirect)
        return ((void *(*)(void))(uintptr_t)symbol.address)();
    return (void *)(uintptr_t)symbol.address;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
    return find(handle, name, 0, (uintptr_t)__builtin_return_address(0));
}

void *dlvsym(void *restrict handle, const char *restrict name, const char *restrict version)
{
    return find(handle, name, version, (uintptr_t)__builtin_return_address(0));
}

int dladdr(const void *address, Dl_info *info)
{
    uint64_t handle, name, symbol;
    if (!list() || loader_address((uintptr_t)address, &handle, &name, &symbol) != STATUS_OK)
        return 0;
    *info = (Dl_info){
        .dli_fname = (const char *)(uintptr_t)module_at(handle)->name,
        .dli_fbase = (void *)(uintptr_t)module_at(handle)->low,
        .dli_sname = name ? (const char *)(uintptr_t)name : 0,
        .dli_saddr = symbol ? (void *)(uintptr_t)symbol : 0,
    };
    return 1;
}

extern weak hidden const ElfW(Dyn) _DYNAMIC[];

/* A program that the kernel placed knows itself by its auxiliary vector. GNU ld gives static programs no PT_PHDR. */
static struct dl_phdr_info own_headers(void)
{
    struct dl_phdr_info info = {.dlpi_name = ""};
    for (size_t i = 0; libc.auxv[i]; i += 2) {
        if (libc.auxv[i] == AT_PHDR)
            info.dlpi_phdr = (const ElfW(Phdr) *)libc.auxv[i + 1];
        if (libc.auxv[i] == AT_PHNUM)
            info.dlpi_phnum = (ElfW(Half))libc.auxv[i + 1];
    }
    for (int i = 0; i < info.dlpi_phnum; i++)
        if (info.dlpi_phdr[i].p_type == PT_PHDR)
            info.dlpi_addr = (uintptr_t)info.dlpi_phdr - info.dlpi_phdr[i].p_vaddr;
        else if (info.dlpi_phdr[i].p_type == PT_DYNAMIC && _DYNAMIC)
            info.dlpi_addr = (uintptr_t)_DYNAMIC - info.dlpi_phdr[i].p_vaddr;
    return info;
}

int dl_iterate_phdr(int (*function)(struct dl_phdr_info *, size_t, void *), void *context)
{
    if (!list()) {
        struct dl_phdr_info info = own_headers();
        return function(&info, sizeof info, context);
    }
    int result = 0;
    pthread_mutex_lock(&reading);
    for (uint64_t at = list()->first; at && !result; at = module_at(at)->next) {
        const struct start_module *module = module_at(at);
        struct dl_phdr_info info = {
            .dlpi_addr = module->base,
            .dlpi_name = at == list()->first ? "" : (const char *)(uintptr_t)module->name,
            .dlpi_phdr = (const void *)(uintptr_t)module->program_headers,
            .dlpi_phnum = (ElfW(Half))module->program_header_count,
            .dlpi_adds = list()->added,
            .dlpi_subs = list()->removed,
            .dlpi_tls_modid = module->tls_module,
            .dlpi_tls_data = module->tls_module ? __tls_get_addr((tls_mod_off_t[]){module->tls_module, 0}) : 0,
        };
        result = function(&info, sizeof info, context);
    }
    pthread_mutex_unlock(&reading);
    return result;
}
