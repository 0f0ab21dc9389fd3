/* The interpreter's own types and calls. Nothing of libc is used but what compilers ask for: memcpy, memset, memcmp,
 * memmove, strlen, strcmp, strncmp. */
#ifndef LD_H
#define LD_H
#include <ambilink/abi.h>
#include <ambilink/start.h>
#include <hostlink/archive.h>
#include <hostlink/target.h>
#include <rtld/parse.h>

#include "invoke.h" /* the target's */

#define PAGE_SIZE AMBILINK_PAGE_SIZE
#define PAGE_UP(x) (((x) + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1))

/* One process, this one. */
struct interpreter {
    struct archive archive;
    const struct image_file *program_file, *own_file; /* own_file NULL: no object needs it */
    const char *name;              /* of the program's file */
    const char *service;
    uint64_t base;                 /* of the interpreter itself, */
    struct module own;             /* which is parsed where it lies, */
    uint64_t own_tables[128] __attribute__((aligned(16))); /* with room for its segments */
    uint64_t program_headers;      /* address of the program's */
    handle_t self, image, log;
    uint64_t random;
    struct linker linker;
    struct target target;
};

/* Memory of the process; 0: none. */
uint64_t ld_map(const struct interpreter *ld, uint64_t address, uint64_t size);
int64_t ld_unmap(const struct interpreter *ld, uint64_t address, uint64_t size);
int64_t ld_protect(const struct interpreter *ld, uint64_t address, uint64_t size, unsigned prot);
/* Pages of the boot image. */
int64_t ld_map_image(const struct interpreter *ld, uint64_t offset, uint64_t size, uint64_t address, unsigned prot);
void ld_close(handle_t handle);
/* The end, after one line on the log. */
_Noreturn void ld_refuse(const struct interpreter *ld, const char *text);
/* One line on the log; about `object`, unless it is NULL. */
void ld_say(const struct interpreter *ld, const char *object, const char *text);

/* Read the interpreter's own headers and dynamic section. */
void ld_parse_itself(struct interpreter *ld);
/* Prepare to link this address space. */
void ld_host_init(struct interpreter *ld);
#endif
