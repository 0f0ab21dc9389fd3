/* The port to the system of os.toml, to be filled in: each function says what to call. It compiles as it is, and loads nothing.
 * port/linux.c is one that works; <loaderkit/port.h> has the rules. */
#include "port.h"

/* The file of a program (referrer NULL), or of a library by its name in DT_NEEDED: a module from the boot loader, a file that
 * is read, an archive's member. Set file->bytes and file->size; the bytes stay as they are until loader_end. */
static bool find(void *context, const char *referrer, const char *name, struct file_view *file)
{
    (void)context, (void)referrer, (void)name, (void)file;
    return false;
}

/* One line for the system's log. */
static void log_line(void *context, const char *line)
{
    (void)context, (void)line;
}

/* A new process with an empty address space, and no thread yet. *process: its handle, capability or number. */
static bool process_make(void *context, const char *name, uint64_t *process)
{
    (void)context, (void)name, (void)process;
    return false;
}

/* Destroy it, with all that was mapped there. */
static void process_end(void *context, uint64_t process)
{
    (void)context, (void)process;
}

/* memory->size bytes of zeroed pages, which this program sees at memory->here. memory->id is yours, e.g. a handle. */
static bool memory_make(void *context, struct staging *memory)
{
    (void)context, (void)memory;
    return false;
}

/* This program's mapping of them goes. */
static void memory_free(void *context, const struct staging *memory)
{
    (void)context, (void)memory;
}

/* Map mapping->size bytes of mapping->memory, from mapping->offset on, at mapping->address of the process, by mapping->prot
 * (PROT_READ_ONLY, PROT_READ_WRITE, PROT_READ_EXECUTE); or move the pages there, where the system can only move. */
static bool memory_give(void *context, uint64_t process, const struct loader_mapping *mapping)
{
    (void)context, (void)process, (void)mapping;
    return false;
}

/* Begin at thread->entry with thread->stack_pointer, and thread->thread_pointer where programs expect it (x86-64: FS base). */
static bool thread_start(void *context, uint64_t process, const struct loader_thread *thread)
{
    (void)context, (void)process, (void)thread;
    return false;
}

const struct loader_port port = {
    .find = find,
    .log = log_line,
    .process_make = process_make,
    .process_end = process_end,
    .memory_make = memory_make,
    .memory_free = memory_free,
    .memory_give = memory_give,
    .thread_start = thread_start,
    /* .shares = true,  where memory_give leaves the pages here too. <loaderkit/port.h> has more that may be added. */
};

/* Wait until the process has ended. */
int port_wait(uint64_t process)
{
    (void)process;
    return 1;
}

/* Where the system enters this program. */
__asm__(".globl _start\n_start:\n    xorl %ebp, %ebp\n    andq $-16, %rsp\n    call system_start\n");

/* Name what is loaded, and end this process with the status that comes back. */
_Noreturn void system_start(void)
{
    loader_main("hello");
    for (;;)
        ;
}
