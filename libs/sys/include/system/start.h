/* The start block of this process (<ambilink/start.h>), for everyone who needs a handle or a table of it. */
#ifndef SYSTEM_START_H
#define SYSTEM_START_H
#include <ambilink/abi.h>
#include <ambilink/start.h>

/* NULL before the start code ran. */
const struct start_info *sys_start_info(void);

/* A handle the process was born with; 0 where it has none. */
handle_t sys_start_handle(enum start_handle which);

/* Called once by the start code. */
void sys_set_start_info(const struct start_info *info);
#endif
