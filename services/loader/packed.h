/* Programs that were linked at build time (struct image_packed): their pages are mapped and copied, nothing is bound
 * or relocated. */
#ifndef PACKED_H
#define PACKED_H
#include "start.h"

/* Map the program into its new process and let it run: takes `space`. False: it cannot be used, which was reported. */
bool packed_run(struct child *child, struct port_space space, uint64_t number);
#endif
