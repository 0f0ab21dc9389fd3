/* Local sockets: names, connections, options. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <system/call.h>

#include "pipes_client.h"

#define FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)
#define PATH_AT offsetof(struct sockaddr_un, sun_path)

_Static_assert(SOCK_NONBLOCK == O_NONBLOCK && SOCK_CLOEXEC == O_CLOEXEC, "flags of descriptors");

static long kind_of(long family, long type, long protocol, uint64_t *kind)
{
    if (family != AF_UNIX)
        return -EAFNOSUPPORT;
    if (protocol && protocol != PF_UNIX)
        return -EPROTONOSUPPORT;
    switch (type & ~FLAGS) {
    case SOCK_STREAM:
        *kind = PIPES_STREAM;
        return 0;
    case SOCK_DGRAM:
        *kind = PIPES_DATAGRAM;
        return 0;
    case SOCK_SEQPACKET:
        *kind = PIPES_SEQUENCED;
        return 0;
    default:
        return -ESOCKTNOSUPPORT;
    }
}

/* An image without the service has no sockets of any family: callers know that as an answer. */
static long refusal(long error)
{
    return error == -ENOSYS ? -EAFNOSUPPORT : error;
}

long socket_make(long family, long type, long protocol)
{
    uint64_t kind;
    handle_t ends[2];
    long error = kind_of(family, type, protocol, &kind);
    if (!error)
        error = pipes_make((const uint64_t[3]){PIPES_SOCKET, kind}, kind == PIPES_DATAGRAM, 1, ends);
    if (error)
        return refusal(error);
    return end_open(ends[0], kind, type & FLAGS, true, true);
}

long socket_pair(long family, long type, long protocol, int numbers[2])
{
    uint64_t kind;
    handle_t ends[2];
    long error = kind_of(family, type, protocol, &kind);
    if (!error)
        error = pipes_make((const uint64_t[3]){PIPES_PAIR, kind}, 2, 2, ends);
    if (error)
        return error == -EAFNOSUPPORT && family == AF_INET ? -EOPNOTSUPP : refusal(error);
    const long one = end_open(ends[0], kind, type & FLAGS, true, true), other = end_open(ends[1], kind, type & FLAGS, true, true);
    if (one < 0 || other < 0) {
        file_close(one < 0 ? other : one);
        return -EMFILE;
    }
    numbers[0] = (int)one;
    numbers[1] = (int)other;
    return 0;
}

/* A path is known by the number of what lies there. */
static long path_key(const char *path, bool makes, struct socket_key *key)
{
    struct stat status;
    long error = makes ? tmp_file_make_socket(path) : 0;
    if (!error)
        error = file_status_at(AT_FDCWD, path, &status, 0);
    if (error || !S_ISSOCK(status.st_mode))
        return error == -EEXIST ? -EADDRINUSE : error ? error : -ECONNREFUSED;
    key->text[0] = 'p';
    memcpy(key->text + 1, &status.st_ino, sizeof status.st_ino);
    key->size = 1 + sizeof status.st_ino;
    return 0;
}

long socket_key(const struct sockaddr_un *address, socklen_t size, bool makes, struct socket_key *key)
{
    if (size <= PATH_AT || size > sizeof *address || address->sun_family != AF_UNIX)
        return -EINVAL;
    if (address->sun_path[0]) {
        char path[sizeof address->sun_path + 1] = {0};
        memcpy(path, address->sun_path, size - PATH_AT);
        return path_key(path, makes, key);
    }
    key->text[0] = 'a';
    key->size = size - PATH_AT;
    memcpy(key->text + 1, address->sun_path + 1, key->size - 1);
    return 0;
}

void socket_give_address(const void *address, size_t size, struct sockaddr *given, socklen_t *given_size)
{
    const struct sockaddr_un none = {.sun_family = AF_UNIX};
    if (!given)
        return;
    if (!size) {
        address = &none;
        size = PATH_AT;
    }
    memcpy(given, address, size < *given_size ? size : *given_size);
    *given_size = (socklen_t)size;
}

/* Without a path: a name that no other socket has. */
static socklen_t own_name(struct sockaddr_un *address)
{
    static const char digits[] = "0123456789abcdef";
    static uint32_t last;
    uint64_t name = (uint64_t)sys_clock(CLOCK_SINCE_BOOT) + __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED) * 0x9e37;
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    for (unsigned i = 1; i <= 5; i++, name >>= 4)
        address->sun_path[i] = digits[name & 15];
    return PATH_AT + 6;
}

