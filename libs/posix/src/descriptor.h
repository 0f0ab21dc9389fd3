/* What is open, shared by the files that open, read and list. */
#ifndef POSIX_DESCRIPTOR_H
#define POSIX_DESCRIPTOR_H
#include <protocol/files.h>
#include <stdbool.h>

#include "internal.h"
#include "path.h"

#pragma GCC visibility push(hidden)
#define DESCRIPTORS 64
#define FOLDERS 8       /* that can be open at a time */
#define FOLDER_PATH 256 /* bytes of the path of one */

enum descriptor_kind { CLOSED, EMPTY, CONSOLE, FILE_OF_IMAGE, FILE_OF_TMP, FOLDER };

struct descriptor {
    enum descriptor_kind kind;
    bool reads, writes, appends;
    struct files_opened opened; /* duplicates have the same handle; of a folder the number is its place in the table */
    uint64_t position;
};

/* NULL: there is no such descriptor. */
struct descriptor *descriptor_of(long number);
/* Of a folder; NULL: it is none. */
const char *folder_path(const struct descriptor *folder);
/* The path of what a call names: AT_FDCWD, a folder's descriptor, or a whole path. */
long path_at(long directory, const char *text, struct path *path);

/* A service's handle is looked up on first use, so that a service that needs none waits for none. */
long service_files(handle_t *files);
/* -ENOENT: the image has no service tmp. */
long service_tmp(handle_t *tmp);

/* Its handle goes with the last descriptor that has it. */
void descriptor_release(const struct descriptor *file);
bool folder_is_used(uint64_t place);

/* The image's. Of a folder only the kind is known then. */
long image_open(const char *path, long flags, struct descriptor *opened);
long image_status(const char *path, struct stat *status);

/* Any, with a closer look at the path. */
long place_open(long directory, const char *text, long flags, struct descriptor *opened);
long place_status(long directory, const char *text, struct stat *status);
long place_look(const struct descriptor *folder, struct stat *status);

/* Files of tmp. */
long tmp_error(int64_t status);
long tmp_file_open(const char *path, long flags, struct descriptor *opened);
long tmp_file_status(const char *path, struct stat *status);
long tmp_file_look(const struct descriptor *file, struct stat *status);
#pragma GCC visibility pop
#endif
