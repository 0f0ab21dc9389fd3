/* What a loader that is made from this kit asks of the operating system that it runs on: one table of functions.
 *
 * The first eight are needed; the others may be NULL, and the comment at each says what is lost. Rules for all:
 *   - Each gets the context of loader_init. They are called only while a function of the kit runs, one at a time.
 *   - Addresses and sizes of memory are bytes, in whole pages of AMBILINK_PAGE_SIZE.
 *   - False is failure: nothing was made. The port may log why; the kit logs what it was doing.
 *   - What a function made is the kit's to give back, exactly once. */
#ifndef LOADERKIT_PORT_H
#define LOADERKIT_PORT_H
#include <hostlink/host.h>
#include <hostlink/shared_area.h>
#include <stdbool.h>
#include <stdint.h>

/* Memory of the loader's that a process gets at `address`, `size` bytes from `offset` on. */
struct loader_mapping {
    uint64_t address, size;
    const struct staging *memory; /* here, size, id */
    uint64_t offset;
    unsigned prot;                /* PROT_READ_ONLY, PROT_READ_WRITE or PROT_READ_EXECUTE */
};

/* Pages of a file that a process shall see at `address`, never writable. */
struct loader_file_mapping {
    uint64_t address, size;
    const struct file_view *file;
    uint64_t offset;              /* the last page may reach beyond the file's end: zero bytes */
    unsigned prot;
};

/* How the first thread of a process begins. */
struct loader_thread {
    uint64_t entry;               /* the program's own */
    uint64_t stack_pointer;
    uint64_t thread_pointer;      /* of its thread-local storage; 0: the program makes that itself */
    uint64_t start_block;         /* address of struct start_info (<ambilink/start.h>) */
    uint64_t argument;            /* for the port's `arrange` to set */
};

struct loader_process;

struct loader_port {
    /* The file of a name. `referrer` is the object that needs it, NULL for a program or what is opened. The bytes stay as they
     * are until loader_end of the process (with loader_use_cache: until loader_finish). False: there is no such file. */
    bool (*find)(void *context, const char *referrer, const char *name, struct file_view *file);
    /* One line about what is wrong, without a line end. */
    void (*log)(void *context, const char *line);

    /* A process in which nothing is mapped and nothing runs. *process is a number of the port's own. */
    bool (*process_make)(void *context, const char *name, uint64_t *process);
    /* It ends, if it has not ended, with all that is mapped there. */
    void (*process_end)(void *context, uint64_t process);

    /* memory->size bytes, zeroed, which the loader writes at memory->here (set it; memory->id is the port's own). */
    bool (*memory_make)(void *context, struct staging *memory);
    /* The loader's hold on it goes. What a process was given stays there. */
    void (*memory_free)(void *context, const struct staging *memory);
    /* Give pages to a process. Two kinds of systems: the pages are mapped there and stay here as well (set `shares`), or
     * they move there and are no more here. Each page is given once. The address may come from a file: false where
     * something is mapped already, and where no process may have anything. */
    bool (*memory_give)(void *context, uint64_t process, const struct loader_mapping *mapping);

    /* The first thread of a process begins. */
    bool (*thread_start)(void *context, uint64_t process, const struct loader_thread *thread);

    /* --- Optional ---------------------------------------------------------------------------------------------------- */

    bool shares; /* memory_give leaves the pages here too: the list of modules can follow what a running program opens */

    /* Map pages of a file where every process can have the same frames. NULL: each process gets a copy, by memory_make
     * and memory_give. */
    bool (*file_give)(void *context, uint64_t process, const struct loader_file_mapping *mapping);
    /* Pages that were given go from a running process. NULL: what a program opened stays loaded until it ends, and so
     * may pages of what it could not open. */
    void (*memory_unmap)(void *context, uint64_t process, uint64_t address, uint64_t size);

    /* 64 bits that a process cannot predict, for addresses. NULL: the same addresses each time. */
    uint64_t (*random)(void *context);

    /* A symbol that the loader defines and no object does, e.g. {.st_info = STT_FUNC, .st_value = address}: absolute, and not
     * thread-local. The record stays where it is until loader_end. NULL: this name is not defined. */
    const struct elf_symbol *(*define)(void *context, uint64_t process, const char *name);

    /* The system's own start convention. All is linked and nothing is mapped yet: the port writes what the program shall
     * find to the end of stack->here .. + size, which the program will see at stack->there, and sets thread->stack_pointer
     * and ->argument. NULL: argc, argv, environment and auxiliary vector of System V, with AT_START. */
    bool (*arrange)(void *context, struct loader_process *process, const struct shared_area *stack,
                    struct loader_thread *thread);

    /* The loader's own records: *size bytes or more, aligned for any type; sets *size to what it is. NULL, both: whole
     * pages by memory_make. */
    void *(*allocate)(void *context, uint64_t *size);
    void (*release)(void *context, void *block, uint64_t size);
};
#endif
