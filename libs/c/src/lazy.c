/* A function that was undefined when its object was opened, at its first call. */
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

static _Noreturn void end_with(const char *message)
{
    char line[MESSAGE_MAX + 256];
    int length = snprintf(line, sizeof line, "%s: symbol lookup error: %s\n", __progname, message);
    if (length > 0)
        write(STDERR_FILENO, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    _Exit(UNDEFINED_STATUS);
}

/* Called by __ambilink_lazy: the function's address. */
hidden uintptr_t __lazy_bind(uint64_t got, uint64_t index)
{
    char message[MESSAGE_MAX];
    struct loader_symbol function;
    uint64_t slot;
    int error = errno;
    strcpy(message, "no answer from the loader service");
    if (loader_bind(got, index, &function, &slot, message, sizeof message) != STATUS_OK)
        end_with(message);
    uintptr_t address = function.indirect ? ((uintptr_t (*)(void))(uintptr_t)function.address)() : function.address;
    if (slot)
        __atomic_store_n((uintptr_t *)(uintptr_t)slot, address, __ATOMIC_RELEASE);
    errno = error;
    return address;
}
