/* Locks of files: below /tmp the service tmp has them. A file of the image is read by all, and written by none. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <system/call.h>

#include "descriptor.h"
#include "tmp_client.h"

/* A process' locks of a file go with whatever descriptor of it is closed. */
static void unlock_closed(const struct descriptor *file)
{
    struct tmp_wish all = {.kind = TMP_UNLOCK, .last = UINT64_MAX};
    if (file->kind == FILE_OF_TMP)
        tmp_lock(file->opened.file, &all, 0, 0);
}

static long lock_error(int64_t status)
{
    return status == TMP_LOCKED ? -EAGAIN : status == TMP_DEADLOCK ? -EDEADLK : status == STATUS_LIMIT ? -ENOLCK : tmp_error(status);
}

/* Until it has the lock, where it waits; the thread is signalled when what is in the way may be gone. */
static long take(handle_t file, struct tmp_wish *wish, unsigned flags, bool waits)
{
    if (!waits)
        return lock_error(tmp_lock(file, wish, flags, 0));
    const int64_t endpoint = sys_endpoint_create();
    if (endpoint < 0)
        return error_of(endpoint);
    int64_t status;
    long error = 0;
    do {
        struct tmp_wish asked = *wish;
        const int64_t signalled = sys_handle_duplicate((handle_t)endpoint, RIGHT_SIGNAL | RIGHT_TRANSFER, 0);
        status = signalled < 0 ? signalled : tmp_lock(file, &asked, flags, (handle_t)signalled);
        struct message message = {0};
        handle_t none;
        if (status == TMP_LOCKED) {
            const int64_t waited = sys_receive((handle_t)endpoint, &message, &none);
            error = is_to_go_on(waited) ? 0 : error_of(waited);
        }
    } while (status == TMP_LOCKED && !error);
    sys_handle_close((handle_t)endpoint);
    return error ? error : lock_error(status);
}

static long range_of(const struct descriptor *file, const struct flock *lock, struct tmp_wish *wish)
{
    struct stat status = {0};
    if (lock->l_whence < SEEK_SET || lock->l_whence > SEEK_END)
        return -EINVAL;
    const long error = lock->l_whence == SEEK_END ? descriptor_status(file, &status) : 0;
    off_t start = lock->l_whence == SEEK_SET ? 0 : lock->l_whence == SEEK_CUR ? (off_t)file->position : status.st_size, end;
    if (error || __builtin_add_overflow(start, lock->l_start, &start) || __builtin_add_overflow(start, lock->l_len, &end))
        return error ? error : -EOVERFLOW;
    if (lock->l_len < 0) {
        const off_t first = end;
        end = start;
        start = first;
    }
    if (start < 0)
        return -EINVAL;
    wish->start = (uint64_t)start;
    wish->last = lock->l_len ? (uint64_t)end - 1 : UINT64_MAX;
    return 0;
}

static long kind_of(const struct descriptor *file, const struct flock *lock, bool tests, enum tmp_lock *kind)
{
    switch (lock->l_type) {
    case F_UNLCK:
        *kind = TMP_UNLOCK;
        return tests ? -EINVAL : 0;
    case F_RDLCK:
        *kind = TMP_LOCK_SHARED;
        return tests || file->reads ? 0 : -EBADF;
    case F_WRLCK:
        *kind = TMP_LOCK_EXCLUSIVE;
        return tests || file->writes ? 0 : -EBADF;
    default:
        return -EINVAL;
    }
}

static void describe(struct flock *lock, const struct tmp_wish *found)
{
    lock->l_type = found->kind == TMP_LOCK_EXCLUSIVE ? F_WRLCK : F_RDLCK;
    lock->l_whence = SEEK_SET;
    lock->l_start = (off_t)found->start;
    lock->l_len = found->last == UINT64_MAX ? 0 : (off_t)(found->last - found->start + 1);
    lock->l_pid = (pid_t)found->process;
}

long file_lock(const struct descriptor *file, long command, struct flock *lock)
{
    const bool tests = command == F_GETLK;
    struct tmp_wish wish;
    long error = kind_of(file, lock, tests, &wish.kind);
    if (!error)
        error = range_of(file, lock, &wish);
    if (error || (file->kind != FILE_OF_TMP && file->kind != FILE_OF_IMAGE))
        return error ? error : -EINVAL;
    if (file->kind == FILE_OF_IMAGE) {
        lock->l_type = tests ? F_UNLCK : lock->l_type;
        return 0;
    }
    if (!tests) {
        descriptor_closing = unlock_closed;
        return take(file->opened.file, &wish, 0, command == F_SETLKW);
    }
    const int64_t status = tmp_lock(file->opened.file, &wish, TMP_LOCK_TEST, 0);
    if (status == STATUS_OK)
        lock->l_type = F_UNLCK;
    if (status == TMP_LOCKED)
        describe(lock, &wish);
    return status == TMP_LOCKED ? 0 : lock_error(status);
}

long file_lock_whole(long number, long operation)
{
    const struct descriptor *file = descriptor_of(number);
    const long how = operation & ~LOCK_NB;
    if (!file)
        return -EBADF;
    if (how != LOCK_SH && how != LOCK_EX && how != LOCK_UN)
        return -EINVAL;
    if (file->kind != FILE_OF_TMP)
        return 0; /* nothing else can be written by several */
    struct tmp_wish wish = {
        .kind = how == LOCK_UN ? TMP_UNLOCK : how == LOCK_SH ? TMP_LOCK_SHARED : TMP_LOCK_EXCLUSIVE, .last = UINT64_MAX};
    return take(file->opened.file, &wish, TMP_LOCK_WHOLE, !(operation & LOCK_NB));
}
