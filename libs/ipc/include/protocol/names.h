/* The service registry. Which names a service may register, the manifest says (`registers`). What a client gets has the
 * number of its process as badge, which it cannot change: so a service knows its clients. (Of a service that registers
 * a handle without RIGHT_MINT the badge stays 0.) */
#ifndef PROTOCOL_NAMES_H
#define PROTOCOL_NAMES_H
#include <ambilink/abi.h>

#define NAME_MAX_LENGTH 31

enum names_operation {
    NAMES_REGISTER = 1, /* data: name; handle: an endpoint's, to call, duplicate and transfer, as a rule to mint from */
    NAMES_LOOKUP,       /* data: name; reply handle: an endpoint to call. STATUS_NOT_FOUND: it is not registered now */
};

/* The handle moves. STATUS_NO_RIGHT: the manifest does not let this service register the name; STATUS_OVERLAP: another
 * process has registered it, and runs; STATUS_INVALID: it is no such handle. */
int64_t names_register(const char *name, handle_t endpoint);
/* An endpoint of this process' own, which is registered under `name`: the handle to receive with, or a status. */
int64_t names_serve(const char *name);
/* A handle to call, or a status. Waits for a name that is not registered yet, as long as a service may still register
 * it: STATUS_PEER_GONE: none will; STATUS_NOT_FOUND: the manifest has none that could. */
int64_t names_lookup(const char *name);
#endif
