/* A process in the making: placed or linked, with the handles that it is born with, its start block and its stack. */
#ifndef START_LAUNCH_H
#define START_LAUNCH_H
#include <hostlink/shared_area.h>

#include "image/image.h"
#include "process/program.h"

struct launch {
    const char *name;
    struct process *process;
    const struct image_service *service; /* NULL: the loader service */
    const struct image_file *file;
    struct program program;
    struct memory *block;                /* its start block; NULL: it has none */
    uint64_t block_address;
    uint64_t stack_pointer, argument;    /* of its first thread */
    uint64_t low;                        /* nothing lies below, down to half of it; 0: no promise */
};

/* Endpoints that every process gets a handle to. */
extern struct endpoint *loader_endpoint, *names_endpoint;

/* Bring the program into the process by IMAGE_LINKER_KERNEL, _INTERP, or placed alone; with its handles, start block and
 * stack. `command_line`: one more argument, or NULL. False: logged. launch_end follows either way; the caller gives up a
 * process that failed. */
bool launch_prepare(struct launch *launch, uint32_t linker, const char *command_line);
/* Start the first thread, the last step, at once. False: logged. */
bool launch_run(const struct launch *launch);
void launch_end(struct launch *launch);

/* Memory of a process, and the kernel's view of it until shared_memory_close, which keeps it. */
struct shared_memory {
    struct shared_area area;
    struct memory *memory;
};
/* False: no memory, and nothing is mapped. */
bool shared_memory_open(struct shared_memory *shared, struct process *process, uint64_t size, unsigned prot);
/* The kernel's view goes, and the process' mapping stays. */
void shared_memory_close(const struct shared_memory *shared);
#endif
