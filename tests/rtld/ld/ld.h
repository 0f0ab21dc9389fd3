/* A dynamic linker for Linux made of the core, for tests: what compiled programs do under it is compared with what
 * they do under the machine's own. It is started as PT_INTERP, or as a command with the program's path. */
#ifndef LD_H
#define LD_H
#include <rtld/link.h>

#include "system.h"

struct ld {
    struct link link;
    struct link_host host;
    struct file_view itself;
    uint64_t base;                /* of this very file */
    bool program_is_mapped;       /* by the kernel, at this bias */
    uint64_t program_base;
    const char *library_path;     /* LD_LIBRARY_PATH, or NULL */
    int argument_count;           /* what constructors are called with */
    char **arguments, **environment;
    bool trace;                   /* LD_TRACE: print each binding */
    bool quiet;                   /* collect diagnostics for dlerror */
    char error[512];
    volatile int lock;
    uint64_t owner;               /* thread pointer of the holder: constructors may call dlopen */
    unsigned depth;
};

extern struct ld ld __attribute__((visibility("hidden")));

#define HIDDEN __attribute__((visibility("hidden")))
#define EXPORT __attribute__((visibility("default")))

/* files.c: the host's functions. */
HIDDEN void ld_host(struct link_host *host);
HIDDEN bool ld_view(const char *path, struct file_view *file);
/* Read-only after relocation. */
HIDDEN void ld_protect(const struct module *fresh);

/* thread.c */
HIDDEN void ld_thread_start(void);
/* A module that came later, but lies in the static block: its data in every thread that there is. */
HIDDEN void ld_threads_initialize(const struct module *module);
HIDDEN void ld_lock(void);
HIDDEN void ld_unlock(void);
HIDDEN uint64_t ld_thread_pointer(void);
extern HIDDEN char ld_descriptor_fixed[], ld_descriptor_absent[], ld_descriptor_dynamic[];

/* functions.c */
HIDDEN void ld_call_all(const uint64_t *functions, size_t count);
/* Keep r_debug's list as the link's; `state`: 0 consistent, 1 adding, 2 removing. */
HIDDEN void ld_tell_debugger(int state);
HIDDEN void ld_finish(void);
HIDDEN const struct elf_symbol *ld_define(void *context, const char *name, const char *version);
#endif
