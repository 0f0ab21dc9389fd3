/* The kernel's calls, as the interpreter needs them. */
#include <string.h>

#include "ld.h"

#define EXIT_NOT_LINKED 127 /* as shells know it */

uint64_t ld_map(const struct interpreter *ld, uint64_t address, uint64_t size)
{
    int64_t memory = invoke(SYS_MEMORY_CREATE, size, 0, 0, 0, 0, 0);
    if (memory < 0)
        return 0;
    int64_t mapped = invoke(SYS_PROCESS_MAP, ld->self, (uint64_t)memory, 0, size, address, PROT_READ_WRITE);
    ld_close((handle_t)memory);
    return mapped < 0 ? 0 : (uint64_t)mapped;
}

int64_t ld_unmap(const struct interpreter *ld, uint64_t address, uint64_t size)
{
    return invoke(SYS_PROCESS_UNMAP, ld->self, address, size, 0, 0, 0);
}

int64_t ld_protect(const struct interpreter *ld, uint64_t address, uint64_t size, unsigned prot)
{
    return invoke(SYS_PROCESS_PROTECT, ld->self, address, size, prot | PROT_FINAL, 0, 0);
}

int64_t ld_map_image(const struct interpreter *ld, uint64_t offset, uint64_t size, uint64_t address, unsigned prot)
{
    return invoke(SYS_PROCESS_MAP, ld->self, ld->image, offset, size, address, prot | PROT_FINAL);
}

void ld_close(handle_t handle)
{
    invoke(SYS_HANDLE_CLOSE, handle, 0, 0, 0, 0, 0);
}

void ld_say(const struct interpreter *ld, const char *object, const char *text)
{
    const char *parts[] = {"ld.so: ", ld->name ? ld->name : "?", ": ", object ? object : "", object ? ": " : "", text, "\n"};
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        invoke(SYS_LOG_WRITE, ld->log, (uint64_t)parts[i], strlen(parts[i]), 0, 0, 0);
}

void ld_refuse(const struct interpreter *ld, const char *text)
{
    ld_say(ld, NULL, text);
    for (;;)
        invoke(SYS_PROCESS_EXIT, 0, EXIT_NOT_LINKED, 0, 0, 0, 0);
}
