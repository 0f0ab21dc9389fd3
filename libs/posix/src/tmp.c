/* Files below /tmp, which can be written: the service tmp has them (protocol/tmp.h). */
#include <errno.h>
#include <fcntl.h>
#include <protocol/names.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#include "descriptor.h"
#include "tmp_client.h"

long tmp_error(int64_t status)
{
    switch (status) {
    case TMP_NOT_A_FOLDER:
        return -ENOTDIR;
    case TMP_EXISTS:
        return -EEXIST;
    case TMP_IS_FOLDER:
        return -EISDIR;
    case TMP_NOT_EMPTY:
        return -ENOTEMPTY;
    case TMP_IS_SOCKET:
        return -ENXIO;
    case STATUS_LIMIT:
    case STATUS_NO_MEMORY:
        return -ENOSPC;
    case STATUS_TOO_LONG:
        return -ENAMETOOLONG;
    default:
        return error_of(status);
    }
}

static void describe(const struct tmp_status *of, struct stat *status)
{
    memset(status, 0, sizeof *status);
    status->st_dev = 2;
    status->st_ino = of->number;
    status->st_nlink = of->links;
    status->st_mode = of->is_folder ? S_IFDIR | 0777 : of->is_socket ? S_IFSOCK | 0777 : S_IFREG | 0666;
    status->st_size = (off_t)of->size;
    status->st_blksize = AMBILINK_PAGE_SIZE;
    status->st_blocks = (blkcnt_t)((of->size + 511) / 512);
    status->st_mtim = (struct timespec){of->changed / NANOSECONDS, of->changed % NANOSECONDS};
    status->st_atim = (struct timespec){of->read / NANOSECONDS, of->read % NANOSECONDS};
    status->st_ctim = status->st_mtim;
}

long tmp_file_open(const char *path, long flags, struct descriptor *opened)
{
    handle_t tmp;
    long error = service_tmp(&tmp);
    if (error)
        return error;
    if (strlen(path) >= TMP_PATH_MAX)
        return -ENAMETOOLONG;
    struct tmp_status status;
    handle_t file;
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    unsigned wanted = (writes || (flags & O_TRUNC) ? TMP_FOR_WRITING : 0) | (flags & O_CREAT ? TMP_FOR_CREATING : 0) |
                      (flags & O_EXCL ? TMP_FOR_NEW : 0) | (flags & O_TRUNC ? TMP_FOR_EMPTY : 0);
    int64_t result = tmp_open(tmp, path, wanted, &file, &status);
    if (result != STATUS_OK)
        return tmp_error(result);
    *opened = (struct descriptor){.kind = status.is_folder ? FOLDER : FILE_OF_TMP,
                                  .reads = (flags & O_ACCMODE) != O_WRONLY,
                                  .writes = writes,
                                  .appends = flags & O_APPEND,
                                  .opened = {file, status.number, status.size}};
    return 0;
}

long tmp_file_status(const char *path, struct stat *status)
{
    handle_t tmp;
    struct tmp_status found;
    long error = service_tmp(&tmp);
    if (error)
        return error;
    int64_t result = strlen(path) < TMP_PATH_MAX ? tmp_status(tmp, path, &found) : STATUS_TOO_LONG;
    if (result == STATUS_OK)
        describe(&found, status);
    return tmp_error(result);
}

long tmp_file_look(const struct descriptor *file, struct stat *status)
{
    struct tmp_status found;
    int64_t result = tmp_look(file->opened.file, &found);
    if (result == STATUS_OK)
        describe(&found, status);
    return tmp_error(result);
}

/* What is below /tmp: the rest of the path in `path`. Others are of the image, which is never changed: -EROFS. */
static long changeable(long directory, const char *text, struct path *path, const char **below, handle_t *tmp)
{
    struct stat status;
    long error = path_at(directory, text, path);
    if (error)
        return error;
    *below = path_in_tmp(path->text);
    if (!*below) {
        error = file_status_at(directory, text, &status, 0);
        return error == -ENOENT ? place_refuse(path) : error ? error : -EROFS;
    }
    return strlen(*below) < TMP_PATH_MAX ? service_tmp(tmp) : -ENAMETOOLONG;
}

long tmp_file_make_folder(long directory, const char *text)
{
    struct path path;
    const char *below;
    handle_t tmp;
    long error = changeable(directory, text, &path, &below, &tmp);
    return error ? error : tmp_error(tmp_make_folder(tmp, below, false));
}

