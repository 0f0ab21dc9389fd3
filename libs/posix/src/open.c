/* Opens files by their paths, and looks at what lies there: the boot image's here, the rest in place.c. */
#include <errno.h>
#include <fcntl.h>
#include <protocol/files.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "descriptor.h"
#include "tmp_client.h"

static handle_t files_service, tmp_service;
const char *working_folder = "";

long service_files(handle_t *files)
{
    long error = sys_start_handle(START_HANDLE_NAMES) ? service_connect(&files_service, "files") : -ENOSYS;
    *files = files_service;
    return error; /* -ENOSYS: the loader, which is there before the service that serves files */
}

long service_tmp(handle_t *tmp)
{
    long error = sys_start_handle(START_HANDLE_NAMES) ? service_connect(&tmp_service, "tmp") : -ENOSYS;
    *tmp = tmp_service;
    return error == -ENXIO ? -ENOENT : error;
}

long image_open(const char *path, long flags, struct descriptor *opened)
{
    handle_t files;
    const bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
    long error = service_files(&files);
    if (error)
        return error;
    if (strnlen(path, FILES_PATH_MAX) == FILES_PATH_MAX)
        return -ENAMETOOLONG;
    struct files_opened found;
    int64_t status = files_open(files, path, &found);
    if (status != STATUS_OK)
        return status == FILES_NOT_A_FOLDER ? -ENOTDIR : status == STATUS_NOT_FOUND && flags & O_CREAT ? -EROFS : error_of(status);
    if (writes || (flags & O_CREAT && flags & O_EXCL)) {
        if (found.file)
            sys_handle_close(found.file);
        return flags & O_CREAT && flags & O_EXCL ? -EEXIST : found.file ? -EROFS : -EISDIR;
    }
    *opened = (struct descriptor){.kind = found.file ? FILE_OF_IMAGE : FOLDER, .reads = true, .opened = found};
    return 0;
}

/* Whether a path needs no closer look, if the image has it: no place of tmp is in it. */
static bool is_of_image(long directory, const char *text)
{
    return (*text == '/' || (directory == AT_FDCWD && !*working_folder)) && !strstr(text, TMP_PLACE) && !strstr(text, TMP_OTHER_PLACE);
}

long file_open(long directory, const char *text, long flags)
{
    long number = descriptor_reserve(0);
    if (number < 0)
        return number;
    struct descriptor opened = {.kind = CLOSED};
    long error = is_of_image(directory, text) ? image_open(text, flags, &opened) : 0;
    if (error || opened.kind != FILE_OF_IMAGE)
        error = place_open(directory, text, flags, &opened);
    else if (flags & O_DIRECTORY)
        error = -ENOTDIR;
    opened.closes_on_exec = flags & O_CLOEXEC;
    if (error) {
        descriptor_release(&opened);
        opened.kind = CLOSED;
    }
    descriptor_set(number, &opened);
    return error ? error : number;
}

long image_status(const char *text, struct stat *status)
{
    struct descriptor file;
    long error = image_open(text, O_RDONLY, &file);
    if (error)
        return error;
    descriptor_release(&file);
    return descriptor_describe(&file, status);
}

long file_status_at(long directory, const char *text, struct stat *status, long flags)
{
    if ((flags & AT_EMPTY_PATH) && !*text)
        return file_status(directory, status);
    const long error = is_of_image(directory, text) ? image_status(text, status) : -ENOENT;
    return error ? place_status(directory, text, status) : 0;
}

long file_access(long directory, const char *path, long mode)
{
    struct stat status;
    long error = file_status_at(directory, path, &status, 0);
    if (error)
        return error;
    return (mode & 2) && !(status.st_mode & 0222) ? -EROFS : mode & 1 && !S_ISDIR(status.st_mode) ? -EACCES : 0;
}
