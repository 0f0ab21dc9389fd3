/* Children and their ends. A thread of its own waits for these at the loader service, once there is a child: it keeps their
 * status for waitpid(), and sends SIGCHLD. It takes no signals, and uses nothing of libc. */
#include "children.h"

#include <ambilink/page.h>
#include <errno.h>
#include <posix/spawn.h>
#include <protocol/call.h>
#include <protocol/loader.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "signals.h"

const char posix_processes; /* posix/groups.h */

#define SIZE (4 * AMBILINK_PAGE_SIZE) /* of the table, and behind it the thread's stack */
#define CHILDREN ((int)(AMBILINK_PAGE_SIZE / sizeof(struct child)))
#define RETRY 10000000 /* nanoseconds, where the loader service has too many requests */

struct child {
    int number; /* 0: none */
    bool has_ended;
    int code, status; /* as SIGCHLD has them */
};

static struct child *children; /* made with the first */
static volatile int lock;
static uint32_t changes; /* ends, and starts */
static bool has_thread;

static struct child *find(uint64_t number)
{
    for (int i = 0; i < CHILDREN; i++)
        if (children[i].number == (int)number)
            return &children[i];
    return NULL;
}

static void describe(struct child *child, uint64_t state, int64_t status)
{
    child->has_ended = true;
    child->code = state == LOADER_EXITED ? CLD_EXITED : CLD_KILLED;
    switch (state) {
    case LOADER_EXITED:
    case LOADER_SIGNALLED:
        child->status = (int)(status & 0xff);
        break;
    case LOADER_FAULTED:
        child->status = SIGSEGV;
        break;
    default: /* stopped by a process that may */
        child->status = SIGKILL;
    }
}

static void end(const struct message *reply)
{
    struct signal_information information = {.signal = SIGCHLD, .sender = (int)reply->word[3]};
    lock_take(&lock);
    struct child *child = find(reply->word[3]);
    if (child) {
        describe(child, reply->word[1], (int64_t)reply->word[2]);
        information.code = child->code;
        information.value.sival_int = child->status;
        if (signal_drops_children())
            *child = (struct child){0};
    }
    changes++;
    lock_release(&lock);
    sys_futex_wake(&changes, UINT64_MAX, 0);
    if (child)
        signal_queue(&information);
}

static void run(void)
{
    for (;;) {
        const uint32_t seen = __atomic_load_n(&changes, __ATOMIC_ACQUIRE);
        const struct message request = {.word = {LOADER_WAIT}};
        struct message reply = {0};
        int64_t status = sys_call(sys_start_handle(START_HANDLE_LOADER), &request, &reply);
        if (status == STATUS_OK)
            status = (int64_t)reply.word[0];
        if (status == STATUS_OK)
            end(&reply);
        else
            sys_futex_wait(&changes, seen, 0, status == STATUS_NOT_FOUND ? 0 : (uint64_t)sys_clock(CLOCK_SINCE_BOOT) + RETRY);
    }
}

