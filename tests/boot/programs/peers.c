/* Pipes, sockets, descriptors that are passed and locks between processes: what each of three sees of the others. The judge is
 * Linux. Arguments: its part, and a folder, or the name of one in /tmp. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "show.h"

static char folder[80], path[100];

static socklen_t name(struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                       (size_t)snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "%s", folder));
}

static void pass(int by, int number)
{
    char control[CMSG_SPACE(sizeof number)] = {0};
    struct iovec part = {"p", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof number), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(head), &number, sizeof number);
    if (sendmsg(by, &message, 0) != 1)
        show("passes", -1);
    close(number);
}

static int take(int by)
{
    char control[CMSG_SPACE(sizeof(int))], text[1];
    int number = -1;
    struct iovec part = {text, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(by, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
        memcpy(&number, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof number);
    return number;
}

/* They take turns. */
static void go_on(int by)
{
    write(by, "g", 1);
}

static void await(int by)
{
    char byte;
    read(by, &byte, 1);
}

static long lock(int file, int command, short type, off_t start, off_t size)
{
    struct flock wish = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = size};
    const long result = fcntl(file, command, &wish);
    if (command == F_GETLK && !result)
        printf("there is: %s %ld %ld\n", wish.l_type == F_UNLCK ? "none" : wish.l_type == F_RDLCK ? "read" : "write",
               wish.l_type == F_UNLCK ? 0 : (long)wish.l_start, wish.l_type == F_UNLCK ? 0 : (long)wish.l_len);
    return result;
}

static int join(const char *part)
{
    struct sockaddr_un address;
    const socklen_t size = name(&address);
    const int by = socket(AF_UNIX, SOCK_STREAM, 0);
    while (connect(by, (void *)&address, size))
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    write(by, part, 1);
    return by;
}

static void own_locks(int file)
{
    const int again = open(path, O_RDWR);
    show("locks a part", lock(file, F_SETLK, F_WRLCK, 10, 20));
    show("its own are in no way", lock(again, F_SETLK, F_WRLCK, 0, 15));
    show("looks at its own", lock(file, F_GETLK, F_WRLCK, 0, 0));
    show("unlocks the middle", lock(file, F_SETLK, F_UNLCK, 12, 3));
    show("a part is for reading", lock(file, F_SETLK, F_RDLCK, 20, 2));
    struct flock odd = {.l_type = 77, .l_whence = SEEK_SET};
    show("no kind", fcntl(file, F_SETLK, &odd));
    odd = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = -1};
    show("before the start", fcntl(file, F_SETLK, &odd));
    const int reader = open(path, O_RDONLY);
    show("a reader writes", lock(reader, F_SETLK, F_WRLCK, 0, 1));
    show("flock", flock(file, LOCK_EX));
    show("by another", flock(again, LOCK_SH | LOCK_NB));
    show("unlocks", flock(file, LOCK_UN));
    show("by another", flock(again, LOCK_SH | LOCK_NB));
    show("as well", flock(file, LOCK_SH | LOCK_NB));
    show("alone", flock(file, LOCK_EX | LOCK_NB));
    close(again); /* with it go the locks of fcntl, and its own */
    show("alone", flock(file, LOCK_EX | LOCK_NB));
    close(reader);
    flock(file, LOCK_UN);
}

static void serve(void)
{
    struct sockaddr_un address;
    const socklen_t size = name(&address);
    int client = -1, victim = -1;
    char text[64];
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    mkdir(folder, 0777);
    const int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    own_locks(file);
    show("locks", lock(file, F_SETLK, F_WRLCK, 100, 50));
    bind(listener, (void *)&address, size);
    listen(listener, 2);
    for (unsigned i = 0; i < 2; i++) {
        const int one = accept(listener, NULL, NULL);
        read(one, text, 1);
        *(text[0] == 'c' ? &client : &victim) = one;
    }
    struct ucred peer = {0};
    socklen_t peer_size = sizeof peer;
    getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size);
    show("another process", peer.pid > 0 && peer.uid == getuid());

    const int from = take(client), to = take(client);
    write(to, "to the client", 13);
    show_bytes("from the client", text, read(from, text, sizeof text));
    close(to);
    show("the client closed", read(from, text, 1));
    go_on(client); /* it looks at locks, and then waits for one */
    await(client);
    nanosleep(&(struct timespec){0, 30000000}, NULL);
    show("unlocks", lock(file, F_SETLK, F_UNLCK, 0, 0));
    await(client);
    show("is locked", lock(file, F_SETLK, F_WRLCK, 110, 1));
    go_on(client);
    show("waits for its end", lock(file, F_SETLKW, F_WRLCK, 0, 0));
    show("the client ended", read(client, text, 1));

    signal(SIGPIPE, SIG_IGN);
    const int last_words = take(victim), nowhere = take(victim);
    lock(file, F_SETLK, F_UNLCK, 0, 0);
    go_on(victim);
    show_bytes("last words", text, read(last_words, text, sizeof text));
    struct pollfd list[] = {{last_words, POLLIN, 0}, {nowhere, 0, 0}};
    while (poll(list, 2, -1) < 2)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    printf("then %x %x\n", list[0].revents, list[1].revents & POLLERR);
    show("end", read(last_words, text, 1));
    show("nothing reads", write(nowhere, "x", 1));
    show("locks what it had", lock(file, F_SETLKW, F_WRLCK, 0, 0));
    show("end", read(victim, text, 1));
    puts("done");
}

static void be_client(void)
{
    const int by = join("client");
    int one[2], two[2];
    char text[64];
    const int file = open(path, O_RDONLY);
    pipe(one);
    pipe(two);
    pass(by, one[0]);
    pass(by, two[1]);
    write(one[1], "to the server", 13);
    close(one[1]);
    show_bytes("from the server", text, read(two[0], text, sizeof text));
    show("the server closed", read(two[0], text, 1));
    await(by);
    show("looks", lock(file, F_GETLK, F_RDLCK, 0, 0));
    show("is locked", lock(file, F_SETLK, F_RDLCK, 149, 1));
    show("beside it", lock(file, F_SETLK, F_RDLCK, 150, 1));
    go_on(by);
    show("waits for it", lock(file, F_SETLKW, F_RDLCK, 0, 0));
    go_on(by);
    await(by);
    nanosleep(&(struct timespec){0, 30000000}, NULL);
    puts("done"); /* it ends with a lock */
}

static void be_victim(void)
{
    const int by = join("victim");
    int one[2], two[2];
    const int file = open(path, O_RDONLY);
    pipe(one);
    pipe(two);
    pass(by, one[0]);
    pass(by, two[1]);
    write(one[1], "argh", 4);
    await(by);
    show("locks", lock(file, F_SETLKW, F_RDLCK, 0, 0));
    puts("done");
    fflush(stdout);
    *(volatile int *)8 = 1; /* it ends, with all open */
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(folder, sizeof folder, "%s%s", arguments[2][0] == '/' ? "" : "/tmp/", arguments[2]);
    snprintf(path, sizeof path, "%s/locked", folder);
    if (arguments[1][0] == 's')
        serve();
    else if (arguments[1][0] == 'c')
        be_client();
    else
        be_victim();
    return 0;
}
