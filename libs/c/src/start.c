/* Where musl meets the start block: thread-local storage, constructors and destructors in the order that
 * the linker found. A program that the kernel placed has no module table; then the program's own tables
 * are used, as in any static program. These strong definitions win over musl's weak ones. */
#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dynlink.h"
#include "libc.h"
#include "pthread_impl.h"
#include "syscall.h"

#include <posix/spawn.h>
#include <posix/system_call.h>
#include <system/start.h>

#include "atexit.h"
#include "opened.h"
#include "tls.h"

#define TLS_ALIGN_MIN 16

typedef void procedure(void);

extern weak hidden procedure *const __preinit_array_start[], *const __preinit_array_end[];
extern weak hidden procedure *const __init_array_start[], *const __init_array_end[];
extern weak hidden procedure *const __fini_array_start[], *const __fini_array_end[];

int __libc_start_main(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void));

static struct {
    int count;
    char **words;
} arguments;

void __construct(uint64_t function)
{
    ((void (*)(int, char **, char **))(uintptr_t)function)(arguments.count, arguments.words,
                                                            __environ);
}

static void call_all(const uint64_t *addresses, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        ((procedure *)(uintptr_t)addresses[i])();
}

/* So many finalizers, at the end of the linker's list, are of objects whose initializers have returned. */
static uint64_t finalizers_due;

extern hidden const char __ehdr_start[], _end[];
/* A static program that has no use for these does not get them from here. */
extern weak __typeof(malloc) malloc;
extern weak __typeof(aligned_alloc) aligned_alloc;

/* Where the program brings a malloc of its own, musl's calloc and aligned_alloc must not take its blocks for libc's. */
static bool is_replaced(uintptr_t function)
{
    return function && function - (uintptr_t)__ehdr_start >= (uintptr_t)_end - (uintptr_t)__ehdr_start;
}

static void find_replaced(void)
{
    __malloc_replaced = is_replaced((uintptr_t)malloc);
    __aligned_alloc_replaced = is_replaced((uintptr_t)aligned_alloc);
}

static void start_objects(const struct start_info *info)
{
    const uint64_t *initializers = (const uint64_t *)(uintptr_t)info->initializers;
    const struct start_object *objects = (const struct start_object *)(uintptr_t)info->objects;
    for (uint64_t i = 0; i < info->object_count; i++) {
        for (uint64_t left = objects[i].initializer_count; left; left--)
            __construct(*initializers++);
        finalizers_due += objects[i].finalizer_count;
    }
}

void __libc_start_init(void)
{
    const struct start_info *info = sys_start_info();
    if (info->module_count) {
        find_replaced();
        __run_resolvers((const struct start_resolver *)(uintptr_t)info->resolvers, info->resolver_count,
                        (const struct start_range *)(uintptr_t)info->relro, info->relro_count);
        start_objects(info);
        return;
    }
    for (procedure *const *entry = __preinit_array_start; entry < __preinit_array_end; entry++)
        __construct((uintptr_t)*entry);
    for (procedure *const *entry = __init_array_start; entry < __init_array_end; entry++)
        __construct((uintptr_t)*entry);
}

/* A static program has these where it calls dlopen and atexit. */
static void nothing(void)
{
}
weak_alias(nothing, __opened_destruct_all);
weak_alias(nothing, __atexit_run);

/* A static program is one object, and all its finalizers run, though `exit` be called by an initializer: nothing says
 * which function of the one list belongs to which of the other. So do those of glibc and musl. */
static void run_destructors(void)
{
    const struct start_info *info = sys_start_info();
    if (info->module_count) {
        uint64_t due = info->module_count == 1 ? info->finalizer_count : finalizers_due;
        __opened_destruct_all();
        call_all((const uint64_t *)(uintptr_t)info->finalizers + info->finalizer_count - due, due);
        return;
    }
    for (procedure *const *entry = __fini_array_end; entry > __fini_array_start;)
        (*--entry)();
}

/* In exit, after the handlers, and before stdio is flushed. A destructor that calls exit ends the program: the others,
 * which may be in its middle, do not run. */
void __libc_exit_fini(void)
{
    static bool ending;
    if (ending)
        return;
    ending = true;
    run_destructors();
    __atexit_run(); /* what destructors registered */
}

static size_t align_up(size_t value, size_t align)
{
    return (value + align - 1) & -align;
}

/* The one template of a program that the kernel placed, in the linker's form. */
static uint64_t own_template(const size_t *aux, struct start_tls *own)
{
    const Elf64_Phdr *header = (const void *)aux[AT_PHDR], *tls = 0;
    size_t base = 0;
    for (size_t i = 0; i < aux[AT_PHNUM]; i++) {
        if (header[i].p_type == PT_PHDR)
            base = aux[AT_PHDR] - header[i].p_vaddr;
        if (header[i].p_type == PT_TLS)
            tls = &header[i];
    }
    if (!tls)
        return 0;
    size_t align = tls->p_align ? tls->p_align : 1;
    *own = (struct start_tls){
        .image = base + tls->p_vaddr,
        .image_size = tls->p_filesz,
        .size = tls->p_memsz,
        .align = align,
        /* psABI 3.4.2: the block ends at the thread pointer, and its start keeps p_vaddr's remainder. */
        .offset = tls->p_memsz + (-(size_t)(tls->p_memsz + tls->p_vaddr) & (align - 1)),
    };
    return 1;
}

void __init_tls(size_t *aux)
{
    const struct start_info *info = sys_start_info();
    const struct start_tls *templates = (const void *)(uintptr_t)info->tls;
    struct start_tls own;
    size_t count = info->tls_count, size = info->tls_size, align = info->tls_align;
    if (!info->module_count) {
        count = own_template(aux, &own);
        templates = &own;
        size = count ? own.offset : 0;
        align = count ? own.align : 1;
    }
    libc.tls_cnt = count;
    libc.tls_align = align > TLS_ALIGN_MIN ? align : TLS_ALIGN_MIN;
    libc.tls_size = align_up((count + 1) * sizeof(uintptr_t) + TLS_TABLE_END + size + libc.tls_align + sizeof(struct pthread), TLS_ALIGN_MIN);

    size_t modules_size = align_up(count * sizeof(struct tls_module), TLS_ALIGN_MIN);
    long mapped = __syscall(SYS_mmap, 0, modules_size + libc.tls_size, PROT_READ | PROT_WRITE,
                            MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (mapped < 0 && mapped > -4096)
        a_crash();
    struct tls_module *modules = (void *)mapped;
    for (size_t i = 0; i < count; i++)
        modules[i] = (struct tls_module){
            .next = i + 1 < count ? &modules[i + 1] : 0,
            .image = (void *)(uintptr_t)templates[i].image,
            .len = templates[i].image_size,
            .size = templates[i].size,
            .align = templates[i].align,
            .offset = templates[i].offset,
        };
    libc.tls_head = count ? modules : 0;
    if (__init_tp(__copy_tls((unsigned char *)mapped + modules_size)) < 0)
        a_crash();
}

_Noreturn void libc_start(int (*main)(int, char **, char **), uint64_t *stack)
{
    if (sys_start_info()->flags & START_MAY_BE_GIVEN)
        stack = (uint64_t *)posix_system_call(POSIX_CALL_TAKE_GIVEN, (long)stack, 0, 0, 0, 0, 0);
    arguments.count = (int)stack[0];
    arguments.words = (char **)(stack + 1);
    __libc_start_main(main, arguments.count, arguments.words, 0, 0, 0);
    __builtin_unreachable();
}
