/* The service registry. A look-up of a name that is not registered yet waits until a service registers it. */
#ifndef PROTOCOL_NAMES_H
#define PROTOCOL_NAMES_H
#include <ambilink/abi.h>

#define NAME_MAX_LENGTH 31

enum names_operation {
    NAMES_REGISTER = 1, /* data: name; handle: the endpoint */
    NAMES_LOOKUP,       /* data: name; reply handle: an endpoint to call */
};

int64_t names_register(const char *name, handle_t endpoint);
/* A handle to call, or a status. */
int64_t names_lookup(const char *name);
#endif
