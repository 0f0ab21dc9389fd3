/* What a new process finds: the start block.
 *
 * The first thread starts with the System V stack: argc, argv, NULL, environment, NULL, auxiliary vector.
 * One auxiliary entry of type AT_START holds the address of a struct start_info. All that it leads to is read-only
 * data of the program: there are no call-backs. The linker's list of modules (struct start_link) is the only part
 * that changes later, and only while the program waits for an answer to LOADER_OPEN or LOADER_SWEEP.
 */
#ifndef AMBILINK_START_H
#define AMBILINK_START_H
#include <ambilink/page.h>
#include <stdint.h>

#define AT_START 0x414d4c4b

/* "AMBSTRT2": the digit is the version of this file. A program that finds another ends with STATUS_CORRUPT. */
#define START_MAGIC 0x3254525453424d41

/* The objects are relocated already; otherwise the start code relocates its own static PIE. */
#define START_LINKED 1
/* The handle to the boot image is for the interpreter alone, which closes it. */
#define START_IMAGE_IS_LINKERS 2
#define START_LOG_IS_LINKERS 4 /* likewise that to the kernel's log */
/* It was started by name, and its starter may have given it something: the loader service says (LOADER_GIVEN). */
#define START_MAY_BE_GIVEN 8

/* Handles that a process is born with; 0 where it did not get one. */
enum start_handle {
    START_HANDLE_SELF,     /* its own process, RIGHT_MANAGE */
    START_HANDLE_SYSTEM,   /* the machine: log, power, as the rights say */
    START_HANDLE_IMAGE,    /* memory: the boot image's archive */
    START_HANDLE_LOADER,   /* endpoint of the loader service; for itself, with RIGHT_RECEIVE */
    START_HANDLE_NAMES,    /* endpoint of the service registry; for the registry itself, with RIGHT_RECEIVE */
    START_HANDLE_INPUT,    /* the machine: its keys */
    START_HANDLE_COUNT = 8
};

/* One thread-local template, in module order; the module id is the index plus one. */
struct start_tls {
    uint64_t image;        /* address of the initial bytes */
    uint64_t image_size;   /* bytes to copy */
    uint64_t size;         /* bytes in all; the rest is zero */
    uint64_t align;
    uint64_t offset;       /* distance of the block below the thread pointer (variant II) */
};

/* One object in memory. It begins as the link_map that debuggers know (SVR4, <link.h>). */
struct start_module {
    uint64_t base;         /* load bias */
    uint64_t name;         /* address of the name, NUL-terminated */
    uint64_t dynamic;      /* address of the dynamic section, 0 without one */
    uint64_t next, previous; /* addresses of the modules loaded after and before it; 0: none */
    uint64_t program_headers; /* address, 0 where they are not mapped */
    uint64_t program_header_count;
    uint64_t low, high;    /* addresses that its segments span */
    uint64_t tls_module;   /* 0: no thread-local data */
    uint64_t tls_generation; /* of start_link, when it came */
    uint64_t tls_is_static; /* in the block that every thread has from its start */
    struct start_tls tls;
    uint64_t address;      /* of this description */
};

/* The list of modules, as it is now. */
struct start_link {
    /* struct r_debug of SVR4: DT_DEBUG of the program leads here. */
    uint64_t version;      /* 1 */
    uint64_t first;        /* struct start_module, the program */
    uint64_t breakpoint;   /* a function that is called when the list changed */
    uint64_t state;        /* 0: consistent */
    uint64_t linker_base;  /* 0: the linker is in another address space */

    uint64_t count;        /* modules in the list */
    uint64_t added, removed; /* modules since the start */
    uint64_t tls_generation; /* counts changes of modules with thread-local data */
    uint64_t tls_count;    /* the highest module id */
};

/* A word that a function of the program must still fill: *place = function() + addend (STT_GNU_IFUNC). */
struct start_resolver {
    uint64_t place, function, addend;
};

/* Memory that the program makes read-only when its resolvers ran: RELRO that holds words of theirs. */
struct start_range {
    uint64_t address, size;
};

/* What one object has among the initializers and finalizers, in the order of the initializers. So when those of the
 * first n entries ran, as many finalizers at the end of their list may be called as these entries have. */
struct start_object {
    uint32_t initializer_count, finalizer_count;
};

/* Bytes that the kernel leaves for a start block, writable, where an interpreter completes it: two pages, or more where an
 * image has so many libraries that the list of modules may need them. The loader service sees this block alone. */
#define START_INTERPRETER_FEW 16
static inline uint64_t start_interpreter_block(uint64_t libraries)
{
    uint64_t more = libraries > START_INTERPRETER_FEW ? libraries - START_INTERPRETER_FEW : 0;
    uint64_t each = sizeof(struct start_module) + sizeof(struct start_tls) + sizeof(struct start_object) + 128;
    return 2 * AMBILINK_PAGE_SIZE + (more * each + AMBILINK_PAGE_SIZE - 1) / AMBILINK_PAGE_SIZE * AMBILINK_PAGE_SIZE;
}

struct start_info {
    uint64_t magic;
    uint64_t flags;            /* START_... */
    uint32_t handle[START_HANDLE_COUNT]; /* handle_t of <ambilink/abi.h>; other systems put there what they like, or 0 */
    uint64_t module_count;     /* 0 where the kernel loaded a static program */
    uint64_t link;             /* struct start_link */
    uint64_t initializer_count;
    uint64_t initializers;     /* addresses of functions, in the order to call them */
    uint64_t finalizer_count;
    uint64_t finalizers;       /* likewise */
    uint64_t resolver_count;
    uint64_t resolvers;        /* struct start_resolver[], in the order to call them, before the initializers */
    uint64_t relro_count;
    uint64_t relro;            /* struct start_range[] */
    uint64_t tls_count;
    uint64_t tls;              /* struct start_tls[] */
    uint64_t tls_size;         /* bytes below the thread pointer for all modules */
    uint64_t tls_align;
    uint64_t image_size;       /* bytes of START_HANDLE_IMAGE */
    uint64_t loaded;           /* for the loader service: struct loaded_table */
    uint64_t object_count;
    uint64_t objects;          /* struct start_object[], of objects that have such functions */
};
#endif
