/* The modules of a link: the list in the order of loading, the global scope, memory of the running call. */
#ifndef RTLD_MODULES_H
#define RTLD_MODULES_H
#include <rtld/link.h>

#include "arena.h"
#include "ground.h"

/* What a call begins with: nothing reported, no results of the call before. */
void call_begin(struct link *link);
/* Zeroed records from the arena of the running call; NULL after a report. */
void *scratch_alloc(struct link *link, uint64_t count, size_t size);
/* An array for as many modules as there are. */
struct module **scratch_modules(struct link *link);

/* By its name or its DT_SONAME; by its file. NULL: it is not there. */
struct module *modules_find(const struct link *link, const char *name);
struct module *modules_find_file(const struct link *link, const struct file_view *file);
/* The same, or NULL after a report: it is marked to go. */
struct module *modules_staying(struct link *link, const struct module *referrer, struct module *found, const char *name);
/* The module of a name: already there, under this name or another, or opened now; NULL after a report, or without one
 * if the host has no file for an optional one. */
struct module *modules_need(struct link *link, const struct module *referrer, const char *name, bool optional);
/* Parse a file, and put it at the end of the list; NULL after a report. */
struct module *modules_add(struct link *link, const char *name, const struct file_view *file);
/* The fresh ones, as loaded; NULL after a report. */
struct module **modules_fresh(struct link *link, size_t *count);

/* Put a module at the end of the global scope, unless it is there. */
void global_append(struct link *link, struct module *module);
void global_remove(struct link *link, struct module *module);
#endif
