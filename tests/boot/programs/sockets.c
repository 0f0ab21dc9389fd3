/* Local sockets: what calls answer. The judge is Linux, in a folder of its own. Argument: where that is, or the name of one in
 * /tmp. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "show.h"

static char folder[80], large[300000];

static void show_poll(const char *what, int number, int events)
{
    struct pollfd one = {number, (short)events, 0};
    const long ready = poll(&one, 1, 0);
    printf("%s: %ld %x\n", what, ready, one.revents);
}

static void kinds(void)
{
    int two[2], value = 7;
    socklen_t size = sizeof value;
    show("family", socket(99, SOCK_STREAM, 0));
    show("kind", socket(AF_UNIX, SOCK_RDM, 0));
    show("protocol", socket(AF_UNIX, SOCK_STREAM, 99));
    show("pair of a family", socketpair(99, SOCK_STREAM, 0, two));
    const int one = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct stat status;
    fstat(one, &status);
    show("is a socket", S_ISSOCK(status.st_mode));
    show("flags", fcntl(one, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
    show("close on exec", fcntl(one, F_GETFD));
    show("SO_TYPE", getsockopt(one, SOL_SOCKET, SO_TYPE, &value, &size));
    show("it is", value == SOCK_SEQPACKET);
    getsockopt(one, SOL_SOCKET, SO_ERROR, &value, &size);
    show("SO_ERROR", value);
    show("option", getsockopt(one, SOL_SOCKET, 999, &value, &size));
    show("not connected", read(one, large, 1));
    show("not connected", write(one, large, 1));
    show("peer", getpeername(one, (struct sockaddr *)large, &size));
    show("accept", accept(one, NULL, NULL));
    show("listen", listen(one, 1));
    show("seeks", lseek(one, 0, SEEK_SET));
    close(one);
    pipe(two);
    show("of a pipe", getsockopt(two[0], SOL_SOCKET, SO_TYPE, &value, &size));
    show("of none", listen(60, 1));
    close(two[0]);
    close(two[1]);
}

static void stream_pair(void)
{
    int two[2], left = 0;
    char text[64];
    show("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, two));
    show("one", write(two[0], "to the other", 12));
    show("other", send(two[1], "to the one", 10, 0));
    show("FIONREAD", ioctl(two[1], FIONREAD, &left));
    show("so many", left);
    show_bytes("looks", text, recv(two[1], text, 6, MSG_PEEK));
    show_bytes("reads", text, recv(two[1], text, 6, 0));
    show_bytes("the rest", text, read(two[1], text, sizeof text));
    show_bytes("reads", text, recv(two[0], text, sizeof text, MSG_DONTWAIT));
    show("nothing", recv(two[0], text, sizeof text, MSG_DONTWAIT));
    show_poll("can be written", two[0], POLLIN | POLLOUT);
    write(two[1], "abc", 3);
    show("writes no more", shutdown(two[1], SHUT_WR));
    show("cannot", send(two[1], "d", 1, MSG_NOSIGNAL));
    show_poll("polls", two[0], POLLIN | POLLOUT | POLLRDHUP);
    show_bytes("reads", text, read(two[0], text, sizeof text));
    show("end", read(two[0], text, sizeof text));
    show("writes still", write(two[0], "back", 4));
    show_bytes("reads", text, read(two[1], text, sizeof text));
    show("how", shutdown(two[0], 5));
    close(two[1]);
    show_poll("the other is gone", two[0], POLLIN | POLLOUT | POLLRDHUP);
    show("end", read(two[0], text, sizeof text));
    show("broken", send(two[0], "x", 1, MSG_NOSIGNAL));
    signal(SIGPIPE, SIG_IGN);
    show("broken", write(two[0], "x", 1));
    close(two[0]);
}

static void record_pair(int type)
{
    int two[2];
    char text[64];
    struct iovec parts[] = {{"in ", 3}, {"parts", 5}}, into[] = {{text, 2}, {text + 2, 4}};
    struct msghdr sent = {.msg_iov = parts, .msg_iovlen = 2}, got = {.msg_iov = into, .msg_iovlen = 2};
    show("socketpair", socketpair(AF_UNIX, type, 0, two));
    show("one", write(two[0], "first", 5));
    show("two", send(two[0], "second", 6, 0));
    show("parts", sendmsg(two[0], &sent, 0));
    show_bytes("looks", text, recv(two[1], text, sizeof text, MSG_PEEK));
    show_bytes("first", text, recv(two[1], text, sizeof text, 0));
    show("cut", recv(two[1], text, 3, MSG_TRUNC));
    show_bytes("in parts, cut", text, recvmsg(two[1], &got, 0));
    show("was cut", got.msg_flags & MSG_TRUNC ? 1 : 0);
    show("nothing", recv(two[1], text, 3, MSG_DONTWAIT));
    show("parts", writev(two[0], parts, 2));
    show("parts", writev(two[0], parts, 2));
    struct iovec all[] = {{text, 4}, {text + 4, 50}};
    show_bytes("one of them", text, readv(two[1], all, 2));
    show_bytes("the other", text, readv(two[1], all, 2));
    show("an empty one", send(two[0], "", 0, 0));
    show("reads it", recv(two[1], text, 3, MSG_DONTWAIT));
    show("long", send(two[0], large, 20000, 0));
    show("reads it", recv(two[1], large, sizeof large, 0));
    close(two[0]);
    show("the other is gone", recv(two[1], text, 1, MSG_DONTWAIT));
    show("writes", send(two[1], "x", 1, MSG_NOSIGNAL));
    close(two[1]);
}

static struct sockaddr_un address(const char *name, socklen_t *size)
{
    struct sockaddr_un made = {.sun_family = AF_UNIX};
    if (*name) {
        snprintf(made.sun_path, sizeof made.sun_path, "%s/%s", folder, name);
        *size = sizeof made;
    } else {
        snprintf(made.sun_path + 1, sizeof made.sun_path - 1, "%s/abstract", folder);
        *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(made.sun_path + 1));
    }
    return made;
}

/* Of a name: what lies in the folder, or an abstract one. */
static void show_name(const char *what, long result, const struct sockaddr_un *name, socklen_t size)
{
    printf("%s: %ld %d", what, result < 0 ? -errno : result, name->sun_family == AF_UNIX);
    const size_t start = size > 2 && !name->sun_path[0];
    if (size <= 2)
        puts(" no name");
    else
        printf(" %s%s\n", start ? "@" : "", name->sun_path + start + strlen(folder));
}

