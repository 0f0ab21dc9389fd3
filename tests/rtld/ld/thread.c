/* Threads and their data: a static block below the thread pointer, blocks of later modules made at first use. */
#include "ld.h"

#include <string.h>

#define MODULES_MAX 64
#define STACK_SIZE (256 << 10)

struct tls_index {
    uint64_t module, offset;
};

/* What the thread pointer points at; the first word and the stack protector's word (0x28) are the psABI's. */
struct thread {
    struct thread *self;
    uint64_t generation;       /* of the link, when the table was looked at last */
    uint64_t made[MODULES_MAX]; /* generation of each block's module */
    uint8_t *block[MODULES_MAX]; /* by module id less one */
    volatile int id;           /* the kernel clears it when the thread ends */
    void *result;
    struct thread *next;       /* of all that ever were */
};

static struct thread *threads;

uint64_t ld_thread_pointer(void)
{
    uint64_t pointer;
    __asm__("mov %%fs:0, %0" : "=r"(pointer));
    return pointer;
}

void ld_lock(void)
{
    uint64_t self = ld_thread_pointer();
    if (ld.lock && ld.owner == self) {
        ld.depth++;
        return;
    }
    while (__atomic_exchange_n(&ld.lock, 1, __ATOMIC_ACQUIRE))
        ;
    ld.owner = self;
    ld.depth = 1;
}

void ld_unlock(void)
{
    if (--ld.depth)
        return;
    ld.owner = 0;
    __atomic_store_n(&ld.lock, 0, __ATOMIC_RELEASE);
}

static void *zeroed(uint64_t size, uint64_t align)
{
    uint64_t area = (uint64_t)system_map(0, size + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return area ? (void *)((area + align - 1) & -align) : NULL;
}

static void copy_module(uint8_t *block, const struct module *module)
{
    memcpy(block, (const void *)(module->bias + module->tls_image), module->tls_image_size);
}

static struct thread *new_thread(void)
{
    uint64_t align = ld.link.results.tls_align > 64 ? ld.link.results.tls_align : 64;
    uint64_t below = (ld.link.results.tls_size + align - 1) & -align;
    uint8_t *area = zeroed(below + sizeof(struct thread), align);
    if (!area)
        system_exit(127);
    struct thread *thread = (struct thread *)(area + below);
    thread->self = thread;
    thread->next = threads;
    threads = thread;
    thread->generation = ld.link.results.tls_generation;
    for (const struct module *module = ld.link.results.first; module; module = module->next)
        if (module->tls_is_static && module->tls_module <= MODULES_MAX) {
            uint8_t *block = (uint8_t *)thread + module->tls_offset;
            copy_module(block, module);
            thread->block[module->tls_module - 1] = block;
            thread->made[module->tls_module - 1] = module->tls_generation;
        }
    return thread;
}

void ld_threads_initialize(const struct module *module)
{
    for (struct thread *thread = threads; thread && module->tls_is_static; thread = thread->next) {
        memset((uint8_t *)thread + module->tls_offset, 0, module->tls_size); /* of another library before */
        copy_module((uint8_t *)thread + module->tls_offset, module);
    }
}

void ld_thread_start(void)
{
    system_call(SYS_ARCH_PRCTL, ARCH_SET_FS, (uint64_t)new_thread(), 0, 0, 0, 0);
}

/* Objects came or went since this thread looked: blocks of modules that went are not those of their successors. */
static void catch_up(struct thread *thread)
{
    for (uint64_t i = 0; i < MODULES_MAX; i++) {
        const struct module *module = ld.link.results.first;
        while (module && module->tls_module != i + 1)
            module = module->next;
        if (!module || thread->made[i] != module->tls_generation)
            thread->block[i] = NULL;
    }
    thread->generation = ld.link.results.tls_generation;
}

static uint8_t *make_block(struct thread *thread, uint64_t id)
{
    const struct module *module = ld.link.results.first;
    while (module && module->tls_module != id)
        module = module->next;
    if (!module || id > MODULES_MAX) {
        system_say("ld: no such thread-local module\n");
        system_exit(127);
    }
    uint64_t remainder = module->tls_image & (module->tls_align - 1);
    uint8_t *block = module->tls_is_static ? (uint8_t *)thread + module->tls_offset
                                          : zeroed(remainder + module->tls_size, module->tls_align);
    if (!block)
        system_exit(127);
    if (!module->tls_is_static)
        block += remainder; /* as p_vaddr has it */
    copy_module(block, module);
    thread->block[id - 1] = block;
    thread->made[id - 1] = module->tls_generation;
    return block;
}

EXPORT void *__tls_get_addr(const struct tls_index *index)
{
    struct thread *thread = (struct thread *)ld_thread_pointer();
    if (thread->generation != ld.link.results.tls_generation || !thread->block[index->module - 1]) {
        ld_lock();
        if (thread->generation != ld.link.results.tls_generation)
            catch_up(thread);
        if (!thread->block[index->module - 1])
            make_block(thread, index->module);
        ld_unlock();
    }
    return thread->block[index->module - 1] + index->offset;
}

/* The second word of a dynamic descriptor, as <rtld/link.h> says. Called with the compiler's registers in use. */
HIDDEN __attribute__((target("general-regs-only"))) uint64_t ld_descriptor_address(uint64_t word)
{
    struct tls_index index = {word >> 40, word & ((1ull << 40) - 1)};
    return (uint64_t)__tls_get_addr(&index);
}

HIDDEN int64_t ld_clone(uint64_t flags, void *stack, void *pointer, volatile int *id, void *(*function)(void *),
                        void *argument);

struct start {
    void *(*function)(void *);
    void *argument;
    struct thread *thread;
};

static void *run(void *context)
{
    struct start *start = context;
    start->thread->result = start->function(start->argument);
    return NULL;
}

EXPORT int pthread_create(struct thread **thread, const void *attributes, void *(*function)(void *), void *argument)
{
    (void)attributes;
    ld_lock();
    struct thread *fresh = new_thread();
    ld_unlock();
    uint8_t *stack = zeroed(STACK_SIZE, 4096);
    struct start *start = (struct start *)(stack + STACK_SIZE - sizeof *start - 8);
    *start = (struct start){function, argument, fresh};
    *thread = fresh;
    fresh->id = 1;
    return ld_clone(CLONE_THREAD_FLAGS, (void *)((uint64_t)start & -16ull), fresh, &fresh->id, run, start) < 0;
}

EXPORT int pthread_join(struct thread *thread, void **result)
{
    for (int id; (id = thread->id);)
        system_call(SYS_FUTEX, (uint64_t)&thread->id, 0, (uint64_t)id, 0, 0, 0);
    if (result)
        *result = thread->result;
    return 0;
}
