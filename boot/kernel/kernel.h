/* The kernel's own types and functions. One CPU, one stack: kernel code runs with interrupts off from
 * entry to return, so nothing here locks. */
#ifndef KERNEL_H
#define KERNEL_H
#include <ambilink/abi.h>
#include <ambilink/image.h>
#include <ambilink/loaded.h>
#include <ambilink/record.h>
#include <bootimage/archive.h>
#include <hostlink/start_block.h>
#include <hostlink/start_stack.h>
#include <hostlink/target.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h" /* the target's */
#include <kernel/module.h>

#define PAGE_SIZE AMBILINK_PAGE_SIZE
#define PAGE_DOWN(x) ((x) & ~(uint64_t)(PAGE_SIZE - 1))
#define PAGE_UP(x) PAGE_DOWN((x) + PAGE_SIZE - 1)

/* Bytes. */
void *memory_copy(void *to, const void *from, size_t size);
void *memory_fill(void *to, int value, size_t size);
int memory_compare(const void *left, const void *right, size_t size);

/* The log; more in <kernel/module.h>. */
void log_text(const char *text, size_t size);
/* The machine ends: what no driver took is written all the same, as well as it goes. */
void log_end(void);
_Noreturn void panic(const char *format, ...);

/* Page frames: physical addresses; 0 is none. Frames come zeroed. */
#define REGION_MAX 16
void frames_add_region(uint64_t start, uint64_t end);
void frames_reserve(uint64_t start, uint64_t end);
void frames_ready(void);
uint64_t frames_highest(void);
uint64_t frame_alloc(void);
void frame_free(uint64_t frame);
bool frames_available(uint64_t count);
/* True when the whole range is memory that the machine has. */
bool frames_exist(uint64_t start, uint64_t end);

/* Page tables: physical address of the top-level table. `prot` is PROT_... */
extern uint64_t physical_offset; /* add to a physical address to reach it */
void *physical_pointer(uint64_t physical);
void page_table_init(void);
uint64_t page_table_create(void);
void page_table_destroy(uint64_t table);
extern uint64_t kernel_page_table;
/* Map a part of memory; false: no frame for a table, and nothing is mapped there. */
struct memory;
bool page_map(uint64_t table, uint64_t address, const struct memory *memory, uint64_t offset, uint64_t size, unsigned prot);
void page_unmap(uint64_t table, uint64_t address, uint64_t size);
/* The frame mapped at a user address, or 0; *prot may be NULL. */
uint64_t page_lookup(uint64_t table, uint64_t address, unsigned *prot);

/* Small objects, up to 2048 bytes, zeroed; NULL when memory ran out. */
void *pool_alloc(size_t size);
void pool_free(void *pointer, size_t size);

enum object_kind { OBJECT_NONE, OBJECT_SYSTEM, OBJECT_MEMORY, OBJECT_PROCESS, OBJECT_THREAD, OBJECT_ENDPOINT, OBJECT_REPLY };

struct object {
    uint32_t kind;
    uint32_t references;
};

void object_retain(void *object);
void object_release(void *object);

/* Memory objects: frames of their own, or a run of frames that existed before (the boot image). */
struct memory {
    struct object object;
    uint64_t size;       /* bytes, a multiple of the page size */
    uint64_t start;      /* first frame of a run; 0: frames of its own */
    uint64_t *frames;    /* its own, if they are few: a list from the pool */
    uint64_t **lists;    /* if they are many: a page of pages of them */
};

#define MEMORY_SIZE_MAX (512ull * 512 * PAGE_SIZE)
struct memory *memory_create(uint64_t size);
struct memory *memory_create_run(uint64_t start, uint64_t size);
void memory_destroy(struct memory *memory);
uint64_t memory_frame(const struct memory *memory, uint64_t offset);

/* Unused kernel addresses, for page_map with kernel_page_table; 0: none. */
uint64_t kernel_reserve(uint64_t size);
/* Contiguous kernel addresses of memory, which they keep; NULL: no room. */
void *kernel_map(struct memory *memory, uint64_t offset, uint64_t size, unsigned prot);
/* The same for fresh memory of its own, zeroed. */
void *kernel_alloc(uint64_t size);
void kernel_unmap(void *address);

