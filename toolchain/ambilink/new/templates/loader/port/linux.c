/* A port to Linux on x86-64, to try the loader on the development machine:  loader-linux FOLDER PROGRAM
 *
 * A process is a child that maps what it is given, command by command, and then becomes the program. Memory is a file without
 * a name (memfd), which both map. Files are FOLDER/bin/PROGRAM and FOLDER/lib/LIBRARY. */
#include <stddef.h>

#include "port.h"

enum { READ = 0, WRITE = 1, OPEN = 2, CLOSE = 3, POLL = 7, LSEEK = 8, MMAP = 9, MUNMAP = 11, PIPE = 22, CLONE = 56,
       WAIT4 = 61, KILL = 62, FTRUNCATE = 77, PRCTL = 157, ARCH_PRCTL = 158, EXIT_GROUP = 231, GETRANDOM = 318,
       MEMFD_CREATE = 319 };
enum { CLONE_FILES = 0x400, CLONE_PIDFD = 0x1000, SIGNAL_CHILD = 17, SIGNAL_KILL = 9, POLL_IN = 1, SEEK_END = 2,
       PARENT_DEATH_SIGNAL = 1, SET_FS = 0x1002 };
enum { MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED_NOREPLACE = 0x100000 };
#define PROCESSES_MAX 16
#define PATH_MAX 512

static const char *folder;
static struct child {
    long pid;              /* 0: free */
    int end;               /* a descriptor that can be read when it has ended */
    int commands[2], answers[2];
} children[PROCESSES_MAX];

struct command {
    enum { COMMAND_MAP, COMMAND_START } what;
    int file;              /* descriptors are shared: CLONE_FILES */
    unsigned prot;
    uint64_t address, size, offset;
    struct loader_thread thread;
};

static long call(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    register uint64_t r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}
#define CALL(number, ...) CALL_(number, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define CALL_(number, a, b, c, d, e, f, ...) \
    call(number, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), (uint64_t)(d), (uint64_t)(e), (uint64_t)(f))

static void log_line(void *context, const char *line)
{
    (void)context;
    size_t length = 0;
    while (line[length])
        length++;
    CALL(WRITE, 2, line, length);
    CALL(WRITE, 2, "\n", 1);
}

static bool join(char path[PATH_MAX], const char *const parts[3])
{
    size_t length = 0;
    for (int i = 0; i < 3; i++)
        for (const char *next = parts[i]; *next; next++)
            if (length < PATH_MAX - 1)
                path[length++] = *next;
    path[length] = 0;
    return length < PATH_MAX - 1;
}

static bool find(void *context, const char *referrer, const char *name, struct file_view *file)
{
    (void)context;
    char path[PATH_MAX];
    if (!join(path, (const char *[]){folder, referrer ? "/lib/" : "/bin/", name}))
        return false;
    long descriptor = CALL(OPEN, path, 0);
    if (descriptor < 0)
        return false;
    long size = CALL(LSEEK, descriptor, 0, SEEK_END);
    long address = CALL(MMAP, 0, size, PROT_READ_ONLY, MAP_PRIVATE, descriptor, 0);
    CALL(CLOSE, descriptor);
    file->bytes = (const uint8_t *)address;
    file->size = (uint64_t)size;
    return address > 0;
}

/* The child: it does what the loader asks, until it becomes the program. */
_Noreturn static void serve(const struct child *child)
{
    struct command command;
    CALL(PRCTL, PARENT_DEATH_SIGNAL, SIGNAL_KILL);
    while (CALL(READ, child->commands[0], &command, sizeof command) == sizeof command) {
        if (command.what == COMMAND_START) {
            CALL(ARCH_PRCTL, SET_FS, command.thread.thread_pointer);
            __asm__ volatile("movq %0, %%rsp; xorl %%ebp, %%ebp; xorl %%edx, %%edx; jmpq *%1"
                             : : "c"(command.thread.stack_pointer), "a"(command.thread.entry));
        }
        long made = CALL(MMAP, command.address, command.size, command.prot, MAP_SHARED | MAP_FIXED_NOREPLACE, command.file,
                         command.offset);
        bool good = made == (long)command.address;
        CALL(WRITE, child->answers[1], &good, sizeof good);
    }
    for (;;)
        CALL(EXIT_GROUP, 1);
}