static void *serve(void *argument)
{
    const int listener = (int)(long)argument;
    char text[64];
    for (unsigned i = 0; i < 3; i++) {
        const int one = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        long got;
        while ((got = read(one, text, sizeof text)) > 0)
            for (long at = 0; at < got; at++)
                write(one, &(char){(char)(text[at] ^ 32)}, 1);
        close(one);
    }
    return NULL;
}

static void connections(const char *name)
{
    socklen_t size, got_size;
    const struct sockaddr_un to = address(name, &size);
    struct sockaddr_un got = {0};
    struct stat status;
    pthread_t thread;
    char text[64] = {0};
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    show("nothing there", connect(client, (const void *)&to, size) ? -1 : 0);
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
    show("bind", bind(listener, (const void *)&to, size));
    show("bind again", bind(listener, (const void *)&to, size));
    show("bind another", bind(other, (const void *)&to, size));
    show("does not listen", connect(client, (const void *)&to, size));
    if (*name) {
        show("stat", stat(to.sun_path, &status));
        show("is a socket", S_ISSOCK(status.st_mode));
        show("opens", open(to.sun_path, O_RDWR));
    }
    show("listen", listen(listener, 4));
    show_poll("nothing to accept", listener, POLLIN);
    int on = 0;
    got_size = sizeof on;
    getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &on, &got_size);
    show("listens", on);
    got_size = sizeof got;
    show_name("own name", getsockname(listener, (void *)&got, &got_size), &got, got_size);
    show("connect", connect(client, (const void *)&to, size));
    show("connect again", connect(client, (const void *)&to, size));
    show_poll("to accept", listener, POLLIN);
    show("writes before", write(client, "early", 5));
    got_size = sizeof got;
    show_name("peer's name", getpeername(client, (void *)&got, &got_size), &got, got_size);
    got_size = sizeof got;
    memset(&got, 0, sizeof got);
    const int accepted = accept(listener, (void *)&got, &got_size);
    show_name("accept", accepted < 0 ? -1 : 0, &got, got_size);
    got_size = sizeof got;
    show_name("name of the accepted", getsockname(accepted, (void *)&got, &got_size), &got, got_size);
    show_bytes("reads", text, read(accepted, text, sizeof text));
    struct ucred peer = {0};
    got_size = sizeof peer;
    show("SO_PEERCRED", getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &got_size));
    show("is one", peer.pid > 0);
    close(accepted);
    show("end", read(client, text, 1));
    close(client);
    pthread_create(&thread, NULL, serve, (void *)(long)listener);
    for (unsigned i = 0; i < 3; i++) {
        client = socket(AF_UNIX, SOCK_STREAM, 0);
        connect(client, (const void *)&to, size);
        send(client, "aBc", 3, 0);
        show_bytes("all of it", text, recv(client, text, 3, MSG_WAITALL));
        close(client);
    }
    pthread_join(thread, NULL);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    show("nothing to accept", accept(listener, NULL, NULL));
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    show("connect", connect(client, (const void *)&to, size));
    close(listener);
    show("not accepted", read(client, text, 1) > 0);
    close(client);
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    show("nothing listens", connect(client, (const void *)&to, size));
    if (*name) {
        show("still there", bind(other, (const void *)&to, size));
        show("unlink", unlink(to.sun_path));
    }
    show("bind the other", bind(other, (const void *)&to, size));
    if (*name)
        unlink(to.sun_path);
    close(other);
    close(client);
}