struct mapping {
    struct mapping *next; /* ascending addresses */
    uint64_t start, end;
    struct memory *memory;
    uint64_t offset;
    unsigned prot;
};

struct handle_slot {
    struct object *object;
    uint64_t badge;
    uint32_t rights;
};

#define HANDLES_PER_PAGE (PAGE_SIZE / sizeof(struct handle_slot))
#define HANDLE_PAGES 16

struct endpoint;
struct thread;
struct linux_files;

struct process {
    struct object object;
    struct process_record record;
    struct mapping *mappings;
    struct mapping *near;        /* the last one that ends where somebody searched, or before; NULL: none */
    struct handle_slot *handles[HANDLE_PAGES];
    uint64_t handle_free;        /* all slots below this index are taken */
    uint64_t handle_end;         /* no slot from this index on was ever taken */
    uint64_t free_address;       /* the kernel chooses addresses from here on */
    uint64_t unused_address;     /* all between is mapped */
    struct endpoint *watcher;    /* told when the process ends */
    uint64_t watcher_badge;
    struct process *next_exited; /* in the watcher's list */
    uint64_t live_threads;
    bool calls_linux;            /* its system calls are Linux' */
    struct linux_files *linux_files; /* NULL: it opened none */
};

struct thread {
    struct object object;
    struct thread_record record;
    struct frame frame __attribute__((aligned(16)));
    uint8_t fpu[FPU_STATE_SIZE] __attribute__((aligned(16)));
    struct process *process;
    struct thread *next, *previous; /* in a queue */
    struct thread_queue *queue;
    uint64_t thread_pointer;
    uint64_t wake_instant;          /* nanoseconds, while THREAD_SLEEPING */
    struct reply *reply;            /* while THREAD_AWAITING_REPLY */
    uint64_t badge;                 /* of the handle called */
    uint64_t message_in, message_out; /* user addresses: what to send, where to receive */
    uint64_t reply_handle_out;
};

struct thread_queue {
    struct thread *first, *last;
};

struct endpoint {
    struct object object;
    struct endpoint_record record;
    struct thread_queue callers, receivers;
    struct process *exited;      /* watched processes that ended and nobody was told of */
    uint32_t receive_handles;    /* when the last goes, callers get STATUS_PEER_GONE */
};

struct reply {
    struct object object;
    struct thread *caller; /* NULL when the caller died */
};

/* Handles of a process. */
int64_t handle_insert(struct process *process, void *object, uint32_t rights, uint64_t badge);
struct handle_slot *handle_slot(struct process *process, handle_t handle);
/* The object if the handle has this kind and all these rights; else NULL and *status. */
void *handle_object(struct process *process, handle_t handle, enum object_kind kind, uint32_t rights, int64_t *status);
int64_t handle_close(struct process *process, handle_t handle);
/* Move a handle from one process to another; the new number or a status. */
int64_t handle_move(struct process *from, handle_t handle, struct process *to);
void handle_close_all(struct process *process);

/* Processes. */
struct process *process_create(const char *name, size_t length);
void process_destroy(struct process *process);
void process_end(struct process *process, unsigned state, int64_t status);
/* `address` 0: anywhere. Returns the address or a status. */
int64_t process_map(struct process *process, struct memory *memory, uint64_t offset, uint64_t size,
                    uint64_t address, unsigned prot);
/* An unused range, or 0. */
uint64_t process_find_unused(struct process *process, uint64_t size);
int64_t process_unmap(struct process *process, uint64_t address, uint64_t size);
int64_t process_protect(struct process *process, uint64_t address, uint64_t size, unsigned prot);

/* Copies between the kernel or a process and a process; false when a page is not there or not writable. */
bool user_read(struct process *process, void *to, uint64_t from, uint64_t size);
bool user_write(struct process *process, uint64_t to, const void *from, uint64_t size);
bool user_copy(struct process *to_process, uint64_t to, struct process *from_process, uint64_t from, uint64_t size);

