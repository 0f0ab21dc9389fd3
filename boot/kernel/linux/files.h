/* Open files of a process under the Linux layer, and Linux' calls on them. All work for the running thread; results are
 * Linux': a value or a negative error number. */
#ifndef LINUX_FILES_H
#define LINUX_FILES_H
#include <stdbool.h>

#include "base/object.h"
#include "image/image.h"

/* What a descriptor leads to: the log, or a file and the position in it. */
struct linux_descriptor {
    bool is_log;
    const struct image_file *file;
    uint64_t *position;
};

extern const struct object_type linux_files_type;

/* False: there is none, and *found is untouched. */
bool linux_find_descriptor(uint64_t number, struct linux_descriptor *found);
/* `folder`: a descriptor, where a path that is not absolute begins; no file is one. */
int64_t linux_open(uint64_t folder, uint64_t path_user, uint64_t flags);
int64_t linux_open_here(uint64_t path_user, uint64_t flags);
int64_t linux_close(uint64_t number);
/* `moves`: from the descriptor's position on, which moves; else from `position` on. */
int64_t linux_read(uint64_t number, uint64_t to_user, uint64_t size, uint64_t position, bool moves);
int64_t linux_seek(uint64_t number, int64_t offset, uint64_t whence);
int64_t linux_write(uint64_t number, uint64_t from_user, uint64_t size);
int64_t linux_readv(uint64_t number, uint64_t vector_user, uint64_t count);
int64_t linux_writev(uint64_t number, uint64_t vector_user, uint64_t count);
int64_t linux_fcntl(uint64_t number, uint64_t command, uint64_t argument);
int64_t linux_ioctl(uint64_t number);
int64_t linux_fstat(uint64_t number, uint64_t to_user);
#endif