static void datagrams(void)
{
    socklen_t size, own_size, got_size = sizeof(struct sockaddr_un);
    const struct sockaddr_un to = address("datagrams", &size), own = address("own", &own_size);
    struct sockaddr_un from = {0};
    char text[64];
    const int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM, 0);
    show("to none", send(client, "x", 1, 0));
    show("nothing there", sendto(client, "x", 1, 0, (const void *)&to, size));
    bind(server, (const void *)&to, size);
    show("without a name", sendto(client, "hello", 5, 0, (const void *)&to, size));
    show_bytes("reads", text, recvfrom(server, text, sizeof text, 0, (void *)&from, &got_size));
    show("name's size", got_size);
    bind(client, (const void *)&own, own_size);
    show("with a name", sendto(client, "again", 5, 0, (const void *)&to, size));
    got_size = sizeof from;
    show_bytes("reads", text, recvfrom(server, text, sizeof text, 0, (void *)&from, &got_size));
    show_name("from", 0, &from, got_size);
    show("answers", sendto(server, "answer", 6, 0, (const void *)&from, got_size));
    show_bytes("reads", text, recv(client, text, sizeof text, 0));
    show("connect", connect(client, (const void *)&to, size));
    show("sends", send(client, "direct", 6, 0));
    show_bytes("reads", text, recv(server, text, sizeof text, 0));
    show("listen", listen(client, 1));
    close(server);
    show("gone", send(client, "x", 1, 0));
    close(client);
    unlink(to.sun_path);
    unlink(own.sun_path);
    const int stream = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(stream, (const void *)&to, size);
    listen(stream, 1);
    const int other = socket(AF_UNIX, SOCK_DGRAM, 0);
    show("another kind", connect(other, (const void *)&to, size));
    close(stream);
    unlink(to.sun_path);
    const sa_family_t family = AF_UNIX;
    show("its own name", bind(other, (const void *)&family, sizeof family));
    got_size = sizeof from;
    getsockname(other, (void *)&from, &got_size);
    show("is abstract", got_size == 8 && !from.sun_path[0]);
    close(other);
}

static long pass(int by, int number, const char *text)
{
    char control[CMSG_SPACE(sizeof number)] = {0};
    struct iovec part = {(void *)text, strlen(text)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof number), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(head), &number, sizeof number);
    return sendmsg(by, &message, 0);
}

/* The number that came, or -1. */
static int take(int by, const char *what, size_t space, int flags)
{
    char control[CMSG_SPACE(4 * sizeof(int))] = {0}, text[64];
    int number = -1;
    struct iovec part = {text, sizeof text};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = space};
    const long got = recvmsg(by, &message, flags);
    show_bytes(what, text, got);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_type == SCM_RIGHTS)
        memcpy(&number, CMSG_DATA(head), sizeof number);
    printf("flags %d, one came: %d\n", message.msg_flags & (MSG_CTRUNC | MSG_TRUNC), number >= 0);
    return number;
}