/* Threads and the scheduler. */
extern struct thread *current_thread;
struct thread *thread_create(struct process *process, uint64_t entry, uint64_t stack, uint64_t argument);
void thread_destroy(struct thread *thread);
/* Called before the first thread of a process first runs, with kernel_record.beginning set. */
void process_begins(void);
void thread_end(struct thread *thread);
void thread_ready(struct thread *thread);
void thread_wake(struct thread *thread, int64_t result);
void thread_sleep(struct thread *thread, uint64_t nanoseconds);
void thread_queue_add(struct thread_queue *queue, struct thread *thread);
void thread_queue_remove(struct thread *thread);
/* Put the running thread behind its peers. */
void thread_yield(void);
/* The frame of the thread to run now: the running one while it is ready, else the next, else wait. */
struct frame *schedule(void);
void scheduler_wake_sleepers(void);

/* Endpoints. The *_user arguments are user addresses in the running process. */
struct endpoint *endpoint_create(struct process *server);
void endpoint_receive_handle_added(struct endpoint *endpoint);
void endpoint_receive_handle_closed(struct endpoint *endpoint);
void endpoint_destroy(struct endpoint *endpoint);
int64_t endpoint_call(struct endpoint *endpoint, uint64_t badge, uint64_t request_user, uint64_t reply_user);
int64_t endpoint_receive(struct endpoint *endpoint, uint64_t request_user, uint64_t handle_user);
int64_t endpoint_reply(handle_t handle, uint64_t message_user);
void endpoint_process_exited(struct endpoint *endpoint, struct process *process);
void reply_destroy(struct reply *reply);

/* Clock. */
void clock_init(void);
void clock_tick(void);
uint64_t clock_since_boot(void);
uint64_t clock_wall(void);

/* Addresses and seeds; the same seed gives the same numbers (SplitMix64). */
void random_init(uint64_t seed);
uint64_t random_next(void);

/* The machine itself: behind the handle to the log and to the power switch. */
void *system_object_pointer(void);

/* The boot image and the first process. */
struct image_place { /* image.c */
    uint64_t address, size; /* physical; written by the packer */
};
extern struct image_place image_place;
extern struct kernel_record kernel_record;

struct boot_image {
    struct archive archive;
    struct memory *run;     /* the same as memory */
    uint8_t *checked;       /* by file index: the checksum was found right */
    uint32_t failures;      /* of services and modules */
    struct linker linker;   /* of processes with its programs */
};
extern struct boot_image boot_image;
void boot_image_open(void);
const char *boot_image_name(const struct image_file *file);
/* A file is trusted once its checksum was found right; false: refused, and told. */
bool boot_image_check(const struct image_file *file);

/* Load the kernel's modules; what fails is told, and counted. */
void modules_load(void);

/* Start the loader service, and before it what the kernel links. */
void services_start(const char *command_line);
/* Start a service that the kernel links, for a caller who gets handles; a status. */
int64_t service_start(uint32_t index, struct process *caller, struct loaded_process *loaded);

/* Programs that are placed, not linked: ET_EXEC, static PIE, or a dynamic one beside its interpreter. */
struct program {
    uint64_t entry;             /* its own */
    uint64_t start;             /* the first instruction: entry, or the interpreter's */
    uint64_t base, program_headers, program_header_count;
    uint64_t interpreter;       /* base of it; 0: none */
    char interpreter_name[128]; /* PT_INTERP without a leading "/", or "" */
};
bool elf_load(struct process *process, struct memory *archive, uint64_t offset, uint64_t size,
              struct program *program, const char **rule);

/* Linking into a process, by the same code as the loader service's (link.c). Must not be moved. */
struct process_link {
    struct process *process;
    const char *service;
    struct target target;
};
/* The linker of all processes: the image's. */
void process_linker_init(struct linker *linker);
/* Link a program there, up to target_link; false: told. target_end is to follow in any case. */
bool process_link(struct process_link *linking, struct process *process, const char *service, const struct image_file *file);
/* The memory object behind staging memory; it lives while that does. */
struct memory *process_link_memory(const struct staging *staging);
/* What any linker of the kernel needs of its host (struct target_host). */
void *link_allocate(void *context, uint64_t *size);
void link_release(void *context, void *block, uint64_t size);
uint64_t link_random(void *context);

/* Linux' system calls (linux.c); a result or a negative error number. */
void linux_end(struct process *process);
int64_t linux_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);

/* Entry points for entry.S. */
void kernel_main(uint32_t start_info);
struct frame *system_call_handle(struct frame *frame);
struct frame *trap_from_user(struct frame *frame);
void trap_from_kernel(struct frame *frame);
#endif