static int64_t make(void)
{
    if (!children) {
        const long made = memory_map(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (made < 0)
            return STATUS_NO_MEMORY;
        children = (struct child *)made;
    }
    if (has_thread)
        return STATUS_OK;
    /* As a function that was called. */
    const uint64_t pointer = (uint64_t)(uintptr_t)children + SIZE - 8;
    const int64_t handle = sys_thread_create_with(sys_start_handle(START_HANDLE_SELF), (uint64_t)(uintptr_t)run, pointer, 0, 0, NULL);
    if (handle < 0)
        return handle;
    sys_handle_close((handle_t)handle);
    has_thread = true;
    return STATUS_OK;
}

long child_start(struct message *request)
{
    struct message reply = {0};
    const uint64_t mask = signal_hold(&lock);
    int64_t status = make();
    struct child *child = status == STATUS_OK ? find(0) : NULL;
    if (status == STATUS_OK)
        status = child ? ipc_call(sys_start_handle(START_HANDLE_LOADER), request, &reply) : STATUS_LIMIT;
    if (status == STATUS_OK) {
        *child = (struct child){.number = (int)reply.word[1]};
        __atomic_add_fetch(&changes, 1, __ATOMIC_RELEASE);
        sys_futex_wake(&changes, UINT64_MAX, 0);
    }
    signal_let(&lock, mask);
    return status == STATUS_OK ? (long)reply.word[1] : status;
}

static bool is_meant(const struct child *child, long which)
{
    /* A child's group is the child. */
    return child->number && (which == -1 || which == 0 || child->number == (which < 0 ? -which : which));
}

/* One that ended, or 0 where none has. */
static long take(long which, bool stays, struct child *found, uint32_t *seen)
{
    long result = -ECHILD;
    const uint64_t mask = signal_hold(&lock);
    *seen = changes;
    for (int i = 0; children && i < CHILDREN && result <= 0; i++) {
        if (!is_meant(&children[i], which))
            continue;
        result = 0;
        if (!children[i].has_ended)
            continue;
        *found = children[i];
        result = found->number;
        if (!stays)
            children[i] = (struct child){0};
    }
    signal_let(&lock, mask);
    return result;
}

static long wait_for(long which, long options, struct child *found)
{
    uint32_t seen;
    for (;;) {
        const long result = take(which, options & WNOWAIT, found, &seen);
        if (result || options & WNOHANG)
            return result;
        const int64_t status = sys_futex_wait(&changes, seen, 0, 0);
        if (status == STATUS_INTERRUPTED)
            return -EINTR;
    }
}

static long wait_status(long which, int *status, long options, struct rusage *usage)
{
    struct child found;
    if (options & ~(long)(WNOHANG | WUNTRACED | WCONTINUED | 0xe0000000l))
        return -EINVAL;
    const long result = wait_for(which, options & WNOHANG, &found);
    if (result > 0 && status)
        *status = found.code == CLD_EXITED ? found.status << 8 : found.status;
    if (result > 0 && usage) /* the kernel keeps no account of them */
        memset(usage, 0, offsetof(struct rusage, __reserved));
    return result;
}

static long wait_information(long kind, long number, siginfo_t *information, long options)
{
    struct child found;
    if (!(options & (WEXITED | WSTOPPED | WCONTINUED)) || options & ~(long)(WEXITED | WSTOPPED | WCONTINUED | WNOHANG | WNOWAIT | 0xe0000000l))
        return -EINVAL;
    if ((kind != P_ALL && kind != P_PID && kind != P_PGID) || (kind == P_PID && number <= 0) || number < 0)
        return -EINVAL;
    const long result = wait_for(kind == P_ALL ? -1 : number, options, &found);
    if (result < 0)
        return result;
    if (information) {
        memset(information, 0, sizeof *information);
        if (result) {
            information->si_signo = SIGCHLD;
            information->si_code = found.code;
            information->si_pid = found.number;
            information->si_status = found.status;
        }
    }
    return 0;
}

bool child_is_left(long number)
{
    const uint64_t mask = signal_hold(&lock);
    const struct child *child = children && number > 0 ? find((uint64_t)number) : NULL;
    const bool is_left = child && child->has_ended;
    signal_let(&lock, mask);
    return is_left;
}

/* Of a process whose starter has ended it is the loader service. */
static long parent(void)
{
    char name[LOADER_PROCESS_NAME_MAX];
    struct message request = {.word = {LOADER_DESCRIBE, (uint64_t)OWN_NUMBER}}, reply = {.data = name, .size = sizeof name};
    const int64_t status = ipc_call(sys_start_handle(START_HANDLE_LOADER), &request, &reply);
    return status == STATUS_OK && reply.word[4] ? (long)reply.word[4] : 1;
}

static bool is_own(long number)
{
    return number == 0 || number == OWN_NUMBER;
}

long call_of_processes(long number, long a, long b, long c, long d)
{
    switch (number) {
    case POSIX_CALL_SPAWN:
        return child_spawn((void *)a, (void *)b, (void *)c, (void *)d);
    case SYS_wait4:
        return wait_status(a, (void *)b, c, (void *)d);
    case SYS_waitid:
        return wait_information(a, b, (void *)c, d);
    case SYS_getppid:
        return parent();
    /* Each process is a group and a session of its own. */
#ifdef SYS_getpgrp
    case SYS_getpgrp:
        return OWN_NUMBER;
#endif
    case SYS_getpgid:
    case SYS_getsid:
        return is_own(a) ? OWN_NUMBER : a < 0 || process_send(a, 0) == -ESRCH ? -ESRCH : a;
    case SYS_setpgid:
        return a < 0 || b < 0 ? -EINVAL : !is_own(a) && process_send(a, 0) ? -ESRCH : b == 0 || b == (a ? a : OWN_NUMBER) ? 0 : -EPERM;
    case SYS_setsid:
        return -EPERM; /* it leads its group */
    default:
        return -ENOSYS;
    }
}
