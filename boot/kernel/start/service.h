/* Starting services: the loader service, and before it those that the image wants linked by the kernel or by their own
 * interpreter. */
#ifndef START_SERVICE_H
#define START_SERVICE_H
#include <ambilink/loaded.h>

#include "process/process.h"

/* Start the loader service, and before it what the kernel links. What another service lacks is logged and counted;
 * without the loader service: panic. */
void services_start(const char *command_line);

/* Start a service that the kernel links, for a caller that gets handles. It has the budget that the manifest gives it;
 * without one it shares `budget`, or if that is NULL has a share of its own. The process' number; STATUS_INVALID (not
 * the kernel's to link, or it could not, which is logged), STATUS_NO_MEMORY: *loaded is untouched. */
int64_t service_start(uint64_t index, struct process *caller, struct budget *budget, struct loaded_process *loaded);
#endif
