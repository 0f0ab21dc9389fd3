/* Memory of the loader itself. */
#ifndef HEAP_H
#define HEAP_H
#include "state.h"

/* Zeroed; NULL: no memory. Given back by port_free, with the same size. */
void *heap_zeroed(const struct loader *loader, uint64_t size);
/* A copy, given back by heap_free_string; NULL: no memory. */
char *heap_string(const struct loader *loader, const char *text);
/* NULL is no string. */
void heap_free_string(const struct loader *loader, char *text);
#endif
