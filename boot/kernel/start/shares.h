/* How the machine's memory is divided among the services. */
#ifndef START_SHARES_H
#define START_SHARES_H
#include <ambilink/image.h>

#include "base/budget.h"

/* What a service has that the manifest gives nothing. */
extern struct cost service_share;

/* Give the root budget what the machine has, and work out the share: once, when the image is open. */
void shares_init(void);
/* What a service may have: what the manifest says, or a share. */
struct cost service_limit(const struct image_service *service);
#endif
