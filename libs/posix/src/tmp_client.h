/* Requests to the service tmp (protocol/tmp.h), of this library alone. */
#ifndef POSIX_TMP_CLIENT_H
#define POSIX_TMP_CLIENT_H
#include <protocol/tmp.h>
#include <stdbool.h>

#pragma GCC visibility push(hidden)
int64_t tmp_open(handle_t tmp, const char *path, unsigned flags, handle_t *file, struct tmp_status *status);
int64_t tmp_status(handle_t tmp, const char *path, struct tmp_status *status);
/* Or the place of a socket. */
int64_t tmp_make_folder(handle_t tmp, const char *path, bool is_socket);
int64_t tmp_remove(handle_t tmp, const char *path, uint64_t is_folder);
int64_t tmp_rename(handle_t tmp, const char *from, const char *to);
int64_t tmp_link(handle_t tmp, const char *from, const char *to);
/* Nanoseconds since 1970, or TMP_SAME. */
int64_t tmp_times(handle_t file, int64_t read, int64_t changed);
/* STATUS_NOT_FOUND behind the last. */
int64_t tmp_list(handle_t tmp, const char *path, uint64_t index, struct tmp_entry *entry);
/* How many bytes, less than asked for only at the end of the file; or a status. */
int64_t tmp_read(handle_t file, uint64_t offset, void *buffer, uint64_t size);
/* At *offset, or at the end (TMP_AT_END), with memory of the caller's budget where it is needed. *offset is behind it then.
 * How many bytes were written; a status if none was. */
int64_t tmp_write(handle_t file, uint64_t *offset, const void *data, uint64_t size);
int64_t tmp_resize(handle_t file, uint64_t size);
int64_t tmp_look(handle_t file, struct tmp_status *status);
/* Memory of the part of a file that has `offset`, whatever its size: *start and *size say where it lies in the file. */
int64_t tmp_map(handle_t file, uint64_t offset, uint64_t *start, uint64_t *size);
/* A lock that is wanted, or what is in the way (TMP_LOCKED). `endpoint` (0: none) is signalled when that may be gone; takes the
 * handle. */
struct tmp_wish {
    enum tmp_lock kind;
    uint64_t start, last, process;
};
int64_t tmp_lock(handle_t file, struct tmp_wish *wish, unsigned flags, handle_t endpoint);
#pragma GCC visibility pop
#endif
