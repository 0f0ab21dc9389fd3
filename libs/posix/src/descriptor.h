/* What is open, shared by the files that open, read and list. */
#ifndef POSIX_DESCRIPTOR_H
#define POSIX_DESCRIPTOR_H
#include <fcntl.h>
#include <protocol/files.h>
#include <stdbool.h>

#include "internal.h"
#include "path.h"

#pragma GCC visibility push(hidden)
#define FOLDERS 8       /* that can be open at a time */
#define FOLDER_PATH 256 /* bytes of the path of one */

enum descriptor_kind { CLOSED, RESERVED, EMPTY, CONSOLE, FILE_OF_IMAGE, FILE_OF_TMP, FOLDER, OTHER };

struct descriptor;
/* How OTHER ones are used: so they are drawn into a program by those who make them alone. */
struct descriptor_calls {
    long (*read)(const struct descriptor *file, void *buffer, unsigned long size);
    long (*write)(const struct descriptor *file, const void *data, unsigned long size);
    /* poll()'s events that hold. Where none does, `endpoint` (0: none) is signalled once when one does; *wait is its number then,
     * for `disarm`. The handle is taken. */
    long (*poll)(const struct descriptor *file, long events, handle_t endpoint, uint64_t *wait);
    void (*disarm)(const struct descriptor *file, uint64_t wait);
    long (*status)(const struct descriptor *file, struct stat *status);
    long (*device_control)(const struct descriptor *file, unsigned long request, void *argument);
    void (*close)(const struct descriptor *file);
    /* Of several parts, as one; NULL: one after the other. */
    long (*vector)(const struct descriptor *file, const struct iovec *parts, long count, bool writes);
};

struct descriptor {
    enum descriptor_kind kind;
    bool reads, writes, appends, never_waits, closes_on_exec;
    struct files_opened opened; /* duplicates have the same handle; of a folder the number is its place in the table */
    uint64_t position;
    const struct descriptor_calls *calls; /* NULL but of OTHER */
};

/* How many there may be; at most DESCRIPTORS. */
extern long descriptors_most;
/* NULL: there is no such descriptor. */
struct descriptor *descriptor_of(long number);
/* The lowest number from `lowest` on that is not used, RESERVED from now on; or -EMFILE. */
long descriptor_reserve(long lowest);
/* What a number that is reserved is from now on; CLOSED: free again. */
void descriptor_set(long number, const struct descriptor *opened);
/* Of the image's files, folders and the console. */
long descriptor_describe(const struct descriptor *file, struct stat *status);
/* Of a folder; NULL: it is none. */
const char *folder_path(const struct descriptor *folder);
/* The path that relative ones start from: "" is the root. */
extern const char *working_folder;
/* The path of what a call names: AT_FDCWD, a folder's descriptor, or a whole path. */
long path_at(long directory, const char *text, struct path *path);

/* The calls of one that came from another process. */
void descriptor_adopt(struct descriptor *file);

/* A service's handle is looked up on first use, so that a service that needs none waits for none. */
long service_connect(handle_t *handle, const char *name);
long service_files(handle_t *files);
/* -ENOENT: the image has no service tmp. */
long service_tmp(handle_t *tmp);

/* Called before one is closed, where it is set. */
extern void (*descriptor_closing)(const struct descriptor *file);
long descriptor_status(const struct descriptor *file, struct stat *status);
/* fcntl()'s locks. */
long file_lock(const struct descriptor *file, long command, struct flock *lock);
/* After it was closed: its handle goes with the last descriptor that has it. */
void descriptor_release(const struct descriptor *file);
bool folder_is_used(uint64_t place);

/* The image's. Of a folder only the kind is known then. */
long image_open(const char *path, long flags, struct descriptor *opened);
long image_status(const char *path, struct stat *status);

/* Any, with a closer look at the path. */
long place_open(long directory, const char *text, long flags, struct descriptor *opened);
long place_status(long directory, const char *text, struct stat *status);
long place_look(const struct descriptor *folder, struct stat *status);

/* Why what is not there cannot be made: its folder is not there either, or is the image's (-EROFS). */
long place_refuse(struct path *path);

/* What is there without a service. -ENOENT: it is none of these. Of DEVICE_FOLDER the kind is known. */
#define DEVICE_FOLDER "dev"
long device_open(const char *path, long flags, struct descriptor *opened);
bool device_is_zeros(const struct descriptor *file);
/* Of those in DEVICE_FOLDER, from 0; NULL behind the last. */
const char *device_name(uint64_t index);

/* Files of tmp. */
long tmp_error(int64_t status);
long tmp_file_open(const char *path, long flags, struct descriptor *opened);
long tmp_file_status(const char *path, struct stat *status);
long tmp_file_look(const struct descriptor *file, struct stat *status);
#pragma GCC visibility pop
#endif
