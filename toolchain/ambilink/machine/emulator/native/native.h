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

/* For a function of Unicorn's that is called by the name ORIGINAL(symbol). Once in a file, at file scope. */
#define UNICORNS(symbol, result, parameters) \
    typedef result(*type_of_##symbol) parameters; \
    __attribute__((section("originals"), used)) static struct original original_##symbol = {#symbol, 0}
#define ORIGINAL(symbol) ((type_of_##symbol)original_##symbol.address)

/* For one whose place an exported function of that name takes, which the file defines. */
#define REPLACES_SYMBOL(symbol, result, parameters) \
    EXPORT result symbol parameters; \
    UNICORNS(symbol, result, parameters)

/* The same for what translated code calls:
 *     REPLACES(fprem, void, (void *cpu));
 * declares our helper_fprem_x86_64, exported, and ORIGINAL(fprem)(cpu) calls Unicorn's own. */
#define REPLACES(function, result, parameters) \
    EXPORT result helper_##function##_x86_64 parameters; \
    typedef result(*type_of_##function) parameters; \
    __attribute__((section("originals"), used)) static struct original original_##function = { \
        "helper_" #function "_x86_64", 0 \
    }
