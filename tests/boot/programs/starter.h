/* What the first process and the starter share: the latter waits for `wanted`. */
#ifndef STARTER_H
#define STARTER_H
#include <ambilink/abi.h>

#define STARTER_PLACE 0x30000000000

struct starter {
    uint64_t wanted; /* the index of a service */
    handle_t system;
    int64_t result;
};
#endif