static bool process_make(void *context, const char *name, uint64_t *process)
{
    (void)context, (void)name;
    uint64_t index = 0;
    while (index < PROCESSES_MAX && children[index].pid)
        index++;
    struct child *child = &children[index];
    if (index == PROCESSES_MAX || CALL(PIPE, child->commands) < 0)
        return false;
    if (CALL(PIPE, child->answers) == 0) {
        child->pid = CALL(CLONE, CLONE_FILES | CLONE_PIDFD | SIGNAL_CHILD, 0, &child->end);
        if (child->pid == 0)
            serve(child);
        *process = index;
        if (child->pid > 0)
            return true;
        CALL(CLOSE, child->answers[0]);
        CALL(CLOSE, child->answers[1]);
    }
    child->pid = 0;
    CALL(CLOSE, child->commands[0]);
    CALL(CLOSE, child->commands[1]);
    return false;
}

int port_wait(uint64_t process)
{
    struct child *child = &children[process];
    int status = 0;
    CALL(WAIT4, child->pid, &status, 0, 0);
    CALL(CLOSE, child->end);
    CALL(CLOSE, child->commands[0]);
    CALL(CLOSE, child->commands[1]);
    CALL(CLOSE, child->answers[0]);
    CALL(CLOSE, child->answers[1]);
    child->pid = 0;
    return status & 0x7f ? 128 + (status & 0x7f) : status >> 8 & 0xff;
}

static void process_end(void *context, uint64_t process)
{
    (void)context;
    if (!children[process].pid) /* port_wait was there */
        return;
    CALL(KILL, children[process].pid, SIGNAL_KILL);
    port_wait(process);
}

static bool memory_make(void *context, struct staging *memory)
{
    (void)context;
    long descriptor = CALL(MEMFD_CREATE, "", 0);
    if (descriptor < 0)
        return false;
    long address = CALL(FTRUNCATE, descriptor, memory->size);
    if (address == 0)
        address = CALL(MMAP, 0, memory->size, PROT_READ_WRITE, MAP_SHARED, descriptor, 0);
    if (address < 0)
        CALL(CLOSE, descriptor);
    memory->here = (uint8_t *)address;
    memory->id = (uint64_t)descriptor;
    return address > 0;
}

static void memory_free(void *context, const struct staging *memory)
{
    (void)context;
    CALL(MUNMAP, memory->here, memory->size);
    CALL(CLOSE, memory->id);
}

static bool memory_give(void *context, uint64_t process, const struct loader_mapping *mapping)
{
    (void)context;
    const struct child *child = &children[process];
    const struct command command = {
        .what = COMMAND_MAP,
        .file = (int)mapping->memory->id,
        .prot = mapping->prot,
        .address = mapping->address,
        .size = mapping->size,
        .offset = mapping->offset,
    };
    struct {
        int descriptor;
        short events, found;
    } awaited[2] = {{child->answers[0], POLL_IN, 0}, {child->end, POLL_IN, 0}};
    bool good = false;
    CALL(WRITE, child->commands[1], &command, sizeof command);
    CALL(POLL, awaited, 2, -1);
    return awaited[0].found && CALL(READ, child->answers[0], &good, sizeof good) == sizeof good && good;
}

static bool thread_start(void *context, uint64_t process, const struct loader_thread *thread)
{
    (void)context;
    const struct command command = {.what = COMMAND_START, .thread = *thread};
    return CALL(WRITE, children[process].commands[1], &command, sizeof command) == sizeof command;
}

static uint64_t random_number(void *context)
{
    (void)context;
    uint64_t number = 0;
    CALL(GETRANDOM, &number, sizeof number, 0);
    return number;
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
    .shares = true,
    .random = random_number,
};

__asm__(".globl _start\n_start:\n    xorl %ebp, %ebp\n    movq %rsp, %rdi\n    andq $-16, %rsp\n    call linux_start\n");
_Noreturn void linux_start(const uint64_t *stack)
{
    const char *const *arguments = (const char *const *)(stack + 1);
    int status = 2;
    if (stack[0] == 3) {
        folder = arguments[1];
        status = loader_main(arguments[2]);
    } else {
        log_line(NULL, "usage: loader-linux FOLDER PROGRAM");
    }
    for (;;)
        CALL(EXIT_GROUP, status);
}