long tmp_file_make_socket(const char *text)
{
    struct path path;
    const char *below;
    handle_t tmp;
    const long error = changeable(AT_FDCWD, text, &path, &below, &tmp);
    return error ? error : tmp_error(tmp_make_folder(tmp, below, true));
}

long tmp_file_remove(long directory, const char *text, long flags)
{
    struct path path;
    const char *below;
    handle_t tmp;
    bool is_folder = flags & AT_REMOVEDIR;
    long error = changeable(directory, text, &path, &below, &tmp);
    if (error)
        return error;
    if (!*below)
        return -EBUSY;
    return path.is_folder && !is_folder ? -ENOTDIR : tmp_error(tmp_remove(tmp, below, is_folder));
}

struct two_places {
    struct path from, to;
    const char *below, *below_other;
    handle_t tmp;
};

/* The same of a file and its other name. */
static long both_changeable(long directory, const char *text, long other_directory, const char *other, struct two_places *two)
{
    long error = changeable(directory, text, &two->from, &two->below, &two->tmp);
    if (!error)
        error = changeable(other_directory, other, &two->to, &two->below_other, &two->tmp);
    return error == -EROFS ? -EXDEV : error;
}

long tmp_file_rename(long directory, const char *text, long other_directory, const char *other)
{
    struct two_places two;
    long error = both_changeable(directory, text, other_directory, other, &two);
    if (error)
        return error;
    return !*two.below || !*two.below_other ? -EBUSY : tmp_error(tmp_rename(two.tmp, two.below, two.below_other));
}

long tmp_file_link(long directory, const char *text, long other_directory, const char *other)
{
    struct two_places two;
    long error = both_changeable(directory, text, other_directory, other, &two);
    if (error)
        return error;
    error = tmp_error(tmp_link(two.tmp, two.below, two.below_other));
    return error == -EISDIR ? -EPERM : error;
}

static int64_t nanoseconds_of(const struct timespec *time, int64_t now)
{
    return time->tv_nsec == UTIME_OMIT ? TMP_SAME : time->tv_nsec == UTIME_NOW ? now : time_span(time);
}

static bool is_time(const struct timespec *time)
{
    return time->tv_nsec == UTIME_OMIT || time->tv_nsec == UTIME_NOW || (time->tv_nsec >= 0 && time->tv_nsec < NANOSECONDS);
}

static long tmp_file_times(long number, const struct timespec times[2])
{
    const struct descriptor *file = descriptor_of(number);
    const int64_t now = sys_clock(CLOCK_WALL);
    if (!file)
        return -EBADF;
    if (times && (!is_time(&times[0]) || !is_time(&times[1])))
        return -EINVAL;
    if (file->kind != FILE_OF_TMP)
        return file->kind == FILE_OF_IMAGE ? -EROFS : -EPERM;
    const int64_t read = times ? nanoseconds_of(&times[0], now) : now, changed = times ? nanoseconds_of(&times[1], now) : now;
    return tmp_error(tmp_times(file->opened.file, read, changed));
}

long tmp_file_times_at(long directory, const char *text, const struct timespec times[2])
{
    if (!text)
        return tmp_file_times(directory, times);
    const long number = file_open(directory, text, O_RDONLY);
    if (number < 0)
        return number;
    const long error = tmp_file_times(number, times);
    file_close(number);
    return error;
}

long file_write_at(long number, const void *data, unsigned long size, long position)
{
    struct descriptor *file = descriptor_of(number);
    if (!file || !file->writes)
        return -EBADF;
    if (file->kind != FILE_OF_TMP)
        return -ESPIPE;
    if (position < 0)
        return -EINVAL;
    uint64_t offset = (uint64_t)position;
    int64_t written = tmp_write(file->opened.file, &offset, data, size);
    return written < 0 ? tmp_error(written) : written;
}

long file_resize(long number, long size)
{
    struct descriptor *file = descriptor_of(number);
    if (!file)
        return -EBADF;
    if (size < 0 || file->kind != FILE_OF_TMP || !file->writes)
        return -EINVAL;
    int64_t status = tmp_resize(file->opened.file, (uint64_t)size);
    return status == STATUS_LIMIT ? -EFBIG : tmp_error(status);
}

long file_resize_at(const char *path, long size)
{
    long number = file_open(AT_FDCWD, path, O_WRONLY);
    if (number < 0)
        return number;
    long error = file_resize(number, size);
    file_close(number);
    return error;
}
