#include "linux/files.h"

#include "base/log.h"
#include "linux/error.h"
#include "memory/pool.h"
#include "memory/user.h"
#include "process/process.h"

#define PATH_SIZE 256
#define STANDARD_DESCRIPTORS 3
#define OPEN_ACCESS_MODE 3
#define VECTOR_MAX 1024

#define STAT_SIZE 144
#define STAT_INODE 8
#define STAT_LINKS 16
#define STAT_MODE 24
#define STAT_BYTES 48
#define STAT_BLOCK 56
#define MODE_FILE 0100555
#define MODE_TERMINAL 0020620

#define FILES_MAX 32

/* Open files, from descriptor 3 on: a process' linux_state. */
struct linux_files {
    struct object object;
    struct {
        const struct image_file *file;
        uint64_t position;
    } at[FILES_MAX];
};
_Static_assert(sizeof(struct linux_files) <= POOL_LARGEST, "a small object");

static bool files_destroy(void *object)
{
    pool_free(object, sizeof(struct linux_files));
    return true;
}

const struct object_type linux_files_type = {.destroy = files_destroy};
const uint64_t linux_files_size = sizeof(struct linux_files);

/* NULL: the process opened none. */
static struct linux_files *files(void)
{
    return (struct linux_files *)current_thread->process->linux_state;
}

/* NULL: no memory. */
static struct linux_files *files_for_opening(void)
{
    struct linux_files *open = files();
    if (!open && (open = pool_alloc(sizeof *open))) {
        open->object = (struct object){&linux_files_type, {1}};
        current_thread->process->linux_state = &open->object;
    }
    return open;
}

bool linux_find_descriptor(uint64_t number, struct linux_descriptor *found)
{
    struct linux_files *open = files();
    if (number < STANDARD_DESCRIPTORS) {
        *found = (struct linux_descriptor){.is_log = true};
        return true;
    }
    number -= STANDARD_DESCRIPTORS;
    if (!open || number >= FILES_MAX || !open->at[number].file)
        return false;
    *found = (struct linux_descriptor){.file = open->at[number].file, .position = &open->at[number].position};
    return true;
}

/* What the manifest says; and the libraries that it is linked to by its interpreter, from this process. */
static bool may_open(const struct image_file *file)
{
    const struct image_service *service = current_thread->process->service;
    return file->kind == IMAGE_FILE_LIBRARY ||
           (service && archive_list_find(&boot_image.archive, service->opens, boot_image_name(file)) >= 0);
}

int64_t linux_open(uint64_t path_user, uint64_t flags)
{
    char path[PATH_SIZE];
    unsigned length = 0;
    for (;; length++) {
        if (length == sizeof path)
            return LINUX_ENAMETOOLONG;
        if (!user_read(current_thread->space, &path[length], path_user + length, 1))
            return LINUX_EFAULT;
        if (!path[length])
            break;
    }
    const struct image_file *file;
    enum archive_path found = archive_resolve(&boot_image.archive, path, &file);
    if (found != ARCHIVE_PATH_FILE)
        return found == ARCHIVE_PATH_NOT_A_FOLDER ? LINUX_ENOTDIR : found == ARCHIVE_PATH_FOLDER ? LINUX_EISDIR : LINUX_ENOENT;
    if (!may_open(file))
        return LINUX_EACCES;
    if (!file)
        return LINUX_ENOENT;
    if (flags & OPEN_ACCESS_MODE)
        return LINUX_EACCES;
    struct linux_files *open = files_for_opening();
    if (!open)
        return LINUX_ENOMEM;
    for (unsigned i = 0; i < FILES_MAX; i++)
        if (!open->at[i].file) {
            open->at[i].file = file;
            open->at[i].position = 0;
            return i + STANDARD_DESCRIPTORS;
        }
    return LINUX_EMFILE;
}

int64_t linux_close(uint64_t number)
{
    struct linux_descriptor found;
    if (!linux_find_descriptor(number, &found))
        return LINUX_EBADF;
    if (!found.is_log)
        files()->at[number - STANDARD_DESCRIPTORS].file = NULL;
    return 0;
}

int64_t linux_read_at(const struct image_file *file, uint64_t position, uint64_t to_user, uint64_t size)
{
    uint64_t left = position < file->size ? file->size - position : 0, part = size < left ? size : left;
    if (part && !boot_image_check(file->offset + position, part))
        return LINUX_EIO;
    const uint8_t *contents = archive_contents(&boot_image.archive, file);
    return user_write(current_thread->space, to_user, contents + position, part) ? (int64_t)part : LINUX_EFAULT;
}

int64_t linux_read(uint64_t number, uint64_t to_user, uint64_t size, uint64_t position, bool moves)
{
    struct linux_descriptor found;
    if (!linux_find_descriptor(number, &found))
        return LINUX_EBADF;
    if (found.is_log)
        return moves ? 0 : LINUX_ESPIPE; /* it has no input */
    int64_t done = linux_read_at(found.file, moves ? *found.position : position, to_user, size);
    if (moves && done > 0)
        *found.position += (uint64_t)done;
    return done;
}

int64_t linux_seek(uint64_t number, int64_t offset, uint64_t whence)
{
    struct linux_descriptor found;
    if (!linux_find_descriptor(number, &found))
        return LINUX_EBADF;
    if (found.is_log)
        return LINUX_ESPIPE;
    const uint64_t from[] = {0, *found.position, found.file->size};
    if (whence >= sizeof from / sizeof *from || (int64_t)from[whence] + offset < 0)
        return LINUX_EINVAL;
    *found.position = from[whence] + (uint64_t)offset;
    return (int64_t)*found.position;
}

int64_t linux_write(uint64_t number, uint64_t from_user, uint64_t size)
{
    struct linux_descriptor found;
    if (!linux_find_descriptor(number, &found) || !found.is_log)
        return LINUX_EBADF;
    char part[128];
    for (uint64_t done = 0; done < size;) {
        uint64_t count = size - done < sizeof part ? size - done : sizeof part;
        if (!user_read(current_thread->space, part, from_user + done, count))
            return done ? (int64_t)done : LINUX_EFAULT;
        log_text(part, count);
        done += count;
    }
    return (int64_t)size;
}

int64_t linux_writev(uint64_t number, uint64_t vector_user, uint64_t count)
{
    int64_t all = 0;
    if (count > VECTOR_MAX)
        return LINUX_EINVAL;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t part[2];
        if (!user_read(current_thread->space, part, vector_user + i * sizeof part, sizeof part))
            return LINUX_EFAULT;
        int64_t done = linux_write(number, part[0], part[1]);
        if (done < 0)
            return done;
        all += done;
    }
    return all;
}

int64_t linux_fstat(uint64_t number, uint64_t to_user)
{
    struct linux_descriptor found;
    if (!linux_find_descriptor(number, &found))
        return LINUX_EBADF;
    uint64_t words[STAT_SIZE / 8] = {0};
    words[STAT_LINKS / 8] = 1;
    words[STAT_BLOCK / 8] = PAGE_SIZE;
    words[STAT_MODE / 8] = found.is_log ? MODE_TERMINAL : MODE_FILE;
    if (!found.is_log) {
        words[STAT_INODE / 8] = (uint64_t)(found.file - boot_image.archive.files) + 1;
        words[STAT_BYTES / 8] = found.file->size;
    }
    return user_write(current_thread->space, to_user, words, sizeof words) ? 0 : LINUX_EFAULT;
}
