/* The loader service's own types. */
#ifndef LOADER_H
#define LOADER_H
#include <ambilink/abi.h>
#include <ambilink/loaded.h>
#include <ambilink/start.h>
#include <bootimage/archive.h>
#include <hostlink/archive.h>
#include <hostlink/module_list.h>
#include <hostlink/start_block.h>
#include <hostlink/start_stack.h>
#include <rtld/link.h>
#include <stdbool.h>

#define WAITERS_MAX 8
#define LINK_ERROR_MAX 512
#define TLS_SURPLUS 1024 /* bytes of each thread's block for objects that are opened later */

struct module_record {
    char *name;
    uint64_t base, low, high;
    uint64_t read_only, writable; /* bytes */
};

/* Memory that is written here and read in a process. */
struct area {
    struct area *next; /* of the same process */
    struct shared_area at;
    unsigned modules;  /* that are described in it */
};

/* Linking into another address space. Lives as long as the process. */
struct remote {
    handle_t process;
    uint64_t next_address;    /* modules and stack go below it */
    const char *service;
    struct link_host host;
    struct link link;
    struct window {
        handle_t memory;
        uint8_t *mapped;
        uint64_t size, used;
    } *windows;
    size_t window_count, window_limit;
    struct area *areas;
    struct area *block;       /* of them: where the process finds what it must know */
    struct start_link *list;  /* in it */
    char error[LINK_ERROR_MAX]; /* the last diagnostic of a request */
    bool is_request;          /* diagnostics go to the process, not to the log */
    bool is_strange;          /* somebody else linked it, and `link` does not know it yet */
};

/* A process that this service made. */
struct child {
    struct child *next;       /* in the order of their start */
    uint64_t number;
    const struct image_service *service;
    const char *name;
    struct remote remote;     /* process 0: gone */
    enum { CHILD_RUNS, CHILD_EXITED, CHILD_FAULTED } state;
    int64_t exit_status;
    bool at_boot;             /* counts for the machine's verdict */
    struct module_record *modules;
    size_t module_count;
    handle_t waiters[WAITERS_MAX]; /* reply handles of LOADER_WAIT */
    size_t waiter_count;
};

/* What the first thread needs to know; addresses in the process. */
struct start_values {
    uint64_t entry, program_headers, program_header_count;
    uint64_t info;            /* struct start_info */
};

struct loader {
    struct archive archive;
    bool *file_checked;       /* by file index: the checksum was found right */
    struct child *children, **last;
    uint64_t next_number;
    handle_t endpoint;        /* requests to this service, and notices that a child ended */
    handle_t names;           /* endpoint of the service registry */
    uint64_t random;
    unsigned programs_running; /* of those started at boot that must end with status 0 */
    bool failed;
};

extern struct loader loader;

/* One line on the kernel's log. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

uint64_t random_word(void);

/* Make a process for a service, link its program there and let it run. NULL: failed, and was told on the log. */
struct child *child_start(const struct image_service *service, bool at_boot);
/* The kernel started this one before. */
void child_take_over(const struct loaded_process *loaded);
/* Give the process its stack and its first thread; false: told. */
bool child_run(struct child *child, const struct start_values *values);
void child_ended(struct child *child, bool faulted, int64_t status);
struct child *child_find(uint64_t number);

/* remote.c */
void remote_init(struct remote *remote, handle_t process, const char *service);
/* Link the program into the process: everything is in place but not yet mapped there. */
bool remote_link(struct remote *remote, const struct image_file *program);
/* A file is trusted once its checksum was found right; false: refused, and told. */
bool remote_check_file(const struct image_file *file);
/* The same for an object that the process opens; NULL: refused, remote->error says why. */
struct module *remote_open(struct remote *remote, const char *name, unsigned flags);
/* Map what is fresh, with its protections; RELRO that waits for resolvers stays writable. */
bool remote_commit(struct remote *remote);
/* Give back windows; to be called after each link in any case. */
void remote_close_windows(struct remote *remote);
/* The process is gone. */
void remote_end(struct remote *remote);
/* An unused range of the process, `gap` bytes from its neighbours. */
uint64_t remote_reserve(struct remote *remote, uint64_t size, uint64_t align);

/* mapping.c */
struct map_batch {
    const struct remote *remote;
    const char *(*name)(const struct remote *remote, uint64_t object); /* for the log */
    unsigned count;
    struct map_request request[MAP_REQUESTS_MAX];
    uint32_t object[MAP_REQUESTS_MAX];
};
/* One more of an object, in its turn; false: one of those before cannot be made, which was told. */
bool map_batch_add(struct map_batch *batch, uint32_t object, const struct map_request *request);
/* Those that wait. */
bool map_batch_make(struct map_batch *batch);

/* area.c */
struct area *area_make(struct remote *remote, uint64_t size, unsigned prot);
struct area *area_make_at(struct remote *remote, uint64_t address, uint64_t size, unsigned prot);
/* Memory that a process has already. */
struct area *area_adopt(struct remote *remote, handle_t memory, uint64_t address, uint64_t size);
void area_free(struct remote *remote, struct area *area, bool process_lives);
/* Where a pointer leads, here; NULL: into none. */
struct area *area_of(const struct remote *remote, const void *here);

/* start_block.c. Write the start block of a program that was linked; false: no memory. */
bool start_block_make(struct remote *remote, const struct child *child, struct start_values *values);
/* What of it differs from process to process. */
void start_block_finish(const struct remote *remote, const struct child *child, struct start_info *info);
/* Write the first stack; the initial stack pointer, or 0, which was told. */
uint64_t start_stack_make(struct remote *remote, const struct child *child, const struct start_values *values);
/* Describe the fresh images; false: no memory. */
bool start_block_extend(struct remote *remote);

/* packed.c. Map a program that was linked at build time, and let it run; false: it cannot be used, which was told. */
bool packed_start(struct child *child, handle_t process);

/* adopt.c: processes that somebody else linked. Take over one that the kernel started; false: no memory, which was told. */
bool adopt_process(struct child *child, const struct loaded_process *loaded);
/* Let `link` know its objects, as if this service had linked it. */
bool adopt_link(struct child *child);
/* Objects in the list of its start block. */
size_t adopted_count(const struct remote *remote);
/* Record them; false: no memory. */
bool adopt_modules(struct child *child);
/* An interpreter writes the list when the process runs: look where it is. True: there may be others in it than before. */
bool adopt_refresh(struct child *child);
/* Where an object of it lies; false: there is none of that name. */
bool adopted_base(const struct remote *remote, const char *name, uint64_t *base);
/* "?" for none. */
const char *adopted_name(const struct remote *remote, uint64_t index);

/* dynamic.c: requests of a process about its own objects. */
void dynamic_request(struct child *child, const struct message *request, const char *text, handle_t reply);
/* Record what is loaded where, if that is not done: when somebody asks, or when the process goes. Most boots end without.
 * Returns how many there are; without memory for it 0. */
size_t child_modules(struct child *child);
void child_forget_modules(struct child *child);

/* Answer requests for ever. */
_Noreturn void serve(void);
#endif
