/* What every file of the native helper needs. No C library is there: only the compiler's own headers. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Visible to Unicorn and to Python. All else is hidden: the helper is loaded before everything, and a name of its own
 * must take the place of no other library's. */
#define EXPORT __attribute__((visibility("default")))

/* A function of Unicorn's whose place one of the helper's takes. Python fills in the addresses, once Unicorn is loaded. */
struct original {
    const char *name;
    void *address;
};

/* Once for each function, at file scope:
 *     REPLACES(fprem, void, (void *env));
 * declares our helper_fprem_x86_64, exported, and ORIGINAL(fprem)(env) calls Unicorn's own. */
#define REPLACES(function, result, parameters) \
    EXPORT result helper_##function##_x86_64 parameters; \
    typedef result(*type_of_##function) parameters; \
    __attribute__((section("originals"), used)) static struct original original_##function = { \
        "helper_" #function "_x86_64", 0 \
    }
#define ORIGINAL(function) ((type_of_##function)original_##function.address)