static long bind_once(handle_t end, const struct sockaddr_un *address, socklen_t size)
{
    struct sockaddr_un kept = {0};
    struct socket_key key;
    struct {
        char bytes[PIPES_KEY_MAX + sizeof(struct sockaddr_un) + 1];
    } data;
    memcpy(&kept, address, size);
    const long error = socket_key(address, size, true, &key);
    if (error)
        return error;
    if (kept.sun_path[0])
        size = (socklen_t)(PATH_AT + strnlen(kept.sun_path, sizeof kept.sun_path) + 1);
    if (size > sizeof kept)
        size = sizeof kept;
    memcpy(data.bytes, key.text, key.size);
    memcpy(data.bytes + key.size, &kept, size);
    struct message request = {.word = {PIPES_BIND, key.size}, .data = data.bytes, .size = key.size + size}, reply = {0};
    return pipes_error(end_ask(end, &request, &reply));
}

long socket_bind(long number, const struct sockaddr_un *address, socklen_t size)
{
    long error;
    const struct descriptor *file = end_of(number, PIPES_STREAM, &error);
    struct sockaddr_un own;
    if (!file)
        return error;
    if (size < PATH_AT || size > sizeof *address || address->sun_family != AF_UNIX)
        return -EINVAL;
    struct sockaddr_un named = {.sun_family = AF_UNIX};
    socklen_t named_size = sizeof named;
    if (!socket_name(number, (struct sockaddr *)&named, &named_size, false) && named_size > PATH_AT) { /* no path is made */
        struct socket_key key;
        return size > PATH_AT && address->sun_path[0] && !socket_key(address, size, false, &key) ? -EADDRINUSE : -EINVAL;
    }
    if (size > PATH_AT)
        return bind_once(file->opened.file, address, size);
    do {
        const socklen_t own_size = own_name(&own);
        error = bind_once(file->opened.file, &own, own_size);
    } while (error == -EADDRINUSE);
    return error;
}

static long ask(long number, uint64_t operation, uint64_t word)
{
    long error;
    const struct descriptor *file = end_of(number, PIPES_STREAM, &error);
    struct message request = {.word = {operation, word}}, reply = {0};
    return file ? pipes_error(end_ask(file->opened.file, &request, &reply)) : error;
}

long socket_listen(long number, long backlog)
{
    return ask(number, PIPES_LISTEN, (int)backlog < 0 ? INT32_MAX : (uint64_t)backlog);
}

long socket_shut_down(long number, long how)
{
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    const uint64_t bits[] = {PIPES_NO_READ, PIPES_NO_WRITE, PIPES_NO_READ | PIPES_NO_WRITE};
    return ask(number, PIPES_SHUTDOWN, bits[how]);
}

/* Once; where as many wait there as may, the endpoint is signalled when one is accepted. */
static long connect_once(const struct descriptor *end, const struct socket_key *key, handle_t endpoint)
{
    struct message request = {.word = {PIPES_CONNECT}, .data = (void *)(uintptr_t)key->text, .size = key->size}, reply = {0};
    int64_t status = STATUS_OK;
    const unsigned memories = end->opened.number == PIPES_DATAGRAM ? 0 : 2;
    for (unsigned i = 0; status >= 0 && i < memories; i++)
        if ((status = end_memory()) > 0)
            request.handle[request.handle_count++] = (handle_t)status;
    if (status >= 0 && memories && endpoint) {
        status = sys_handle_duplicate(endpoint, RIGHT_SIGNAL | RIGHT_TRANSFER, 0);
        if (status > 0)
            request.handle[request.handle_count++] = (handle_t)status;
    }
    if (status >= 0)
        return pipes_error(end_ask(end->opened.file, &request, &reply));
    while (request.handle_count)
        sys_handle_close(request.handle[--request.handle_count]);
    return error_of(status);
}

static long connect_waiting(const struct descriptor *end, const struct socket_key *key)
{
    const int64_t endpoint = sys_endpoint_create();
    if (endpoint < 0)
        return error_of(endpoint);
    long error;
    while ((error = connect_once(end, key, (handle_t)endpoint)) == -EAGAIN) {
        struct message message = {0};
        handle_t none;
        const int64_t status = sys_receive((handle_t)endpoint, &message, &none);
        if (status != STATUS_OK && !is_to_go_on(status)) {
            error = error_of(status);
            break;
        }
    }
    sys_handle_close((handle_t)endpoint);
    return error;
}

