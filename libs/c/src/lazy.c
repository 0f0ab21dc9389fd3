/* A function that was not bound when its object was linked, at its first call. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libc.h"

#include <protocol/loader.h>
#include <system/call.h>

#define UNDEFINED_STATUS 127 /* as glibc's */
#define MESSAGE_MAX 4096

/* The call has the stack of any function that is called, a signal handler's also: what is large is for failures alone. */
static _Noreturn __attribute__((noinline)) void end_with_reason(uint64_t got, uint64_t index)
{
    char message[MESSAGE_MAX], line[MESSAGE_MAX + 256];
    struct loader_symbol function;
    uint64_t slot;
    strcpy(message, "no answer from the loader service");
    loader_bind(got, index, &function, &slot, message, sizeof message);
    int length = snprintf(line, sizeof line, "%s: symbol lookup error: %s\n", __progname, message);
    if (length > 0)
        write(STDERR_FILENO, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    _Exit(UNDEFINED_STATUS);
}

/* Called by __ambilink_lazy: the function's address. */
hidden uintptr_t __lazy_bind(uint64_t got, uint64_t index)
{
    struct loader_symbol function;
    uint64_t slot;
    int error = errno;
    if (loader_bind(got, index, &function, &slot, NULL, 0) != STATUS_OK)
        end_with_reason(got, index);
    uintptr_t address = function.indirect ? ((uintptr_t (*)(void))(uintptr_t)function.address)() : function.address;
    /* Another thread, or a signal handler, may bind it at the same time, to the same. */
    if (slot)
        __atomic_store_n((uintptr_t *)(uintptr_t)slot, address, __ATOMIC_RELEASE);
    errno = error;
    return address;
}
