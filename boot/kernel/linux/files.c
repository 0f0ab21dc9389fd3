#include "linux/files.h"

#include "base/log.h"
#include "base/work.h"
#include "linux/error.h"
#include "memory/pool.h"
#include "memory/user.h"
#include "process/process.h"

#define PATH_SIZE 256
#define STANDARD_DESCRIPTORS 3
#define VECTOR_MAX 1024
#define WORK_OF_LOGGING 12 /* for each 128 bytes: a serial line is slow */
#define WRITE_MAX 65536 /* bytes of one call: the rest is the caller's to write */
#define CURRENT_FOLDER ((uint32_t)-100)

#define OPEN_ACCESS_MODE 03
#define OPEN_CREATE 0100
#define OPEN_EXCLUSIVE 0200
#define OPEN_TRUNCATE 01000
#define OPEN_FOLDER 0200000
/* Close-on-exec, controlling terminals, waiting, links, times of access, large files and the order of writes are no
 * matter for a file that is only read. */
#define OPEN_NO_MATTER (02000000 | 0400 | 04000 | 02000 | 0400000 | 01000000 | 0100000 | 04010000)
#define OPEN_KNOWN (OPEN_ACCESS_MODE | OPEN_CREATE | OPEN_EXCLUSIVE | OPEN_TRUNCATE | OPEN_FOLDER | OPEN_NO_MATTER)

enum fcntl_command {
    FCNTL_GET_DESCRIPTOR_FLAGS = 1,
    FCNTL_SET_DESCRIPTOR_FLAGS = 2,
    FCNTL_GET_STATUS_FLAGS = 3,
};
#define STATUS_READ_WRITE 2

#define STAT_SIZE 144
#define STAT_INODE 8
#define STAT_LINKS 16
#define STAT_MODE 24
#define STAT_BYTES 48
#define STAT_BLOCK 56
#define STAT_BLOCKS 64 /* of 512 bytes */
#define MODE_FILE 0100555
#define MODE_TERMINAL 0020620

#define FILES_MAX 32

/* Open files by descriptor: a process' linux_state. */
struct linux_files {
    struct object object;
    struct {
        const struct image_file *file; /* NULL: closed */
        uint64_t position;
    } at[FILES_MAX];
};
/* What descriptors 0 to 2 lead to at first. */
static const struct image_file the_log;
_Static_assert(sizeof(struct linux_files) <= POOL_LARGEST, "a small object");

static bool files_destroy(void *object)
{
    pool_free(object);
    return true;
}

const struct object_type linux_files_type = {.destroy = files_destroy};

/* NULL: the process opened and closed none. */
static struct linux_files *files(void)
{
    return (struct linux_files *)current_thread->process->linux_state;
}

/* NULL: no memory. */
static struct linux_files *files_to_change(void)
{
    struct linux_files *open = files();
    struct budget *budget = current_thread->process->budget;
    if (open)
        return open;
    if (!(open = pool_alloc(budget, sizeof *open)))
        return NULL;
    open->object = (struct object){.type = &linux_files_type, .references = 1};
    for (unsigned i = 0; i < STANDARD_DESCRIPTORS; i++)
        open->at[i].file = &the_log;
    current_thread->process->linux_state = &open->object;
    return open;
}

