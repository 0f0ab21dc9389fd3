/* What the running thread's handles lead to, and what it is given. */
#ifndef CALL_CALLER_H
#define CALL_CALLER_H
#include "process/process.h"

/* A process that has not ended, by a handle with these rights. NULL: *status is why. */
struct process *caller_live_process(handle_t handle, uint32_t rights, int64_t *status);
/* The same with RIGHT_MANAGE. */
struct process *caller_managed_process(handle_t handle, int64_t *status);
/* Put a fresh object behind a handle of the running process; the handle keeps it, or nothing does. */
int64_t caller_give(void *object, uint32_t rights);
/* A name that the log may show. */
bool caller_gave_name(const char *name, uint64_t length);
/* The budget of a process, or where there is no handle of the running one. NULL: *status is why. */
struct budget *caller_payer(handle_t handle, int64_t *status);
#endif
