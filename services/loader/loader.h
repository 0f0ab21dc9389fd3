/* The loader service's own types. */
#ifndef LOADER_H
#define LOADER_H
#include <ambilink/abi.h>
#include <ambilink/start.h>
#include <bootimage/archive.h>
#include <rtld/link.h>
#include <stdbool.h>

#define WAITERS_MAX 8
#define LINK_ERROR_MAX 512
#define TLS_SURPLUS 1024 /* bytes of each thread's block for objects that are opened later */

struct module {
    char *name;
    uint64_t base, low, high;
    uint64_t shared, private; /* bytes */
};

/* Memory that is written here and read in a process: `here` is this service's view of `there`. */
struct area {
    uint8_t *here;
    uint64_t there, size, used;
    unsigned modules; /* that are described in it */
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
        void *mapped;
        uint64_t size;
    } *windows;
    size_t window_count, window_limit;
    struct area *block;       /* where the process finds what it must know; the first one of them */
    struct start_link *list;  /* in it */
    char error[LINK_ERROR_MAX]; /* the last diagnostic of a request */
    bool is_request;          /* diagnostics go to the process, not to the log */
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
    struct module *modules;
    size_t module_count;
    handle_t waiters[WAITERS_MAX]; /* reply handles of LOADER_WAIT */
    size_t waiter_count;
};

struct loader {
    struct archive archive;
    bool *file_checked;       /* by file index: the digest was found right */
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
void child_ended(struct child *child, bool faulted, int64_t status);
struct child *child_find(uint64_t number);

/* remote.c. Link the program into the process: everything is in place but not yet mapped there. */
bool remote_link(struct remote *remote, handle_t process, const char *service, const struct image_file *program);
/* The same for an object that the process opens; NULL: refused, remote->error says why. */
struct image *remote_open(struct remote *remote, const char *name, unsigned flags);
/* Map what is fresh, with its protections; RELRO that waits for resolvers stays writable. */
bool remote_commit(struct remote *remote);
/* RELRO pages of an image that the process must protect itself, by segment; false: this service did. */
bool remote_waits(const struct remote *remote, const struct image *image, const struct segment *segment);
/* Give back windows; to be called after each link in any case. */
void remote_close_windows(struct remote *remote);
/* The process is gone. */
void remote_end(struct remote *remote);
/* An unused range of the process, `gap` bytes from its neighbours. */
uint64_t remote_reserve(struct remote *remote, uint64_t size, uint64_t align);

/* area.c */
struct area *area_make(struct remote *remote, uint64_t size, unsigned prot);
void area_free(struct remote *remote, struct area *area, bool process_lives);
/* Append bytes; the address they have in the process. The caller computed the size of all before. */
uint64_t area_put(struct area *area, const void *bytes, uint64_t size);
uint64_t area_put_string(struct area *area, const char *text);
/* What area_put takes up. */
static inline uint64_t area_rounded(uint64_t size)
{
    return (size + 15) & ~15ull;
}

/* modules.c: descriptions of the fresh images, at the end of the process' list; false: no memory, some may be there. */
uint64_t modules_size(const struct remote *remote);
bool modules_put(struct remote *remote, struct area *area);
void modules_remove(struct remote *remote, struct image *image, bool process_lives);
/* The address of an image's description in the process, and the way back. */
uint64_t module_handle(const struct image *image);
struct image *module_image(const struct remote *remote, uint64_t handle);

/* start_block.c. Write start block and stack; the initial stack pointer, or 0. */
uint64_t start_block_make(struct remote *remote, const struct child *child);
/* Resolvers of the last link, and the RELRO that waits for them. */
uint64_t resolvers_size(const struct remote *remote, uint64_t *relro_count);
void resolvers_fill(const struct remote *remote, struct start_resolver *resolvers, struct start_range *relro);

/* dynamic.c: requests of a process about its own objects. */
void dynamic_request(struct child *child, const struct message *request, const char *text, handle_t reply);
/* What is loaded where, kept for those who ask later. */
bool child_record_modules(struct child *child);

/* Answer requests for ever. */
_Noreturn void serve(void);
#endif
