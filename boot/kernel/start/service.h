/* Starting services: the loader service, and before it those that the image wants linked by the kernel or by their own
 * interpreter. */
#ifndef START_SERVICE_H
#define START_SERVICE_H
#include <ambilink/loaded.h>

#include "process/process.h"
#include "start/launch.h"

/* Start the loader service, and before it what the kernel links. What another service lacks is logged and counted;
 * without the loader service: panic. */
void services_start(const char *command_line);

/* The start of a service that the kernel links, for a caller that gets handles to it. */
struct start {
    struct object object;
    struct process *caller;
    uint64_t thread_number;       /* its thread, which asked */
    uint64_t index;               /* of the service */
    struct launch launch;
    int64_t result;
    struct loaded_process loaded; /* if that is no error */
};
extern const struct object_type start_type;

/* Begin one, and do as much of it as this entry may (base/work.h). The process has the budget that the manifest gives it;
 * without one it shares `budget`, or if that is NULL has a share of its own. STATUS_OK: service_start_go_on follows, and
 * *object is the caller's: its end gives up what is not done, in steps. STATUS_INVALID: not the kernel's to link;
 * STATUS_NO_MEMORY; CALL_AGAIN: another start is going on, whose thread now has at least the priority of this one. */
int64_t service_start_begin(uint64_t index, struct process *caller, struct budget *budget, void **object);
/* Go on, within what work_left allows. CALL_AGAIN: it is not done. The process' number, and *loaded is filled;
 * STATUS_INVALID: the kernel could not, which it logged. */
int64_t service_start_go_on(struct loaded_process *loaded);
/* The one that goes on or has not ended; NULL: none. It keeps its caller, and the process and the start block of its launch.
 * Bookkeeping. */
const struct start *service_starting(void);
#endif
