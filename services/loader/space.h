/* The address space of a process as the link library's host: the library's table of functions, filled from the port. */
#ifndef SPACE_H
#define SPACE_H
#include "state.h"

/* The context of a target. */
struct space {
    struct loader *loader;
    struct port_space port;      /* id 0: the process is gone */
    const char *service;         /* for reports */
    bool is_request;             /* what is wrong goes to the process, not to the log */
    char *error;                 /* the last of it; NULL: nothing, or no memory for it */
};

/* NULL: nothing is wrong. */
void space_set_error(struct space *space, const char *text);

/* Fill loader->host and loader->linker. */
void space_host_init(struct loader *loader);
#endif
