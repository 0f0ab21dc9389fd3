/* The loader of Fern: its port, and what its policy knows of it. */
#ifndef PORT_H
#define PORT_H
#include <fern/call.h>
#include <loaderkit/loader.h>

#define MODULES_MAX 32

/* A trial: a file that is asked for by one name is another one, or cut, or not there. */
struct changed {
    const char *name, *instead; /* instead NULL: there is none */
    uint64_t size;              /* 0: all of it */
};

struct system {
    struct fern_module modules[MODULES_MAX];
    unsigned module_count;
    struct changed changed;     /* name NULL: nothing */
    unsigned messages;          /* lines that the kit logged */
    bool is_quiet;              /* they are only counted */
};

extern const struct loader_port fern_port;
const struct fern_module *system_find(const struct system *system, const char *name);
void say(const char *text, const char *more);
#endif
