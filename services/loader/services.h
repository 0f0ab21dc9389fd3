/* Starting the services of the image, each by its strategy. */
#ifndef SERVICES_H
#define SERVICES_H
#include "child.h"

/* Make a process for a service, with its program linked there, and let it run. NULL: failed, and reported. */
struct child *service_start(struct loader *loader, const struct image_service *service, bool at_boot);
/* All of the boot: those that the system started before, then the others in the order of the manifest. */
void services_boot(struct loader *loader);
#endif
