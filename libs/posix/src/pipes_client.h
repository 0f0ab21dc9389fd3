/* Requests to the service pipes (protocol/pipes.h), of this library alone, and what waits for its answers. */
#ifndef POSIX_PIPES_CLIENT_H
#define POSIX_PIPES_CLIENT_H
#include <protocol/pipes.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "descriptor.h"

#pragma GCC visibility push(hidden)
long pipes_error(int64_t status);
/* A new end, or two: handles come, and memory of this process goes along. -ENOSYS: the image has no service pipes. */
long pipes_make(const uint64_t words[3], unsigned memories, unsigned count, handle_t ends[2]);
/* The next part of an answer or a request; its handles are the caller's. */
int64_t end_ask(handle_t end, struct message *request, struct message *reply);
/* How many of `size` bytes a write took, by its answer; -EIO: more. A descriptor of another process may lead to no end at all. */
long end_taken(const struct message *reply, uint64_t size);

/* What a thread waits for at an end: one of the events, or as much room to write; with a key at the socket that has it. */
struct end_wish {
    long events;
    uint64_t room;
    const void *key;
    size_t key_size;
};
/* 0, or why it waits no longer: -EINTR. */
long end_wait(handle_t end, const struct end_wish *wish);
/* Where none of the events holds, the endpoint is signalled once; takes the handle. The events, or an error number. */
long end_poll(handle_t end, const struct end_wish *wish, handle_t endpoint, uint64_t *wait);
void end_disarm(handle_t end, uint64_t wait);

/* The process' number for an end that it may read, write, or both; on failure the end is closed. */
long end_open(handle_t end, uint64_t kind, long flags, bool reads, bool writes);
/* An end's descriptor of one of the kinds from `least` on. NULL: *error is why. */
struct descriptor *end_of(long number, uint64_t least, long *error);
long pipe_make(int numbers[2], long flags);
long counter_make(unsigned count, long flags);
/* Memory for what is on its way to an end; or a status. */
int64_t end_memory(void);
long end_status(const struct descriptor *end, struct pipes_status *status);
long end_broken(bool signals);
/* What is waited for to write so much. */
struct end_wish end_room(uint64_t kind, uint64_t size);

/* Sockets. */
struct socket_key {
    size_t size;
    char text[PIPES_KEY_MAX];
};
/* The key of an address; with `makes`, a path is made. */
long socket_key(const struct sockaddr_un *address, socklen_t size, bool makes, struct socket_key *key);
void socket_give_address(const void *address, size_t size, struct sockaddr *given, socklen_t *given_size);
long socket_make(long family, long type, long protocol);
long socket_pair(long family, long type, long protocol, int numbers[2]);
long socket_bind(long number, const struct sockaddr_un *address, socklen_t size);
long socket_listen(long number, long backlog);
long socket_connect(long number, const struct sockaddr_un *address, socklen_t size);
long socket_accept(long number, struct sockaddr *address, socklen_t *size, long flags);
long socket_shut_down(long number, long how);
long socket_name(long number, struct sockaddr *address, socklen_t *size, bool of_peer);
long socket_option(long number, long level, long name, void *value, socklen_t *size);
long socket_set_option(long number, long level, long name, const void *value, socklen_t size);
long socket_send(long number, const struct msghdr *message, long flags);
long socket_receive(long number, struct msghdr *message, long flags);

/* Handles on their way. The dummy handle of what has none is made. */
long passed_pack(long number, struct pipes_passed *passed, handle_t *handle);
/* A new number, or an error number; takes the handle. */
long passed_unpack(const struct pipes_passed *passed, handle_t handle, bool closes_on_exec);

/* Waiting for several. */
struct pollfd;
long poll_several(struct pollfd *list, unsigned long count, const struct timespec *time);
long poll_masked(struct pollfd *list, unsigned long count, const struct timespec *time, const uint64_t *mask);
long poll_sets(long count, unsigned long *reads, unsigned long *writes, unsigned long *excepts, const struct timespec *time,
               const uint64_t *mask);
struct epoll_event;
long epoll_make(long flags);
long epoll_change(long number, long operation, long of, const struct epoll_event *event);
long epoll_await(long number, struct epoll_event *events, long most, long milliseconds, const uint64_t *mask);
#pragma GCC visibility pop
#endif
