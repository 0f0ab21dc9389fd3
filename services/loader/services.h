/* The services of the image: starting them, each by its strategy, and their ends. */
#ifndef SERVICES_H
#define SERVICES_H
#include "child.h"

/* Make a process for a service, with its program linked there, and let it run. `payer`: whose budget it shares where
 * the manifest gives it none; id 0: it has a share of its own. Takes the gift, which it may ask for. NULL: failed, and reported. */
struct child *service_start(struct loader *loader, const struct image_service *service, bool at_boot, struct port_space payer,
                            struct port_gift gift);
/* All of the boot: those that the system started before, then the others in the order of the manifest. */
void services_boot(struct loader *loader);

/* LOADER_START: as the manifest lets the caller, NULL where it is not known; *started is its process. Takes the gift. PORT_NO_RIGHT,
 * PORT_LIMIT, PORT_INVALID: reported. */
int64_t services_start_for(struct loader *loader, struct child *caller, const struct image_service *service,
                           struct port_gift gift, struct child **started);
/* End a process that runs. It is no failure of the boot. */
void services_stop(struct loader *loader, struct child *child);
/* A process ended by itself, or was ended for a fault; of a process that is not known nothing happens. */
void services_ended(struct loader *loader, const struct port_event *event);
#endif