long socket_connect(long number, const struct sockaddr_un *address, socklen_t size)
{
    long error;
    const struct descriptor *file = end_of(number, PIPES_STREAM, &error);
    struct socket_key key;
    if (!file)
        return error;
    const struct descriptor end = *file;
    if (size >= sizeof(sa_family_t) && address->sun_family == AF_UNSPEC && end.opened.number == PIPES_DATAGRAM)
        return ask(number, PIPES_CONNECT, 0); /* to none */
    error = socket_key(address, size, false, &key);
    if (error)
        return error;
    error = connect_once(&end, &key, 0);
    if (error != -EAGAIN || end.never_waits)
        return error;
    return connect_waiting(&end, &key);
}

long socket_accept(long number, struct sockaddr *address, socklen_t *size, long flags)
{
    long error;
    const struct descriptor *file = end_of(number, PIPES_STREAM, &error);
    if (!file)
        return error;
    if (flags & ~FLAGS)
        return -EINVAL;
    const struct descriptor end = *file;
    const struct end_wish wish = {.events = POLLIN};
    for (;;) {
        struct sockaddr_un peer;
        struct message request = {.word = {PIPES_ACCEPT}}, reply = {.data = &peer, .size = sizeof peer};
        error = pipes_error(end_ask(end.opened.file, &request, &reply));
        if (!error && reply.handle_count) {
            const long accepted = end_open(reply.handle[0], end.opened.number, flags, true, true);
            if (accepted >= 0)
                socket_give_address(&peer, reply.size, address, size);
            return accepted;
        }
        if (error == -EAGAIN && !end.never_waits)
            error = end_wait(end.opened.file, &wish);
        if (error)
            return error;
    }
}

long socket_name(long number, struct sockaddr *address, socklen_t *size, bool of_peer)
{
    long error;
    const struct descriptor *file = end_of(number, PIPES_STREAM, &error);
    if (!file)
        return error;
    struct sockaddr_un name;
    struct message request = {.word = {PIPES_NAME, of_peer}}, reply = {.data = &name, .size = sizeof name};
    error = pipes_error(end_ask(file->opened.file, &request, &reply));
    if (!error)
        socket_give_address(&name, reply.size, address, size);
    return error;
}

static int type_of(const struct descriptor *file)
{
    return file->opened.number == PIPES_STREAM ? SOCK_STREAM : file->opened.number == PIPES_DATAGRAM ? SOCK_DGRAM : SOCK_SEQPACKET;
}

long socket_option(long number, long level, long name, void *value, socklen_t *size)
{
    long error;
    const struct descriptor *file = end_of(number, PIPES_STREAM, &error);
    struct pipes_status status = {0};
    if (!file || level != SOL_SOCKET)
        return file ? -EOPNOTSUPP : error;
    if ((error = end_status(file, &status)))
        return error;
    const struct ucred peer = {.pid = (pid_t)status.peer_process};
    int number_of = 0;
    const void *found = &number_of;
    socklen_t found_size = sizeof number_of;
    switch (name) {
    case SO_TYPE:
        number_of = type_of(file);
        break;
    case SO_DOMAIN:
        number_of = AF_UNIX;
        break;
    case SO_ACCEPTCONN:
        number_of = (int)status.listens;
        break;
    case SO_SNDBUF:
    case SO_RCVBUF:
        number_of = PIPES_MEMORY;
        break;
    case SO_PEERCRED:
        found = &peer;
        found_size = sizeof peer;
        break;
    case SO_ERROR:
    case SO_PROTOCOL:
    case SO_REUSEADDR:
    case SO_KEEPALIVE:
        break;
    default:
        return -ENOPROTOOPT;
    }
    *size = *size < found_size ? *size : found_size;
    memcpy(value, found, *size);
    return 0;
}

/* What has no effect on local sockets is taken. */
long socket_set_option(long number, long level, long name, const void *value, socklen_t size)
{
    long error;
    if (!end_of(number, PIPES_STREAM, &error))
        return error;
    if (level != SOL_SOCKET)
        return -EOPNOTSUPP;
    if (size < sizeof(int) || !value)
        return -EINVAL;
    const bool has_none = name == SO_REUSEADDR || name == SO_KEEPALIVE || name == SO_SNDBUF || name == SO_RCVBUF;
    return has_none ? 0 : -ENOPROTOOPT;
}
