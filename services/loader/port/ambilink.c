/* The loader's port to Ambilink's kernel (boot/README.md): memory objects are mapped here and in a process at once, so pages
 * are shared. The ids of port.h are handles. */
#include <ambilink/loaded.h>
#include <bootimage/archive.h>
#include <protocol/call.h>
#include <protocol/loader.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "port.h"


_Static_assert(PORT_INVALID == STATUS_INVALID && PORT_NO_RIGHT == STATUS_NO_RIGHT && PORT_NO_MEMORY == STATUS_NO_MEMORY && PORT_OVERLAP == STATUS_OVERLAP &&
                   PORT_GONE == STATUS_PEER_GONE && PORT_LIMIT == STATUS_LIMIT && PORT_TOO_LONG == STATUS_TOO_LONG &&
                   PORT_NOT_FOUND == STATUS_NOT_FOUND,
               "a status of the kernel is one of the port");
_Static_assert(PORT_READ == PROT_READ_ONLY && (PORT_READ | PORT_WRITE) == PROT_READ_WRITE &&
                   (PORT_READ | PORT_EXECUTE) == PROT_READ_EXECUTE,
               "protections are handed on");
_Static_assert(PORT_WORDS == MESSAGE_WORDS && PORT_MAP_MAX == MAP_REQUESTS_MAX && PORT_PAGE_SIZE == AMBILINK_PAGE_SIZE,
               "limits are the kernel's");

struct port {
    const uint8_t *image;
    uint64_t random;
    handle_t names;           /* the registry's endpoint */
    uint32_t next_started;
};

static int64_t self_map(handle_t memory, uint64_t size, unsigned prot)
{
    return sys_process_map(sys_start_handle(START_HANDLE_SELF), memory, 0, size, 0, prot);
}

static void self_unmap(const void *view, uint64_t size)
{
    sys_process_unmap(sys_start_handle(START_HANDLE_SELF), (uint64_t)view, size);
}

static const struct loaded_table *loaded_table(void)
{
    return (const struct loaded_table *)sys_start_info()->loaded;
}

struct port *port_open(struct port_boot *boot)
{
    uint64_t size = sys_start_info()->image_size;
    struct port *port = malloc(sizeof *port);
    int64_t image = port ? self_map(sys_start_handle(START_HANDLE_IMAGE), size, PROT_READ_ONLY) : STATUS_NO_MEMORY;
    if (image < 0) {
        static const char text[] = "loader: the boot image cannot be mapped\n";
        port_log(port, text, sizeof text - 1);
        port_verdict(port, false);
        exit(EXIT_FAILURE);
    }
    *port = (struct port){.image = (const uint8_t *)image, .names = sys_start_handle(START_HANDLE_NAMES)};
    memcpy(&port->random, (const void *)getauxval(AT_RANDOM), sizeof port->random);
    *boot = (struct port_boot){
        .image = (const uint8_t *)image,
        .image_size = size,
        .image_memory = sys_start_handle(START_HANDLE_IMAGE),
        .share_memory = loaded_table()->share_memory,
        .share_kernel_memory = loaded_table()->share_kernel_memory,
        .failed = loaded_table()->failures != 0,
    };
    return port;
}

void port_close(struct port *port)
{
    free(port);
}

void port_booted(struct port *port)
{
    int64_t callable = sys_handle_duplicate(port->names, RIGHT_CALL | RIGHT_MINT | RIGHT_TRANSFER | RIGHT_DUPLICATE, 0);
    sys_handle_close(port->names);
    port->names = callable > 0 ? (handle_t)callable : 0;
}

void port_verdict(struct port *port, bool passed)
{
    (void)port;
    sys_machine_exit(sys_start_handle(START_HANDLE_SYSTEM), passed ? VERDICT_PASS : VERDICT_FAIL);
}

bool port_image_check(struct port *port, uint64_t offset, uint64_t size)
{
    return sys_image_check(port->image + offset, size) == STATUS_OK;
}

void *port_allocate(struct port *port, uint64_t size)
{
    (void)port;
    return malloc(size);
}

void port_free(struct port *port, void *block, uint64_t size)
{
    (void)port;
    (void)size;
    free(block);
}