static void passing(int type)
{
    const size_t space = CMSG_SPACE(sizeof(int));
    int two[2], ends[2];
    char text[64];
    socketpair(AF_UNIX, type, 0, two);
    pipe(ends);
    show("passes", pass(two[0], ends[1], "a pipe"));
    close(ends[1]);
    const int writer = take(two[1], "takes", space, MSG_CMSG_CLOEXEC);
    show("close on exec", fcntl(writer, F_GETFD));
    show("writes", write(writer, "through", 7));
    show_bytes("reads", text, read(ends[0], text, sizeof text));
    show("passes", pass(two[0], writer, "one"));
    show("passes", pass(two[0], ends[0], "two"));
    close(writer);
    show_bytes("without room for it", text, recv(two[1], text, sizeof text, 0));
    show("closed with it", read(ends[0], text, 1));
    const int reader = take(two[1], "takes the other", space, 0);
    show("is the same", read(reader, text, 1));
    close(reader);
    show("passes", pass(two[0], ends[0], "x"));
    close(take(two[1], "no space", 0, 0));
    show("passes none", pass(two[0], 60, "x"));
    char path[120];
    snprintf(path, sizeof path, "%s/passed", folder);
    const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    write(file, "contents", 8);
    show("passes a file", pass(two[0], file, "file"));
    close(file);
    const int again = take(two[1], "takes", space, 0);
    show_bytes("reads", text, pread(again, text, sizeof text, 0));
    close(again);
    unlink(path);
    show("passes itself", pass(two[0], two[0], "self"));
    close(two[0]);
    const int self = take(two[1], "takes", space, 0);
    write(self, "still", 5);
    show_bytes("still open", text, read(two[1], text, sizeof text));
    close(self);
    close(two[1]);
    close(ends[0]);
}

static void *read_slowly(void *argument)
{
    const int from = (int)(long)argument;
    static char text[30000];
    long got, all = 0;
    while ((got = read(from, text, sizeof text)) > 0)
        all += got;
    return (void *)all;
}

static void *receive_slowly(void *argument)
{
    const int from = (int)(long)argument;
    static char text[9000];
    long all = 0;
    for (unsigned i = 0; i < 100; i++)
        all += recv(from, text, sizeof text, 0) == 8000 && text[7999] == 'r';
    return (void *)all;
}

static void much(void)
{
    int two[2];
    pthread_t thread;
    void *all;
    socketpair(AF_UNIX, SOCK_STREAM, 0, two);
    pthread_create(&thread, NULL, read_slowly, (void *)(long)two[1]);
    show("writes much", write(two[0], large, sizeof large));
    struct iovec parts[] = {{large, 100000}, {large, 50000}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    show("sends much", sendmsg(two[0], &message, 0));
    close(two[0]);
    pthread_join(thread, &all);
    show("it read", (long)all);
    close(two[1]);
    memset(large, 'r', sizeof large);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, two);
    pthread_create(&thread, NULL, receive_slowly, (void *)(long)two[1]);
    long sent = 0;
    for (unsigned i = 0; i < 100; i++)
        sent += send(two[0], large, 8000, 0) == 8000;
    pthread_join(thread, &all);
    show("sent", sent);
    show("came whole", (long)all);
    close(two[0]);
    close(two[1]);
    for (unsigned i = 0; i < 100; i++) { /* nothing is left */
        socketpair(AF_UNIX, SOCK_STREAM, 0, two);
        pass(two[0], two[0], "x");
        close(two[0]);
        read(two[1], large, 10);
        close(two[1]);
    }
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(folder, sizeof folder, "%s%s", arguments[1][0] == '/' ? "" : "/tmp/", arguments[1]);
    mkdir(folder, 0777);
    kinds();
    stream_pair();
    record_pair(SOCK_DGRAM);
    record_pair(SOCK_SEQPACKET);
    connections("name");
    connections("");
    datagrams();
    passing(SOCK_STREAM);
    passing(SOCK_DGRAM);
    much();
    puts("done");
    return 0;
}
