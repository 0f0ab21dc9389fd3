/* The working folder: what relative paths start from. It is a path, and stays one whatever becomes of the folder. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "descriptor.h"

static char kept[PATH_MAX];

static long keep(const char *path)
{
    strcpy(kept, path);
    working_folder = kept;
    return 0;
}

long working_set(const char *text)
{
    struct path path;
    struct stat status;
    long error = path_at(AT_FDCWD, text, &path);
    if (!error)
        error = file_status_at(AT_FDCWD, text, &status, 0);
    if (error)
        return error;
    return S_ISDIR(status.st_mode) ? keep(path.text) : -ENOTDIR;
}

long working_set_by(long number)
{
    const struct descriptor *file = descriptor_of(number);
    const char *path = file ? folder_path(file) : NULL;
    return path ? keep(path) : file ? -ENOTDIR : -EBADF;
}

long working_get(char *buffer, unsigned long size)
{
    const unsigned long length = strlen(working_folder) + 2;
    if (size < length)
        return -ERANGE;
    buffer[0] = '/';
    strcpy(buffer + 1, working_folder);
    return (long)length;
}
