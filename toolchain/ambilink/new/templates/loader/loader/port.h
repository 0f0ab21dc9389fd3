/* What loader/main.c and a port (port/system.c, port/linux.c) know of each other. */
#ifndef PORT_H
#define PORT_H
#include <loaderkit/loader.h>

/* The port: the functions that <loaderkit/port.h> describes. */
extern const struct loader_port port;
/* Wait until a process has ended: its exit status. */
int port_wait(uint64_t process);

/* Called by the port's start code: load a program, run it, and return what it returned. */
int loader_main(const char *program);
#endif