bool linux_find_descriptor(uint64_t number, struct linux_descriptor *found)
{
    struct linux_files *open = files();
    number = (uint32_t)number; /* an int, for Linux */
    if (!open && number < STANDARD_DESCRIPTORS)
        *found = (struct linux_descriptor){.is_log = true};
    else if (!open || number >= FILES_MAX || !open->at[number].file)
        return false;
    else if (open->at[number].file == &the_log)
        *found = (struct linux_descriptor){.is_log = true};
    else
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

static int64_t read_path(uint64_t from_user, char path[PATH_SIZE])
{
    for (unsigned length = 0; length < PATH_SIZE; length++) {
        if (!user_read(current_thread->space, &path[length], from_user + length, 1))
            return LINUX_EFAULT;
        if (!path[length])
            return 0;
    }
    return LINUX_ENAMETOOLONG;
}

static int64_t find_file(const char *path, uint64_t flags, const struct image_file **file)
{
    switch (archive_resolve(&boot_image.archive, path, file)) {
    case ARCHIVE_PATH_FILE:
        return may_open(*file) ? 0 : LINUX_EACCES;
    case ARCHIVE_PATH_FOLDER:
        return LINUX_EISDIR; /* folders cannot be read */
    case ARCHIVE_PATH_NOT_A_FOLDER:
        return LINUX_ENOTDIR;
    default:
        return *path && flags & OPEN_CREATE ? LINUX_EROFS : LINUX_ENOENT;
    }
}

/* What cannot be had of a file that is only read; 0: nothing of that. */
static int64_t refuse_opening(uint64_t flags)
{
    if (flags & OPEN_CREATE && flags & OPEN_EXCLUSIVE)
        return LINUX_EEXIST;
    if (flags & OPEN_FOLDER)
        return LINUX_ENOTDIR;
    return flags & (OPEN_ACCESS_MODE | OPEN_TRUNCATE) ? LINUX_EROFS : 0;
}

int64_t linux_open(uint64_t folder, uint64_t path_user, uint64_t flags)
{
    char path[PATH_SIZE];
    const struct image_file *file;
    struct linux_descriptor found;
    int64_t status = read_path(path_user, path);
    if (status < 0)
        return status;
    if (flags & (uint32_t)~OPEN_KNOWN)
        return LINUX_EINVAL;
    if (*path != '/' && (uint32_t)folder != CURRENT_FOLDER)
        return linux_find_descriptor(folder, &found) ? LINUX_ENOTDIR : LINUX_EBADF;
    if ((status = find_file(path, flags, &file)) < 0 || (status = refuse_opening(flags)) < 0)
        return status;
    struct linux_files *open = files_to_change();
    if (!open)
        return LINUX_ENOMEM;
    for (unsigned i = 0; i < FILES_MAX; i++)
        if (!open->at[i].file) {
            open->at[i].file = file;
            open->at[i].position = 0;
            return i;
        }
    return LINUX_EMFILE;
}

int64_t linux_open_here(uint64_t path_user, uint64_t flags)
{
    return linux_open(CURRENT_FOLDER, path_user, flags);
}

int64_t linux_close(uint64_t number)
{
    struct linux_descriptor found;
    if (!linux_find_descriptor(number, &found))
        return LINUX_EBADF;
    struct linux_files *open = files_to_change();
    if (!open)
        return LINUX_ENOMEM;
    open->at[(uint32_t)number].file = NULL;
    return 0;
}

int64_t linux_fcntl(uint64_t number, uint64_t command, uint64_t argument)
{
    struct linux_descriptor found;
    if (!linux_find_descriptor(number, &found))
        return LINUX_EBADF;
    switch (command) {
    case FCNTL_GET_DESCRIPTOR_FLAGS:
        return 0;
    case FCNTL_SET_DESCRIPTOR_FLAGS: /* close-on-exec: nothing is executed */
        return argument <= 1 ? 0 : LINUX_EINVAL;
    case FCNTL_GET_STATUS_FLAGS:
        return found.is_log ? STATUS_READ_WRITE : 0;
    default:
        return LINUX_EINVAL;
    }
}

int64_t linux_ioctl(uint64_t number)
{
    struct linux_descriptor found;
    return linux_find_descriptor(number, &found) ? LINUX_ENOTTY : LINUX_EBADF;
}

/* How many bytes of a part this call copied in entries before: it is made again until the part is done. */
static uint64_t copied_before(void)
{
    return current_thread->progress ? current_thread->progress->index : 0;
}

/* True: time to leave, and the next entry goes on from there. */
static bool leave_copying(uint64_t done)
{
    if (work_left)
        return false;
    thread_keep_progress()->index = done;
    return true;
}

/* The part is done: another one of the same call begins at its own start. */
static void end_copying(void)
{
    if (current_thread->progress)
        current_thread->progress->index = 0;
}

/* Bytes copied to a user address, fewer at the file's end and before a page that is not there; or CALL_AGAIN. */
static int64_t read_at(const struct image_file *file, uint64_t position, uint64_t to_user, uint64_t size)
{
    const uint64_t left = position < file->size ? file->size - position : 0, end = size < left ? size : left;
    const uint8_t *contents = archive_contents(&boot_image.archive, file);
    int64_t error = 0;
    uint64_t done = copied_before();
    for (uint64_t part; done < end && !error; done += error ? 0 : part) {
        if (leave_copying(done))
            return CALL_AGAIN;
        work_did(1);
        part = end - done < PAGE_SIZE ? end - done : PAGE_SIZE;
        if (!boot_image_check(file->offset + position + done, part))
            error = LINUX_EIO;
        else if (!user_write(current_thread->space, to_user + done, contents + position + done, part))
            error = LINUX_EFAULT;
    }
    end_copying();
    return error && !done ? error : (int64_t)done;
}

int64_t linux_read(uint64_t number, uint64_t to_user, uint64_t size, uint64_t position, bool moves)
{
    struct linux_descriptor found;
    if (!linux_find_descriptor(number, &found))
        return LINUX_EBADF;
    if (!moves && (int64_t)position < 0)
        return LINUX_EINVAL;
    if (found.is_log)
        return moves ? 0 : LINUX_ESPIPE; /* it has no input */
    int64_t done = read_at(found.file, moves ? *found.position : position, to_user, size);
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
    int64_t position;
    if (whence >= sizeof from / sizeof *from || __builtin_add_overflow((int64_t)from[whence], offset, &position) ||
        position < 0)
        return LINUX_EINVAL;
    *found.position = (uint64_t)position;
    return position;
}

int64_t linux_write(uint64_t number, uint64_t from_user, uint64_t size)
{
    struct linux_descriptor found;
    if (!linux_find_descriptor(number, &found) || !found.is_log)
        return LINUX_EBADF;
    char part[128];
    bool is_there = true;
    size = size < WRITE_MAX ? size : WRITE_MAX;
    uint64_t done = copied_before();
    while (done < size && is_there) {
        if (leave_copying(done))
            return CALL_AGAIN;
        uint64_t count = size - done < sizeof part ? size - done : sizeof part;
        if (!(is_there = user_read(current_thread->space, part, from_user + done, count)))
            break;
        log_text(part, count);
        work_did(WORK_OF_LOGGING);
        done += count;
    }
    end_copying();
    return done || is_there ? (int64_t)done : LINUX_EFAULT;
}

static uint64_t parts_before(void)
{
    return current_thread->progress ? current_thread->progress->address : 0;
}

static int64_t leave_at_part(uint64_t index)
{
    thread_keep_progress()->address = index;
    return CALL_AGAIN;
}

/* `one` for each part of a vector, until one is not done as a whole, or in this entry: so much of it is done then. Of parts
 * that are empty none is done: the next entry goes on behind them. */
static int64_t each_part(uint64_t number, uint64_t vector_user, uint64_t count,
                         int64_t (*one)(uint64_t number, uint64_t address, uint64_t size))
{
    struct linux_descriptor found;
    int64_t all = 0;
    if (!linux_find_descriptor(number, &found))
        return LINUX_EBADF;
    if (count > VECTOR_MAX)
        return LINUX_EINVAL;
    for (uint64_t i = parts_before(); i < count && all < WRITE_MAX; i++) {
        if (!work_left)
            return all ? all : leave_at_part(i);
        work_did(1);
        uint64_t part[2];
        bool is_there = user_read(current_thread->space, part, vector_user + i * sizeof part, sizeof part);
        int64_t done = !is_there ? LINUX_EFAULT : (int64_t)part[1] < 0 ? LINUX_EINVAL : one(number, part[0], part[1]);
        if (done < 0)
            return all ? all : done == CALL_AGAIN ? leave_at_part(i) : done;
        all += done;
        if ((uint64_t)done < part[1])
            break;
    }
    return all;
}

int64_t linux_writev(uint64_t number, uint64_t vector_user, uint64_t count)
{
    return each_part(number, vector_user, count, linux_write);
}

static int64_t read_on(uint64_t number, uint64_t to_user, uint64_t size)
{
    return linux_read(number, to_user, size, 0, true);
}

int64_t linux_readv(uint64_t number, uint64_t vector_user, uint64_t count)
{
    return each_part(number, vector_user, count, read_on);
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
        words[STAT_BLOCKS / 8] = PAGE_UP(found.file->size) / 512;
    }
    return user_write(current_thread->space, to_user, words, sizeof words) ? 0 : LINUX_EFAULT;
}
