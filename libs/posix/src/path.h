/* Paths of POSIX, as services take them. */
#ifndef POSIX_PATH_H
#define POSIX_PATH_H
#include <limits.h>
#include <stdbool.h>

#pragma GCC visibility push(hidden)
#define TMP_PLACE "tmp" /* what is below is the service tmp's, where the image has it */
#define TMP_OTHER_PLACE "dev/shm" /* another name of that folder: named semaphores and memory lie there */

/* From the root: no slash at the ends, no empty part, no "." and no ".."; "" is the root. */
struct path {
    char text[PATH_MAX];
    bool is_folder; /* it ended in a slash or a dot */
};
/* `base`: of the folder that a relative path starts from. A negative error number if it is too long or empty. */
long path_resolve(const char *base, const char *text, struct path *path);
/* The path below /tmp; NULL: it is not there. */
const char *path_in_tmp(const char *path);
#pragma GCC visibility pop
#endif
