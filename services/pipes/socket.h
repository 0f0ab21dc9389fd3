/* Sockets: how they are named, found and connected. Each function answers its request (protocol/pipes.h). */
#ifndef SOCKET_H
#define SOCKET_H
#include <protocol/call.h>

#include "end.h"

void socket_bind(struct ipc_request *request, struct end *end);
void socket_listen(struct ipc_request *request, struct end *end);
void socket_connect(struct ipc_request *request, struct end *end);
void socket_accept(struct ipc_request *request, struct end *end);
void socket_shut_down(struct ipc_request *request, struct end *end);
void socket_name(struct ipc_request *request, const struct end *end);
/* What a request's data says from an offset on; NULL: none has that key. */
struct end *socket_of_key(const struct message *message, uint64_t offset);
/* Two that write to each other. */
void ends_join(struct end *one, struct end *other);
#endif