uint64_t port_random(struct port *port)
{
    /* SplitMix64, seeded by the kernel. */
    port->random += 0x9e3779b97f4a7c15;
    uint64_t z = port->random;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

void port_log(struct port *port, const char *line, uint64_t size)
{
    (void)port;
    sys_log_write(sys_start_handle(START_HANDLE_SYSTEM), line, size);
}

int64_t port_space_create(struct port *port, const char *name, const struct port_budget *budget, struct port_space *space,
                          uint64_t *number)
{
    int64_t process = sys_process_create_for((handle_t)budget->payer.id, budget->memory, budget->kernel_memory, name, strlen(name));
    if (process < 0)
        return process;
    (void)port;
    *number = (uint64_t)sys_process_number((handle_t)process);
    int64_t status = sys_process_watch((handle_t)process, sys_start_handle(START_HANDLE_LOADER), *number);
    if (status == STATUS_OK && budget->priority)
        status = sys_process_priority((handle_t)process, budget->priority);
    space->id = (uint64_t)process;
    if (status < 0)
        port_space_close(port, *space);
    return status;
}

void port_space_close(struct port *port, struct port_space space)
{
    (void)port;
    sys_process_end((handle_t)space.id, STATUS_INVALID);
    sys_handle_close((handle_t)space.id);
}

int64_t port_memory_create(struct port *port, struct port_space payer, uint64_t size, uint64_t growth,
                           struct port_memory *memory)
{
    (void)port;
    int64_t handle = growth ? sys_memory_create_growing((handle_t)payer.id, size, size - growth)
                            : sys_memory_create_for((handle_t)payer.id, size);
    if (handle < 0)
        return handle;
    int64_t view = self_map((handle_t)handle, size, PROT_READ_WRITE);
    if (view < 0) {
        sys_handle_close((handle_t)handle);
        return view;
    }
    *memory = (struct port_memory){(uint64_t)handle, (uint8_t *)view, size};
    return PORT_OK;
}

void port_memory_release(struct port *port, const struct port_memory *memory)
{
    (void)port;
    self_unmap(memory->view, memory->size);
    sys_handle_close((handle_t)memory->id);
}

int64_t port_map(struct port *port, struct port_space space, const struct port_mapping *list, unsigned count, unsigned *failed)
{
    struct map_request request[PORT_MAP_MAX];
    for (unsigned i = 0; i < count; i++)
        request[i] = (struct map_request){list[i].offset, list[i].size, list[i].address, (handle_t)list[i].memory,
                                          /* What is writable now may be RELRO, which the process ends itself. */
                                          list[i].prot & PORT_WRITE ? list[i].prot : list[i].prot | PROT_FINAL};
    int64_t made = sys_process_map_all((handle_t)space.id, request, count);
    if (made == count)
        return PORT_OK;
    *failed = made > 0 ? (unsigned)made : 0;
    const struct map_request *one = &request[*failed];
    int64_t status = made < 0 ? made : sys_process_map((handle_t)space.id, one->memory, one->offset, one->size, one->address,
                                                       one->prot);
    /* It was refused, and may be again; a mapping that succeeds now is undone like the others. */
    for (unsigned i = 0; i < *failed + (status > 0); i++)
        port_unmap(port, space, list[i].address, list[i].size);
    return status < 0 ? status : PORT_NO_MEMORY;
}

void port_unmap(struct port *port, struct port_space space, uint64_t address, uint64_t size)
{
    (void)port;
    sys_process_unmap((handle_t)space.id, address, size);
}

int64_t port_thread_start(struct port *port, struct port_space space, uint64_t entry, uint64_t stack)
{
    (void)port;
    int64_t thread = sys_thread_create((handle_t)space.id, entry, stack, 0);
    if (thread < 0)
        return thread;
    sys_handle_close((handle_t)thread);
    return PORT_OK;
}

int64_t port_grant(struct port *port, struct port_space space, enum port_authority authority, uint64_t number, uint32_t *value)
{
    const struct {
        handle_t handle;
        uint32_t rights;
        uint64_t badge;
    } all[] = {
        [PORT_SELF] = {(handle_t)space.id, RIGHT_MANAGE | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0},
        [PORT_LOADER] = {sys_start_handle(START_HANDLE_LOADER), RIGHT_CALL, number},
        [PORT_NAMES] = {port->names, RIGHT_CALL, number},
        [PORT_NAMES_SERVE] = {port->names, RIGHT_RECEIVE, number},
        [PORT_LOG] = {sys_start_handle(START_HANDLE_SYSTEM), RIGHT_LOG, 0},
        [PORT_IMAGE] = {sys_start_handle(START_HANDLE_IMAGE), RIGHT_READ, 0},
        [PORT_IMAGE_PARTS] = {sys_start_handle(START_HANDLE_IMAGE),
                              RIGHT_READ | RIGHT_EXECUTE | RIGHT_MINT | RIGHT_DUPLICATE | RIGHT_TRANSFER, 0},
        [PORT_INPUT] = {sys_start_handle(START_HANDLE_SYSTEM), RIGHT_INPUT, 0},
    };
    *value = 0;
    if (!all[authority].handle)
        return PORT_OK;
    int64_t granted = sys_process_grant((handle_t)space.id, all[authority].handle, all[authority].rights, all[authority].badge);
    /* After the boot no process can be given what only the registry was to get. */
    if (granted == STATUS_NO_RIGHT)
        return PORT_OK;
    if (granted < 0)
        return granted;
    *value = (uint32_t)granted;
    return PORT_OK;
}

/* What the kernel says of a process that it started. */
static int64_t take(struct port *port, const struct loaded_process *loaded, struct port_process *process)
{
    *process = (struct port_process){
        .service = loaded->service,
        .space = {loaded->process},
        .number = loaded->number,
        .block_address = loaded->block_address,
        .low = loaded->low,
    };
    if (!loaded->block)
        return PORT_OK;
    int64_t view = self_map(loaded->block, loaded->block_size, PROT_READ_WRITE);
    if (view < 0) {
        sys_handle_close(loaded->block);
        port_space_close(port, process->space);
        return view;
    }
    process->block = (struct port_memory){loaded->block, (uint8_t *)view, loaded->block_size};
    return PORT_OK;
}

int64_t port_next_started(struct port *port, struct port_process *process)
{
    const struct loaded_table *table = loaded_table();
    if (port->next_started == table->process_count)
        return PORT_NOT_FOUND;
    return take(port, &table->process[port->next_started++], process);
}

int64_t port_start(struct port *port, uint32_t service, struct port_space payer, struct port_process *process)
{
    struct loaded_process loaded;
    int64_t number = sys_service_start(sys_start_handle(START_HANDLE_SYSTEM), service, (handle_t)payer.id, &loaded);
    return number < 0 ? number : take(port, &loaded, process);
}

bool port_receive(struct port *port, struct port_event *event, void *data, uint64_t size)
{
    (void)port;
    for (;;) {
        struct message message = {.data = data, .size = size};
        handle_t reply = 0;
        if (sys_receive(sys_start_handle(START_HANDLE_LOADER), &message, &reply) != STATUS_OK)
            continue;
        const bool is_start = reply && message.word[0] == LOADER_START && message.handle_count == 1;
        for (uint64_t i = 0; i < message.handle_count && !is_start; i++)
            sys_handle_close(message.handle[i]); /* no other operation takes any */
        event->gift.id = is_start ? message.handle[0] : 0;
        event->number = message.badge;
        if (reply) {
            event->kind = PORT_REQUEST;
            memcpy(event->word, message.word, sizeof event->word);
            event->size = message.size;
            event->reply.id = reply;
            return true;
        }
        if (message.word[0] == MESSAGE_PROCESS_EXITED) {
            event->kind = PORT_ENDED;
            event->faulted = message.word[1] == PROCESS_FAULTED;
            event->signalled = !event->faulted && message.word[2] >> 32 == EXIT_BY_SIGNAL >> 32;
            event->status = (int64_t)(event->signalled ? message.word[2] % EXIT_BY_SIGNAL : message.word[2]);
            return true;
        }
    }
}

void port_reply(struct port *port, struct port_reply reply, int64_t status, const struct port_answer *answer)
{
    (void)port;
    struct message message = {0};
    if (answer) {
        memcpy(message.word, answer->word, sizeof message.word);
        message.data = (void *)(uintptr_t)answer->data;
        message.size = answer->size;
        message.handle[0] = (handle_t)answer->gift.id;
        message.handle_count = answer->gift.id != 0;
    }
    ipc_answer((handle_t)reply.id, status, &message);
}

void port_gift_drop(struct port *port, struct port_gift gift)
{
    (void)port;
    if (gift.id)
        sys_handle_close((handle_t)gift.id);
}

/* What such a signal does to a process that has said nothing of it. There is no stopping. */
static bool ends_process(uint64_t signal)
{
    switch (signal) {
    case SIGCHLD:
    case SIGCONT:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGURG:
    case SIGWINCH:
        return false;
    default:
        return true;
    }
}

int64_t port_signal(struct port *port, struct port_space space, uint64_t signal, uint64_t sender)
{
    (void)port;
    if (signal > SIGNAL_MAX)
        return PORT_INVALID;
    int64_t status = signal == SIGKILL ? STATUS_INVALID : sys_process_signal((handle_t)space.id, (unsigned)signal, sender);
    if (status != STATUS_INVALID)
        return status;
    return ends_process(signal) ? sys_process_end((handle_t)space.id, (int64_t)(EXIT_BY_SIGNAL | signal)) : PORT_OK;
}
