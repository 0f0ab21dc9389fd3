/* A thin layer of Linux' system calls (x86-64 numbers): what the start-up of a dynamically linked program, and its
 * output, need of a kernel. Files are those of the boot image, descriptors 0 to 2 the kernel's log. It is here to show
 * that programs start as Linux starts them: others' programs and others' interpreters, unchanged. */
#include "kernel.h"

enum linux_number {
    LINUX_READ = 0,
    LINUX_WRITE = 1,
    LINUX_OPEN = 2,
    LINUX_CLOSE = 3,
    LINUX_FSTAT = 5,
    LINUX_LSEEK = 8,
    LINUX_MMAP = 9,
    LINUX_MPROTECT = 10,
    LINUX_MUNMAP = 11,
    LINUX_BRK = 12,
    LINUX_SIGACTION = 13,
    LINUX_SIGPROCMASK = 14,
    LINUX_IOCTL = 16,
    LINUX_PREAD = 17,
    LINUX_WRITEV = 20,
    LINUX_GETPID = 39,
    LINUX_EXIT = 60,
    LINUX_FCNTL = 72,
    LINUX_ARCH_PRCTL = 158,
    LINUX_GETTID = 186,
    LINUX_SET_TID_ADDRESS = 218,
    LINUX_CLOCK_GETTIME = 228,
    LINUX_EXIT_GROUP = 231,
    LINUX_OPENAT = 257,
    LINUX_GETRANDOM = 318,
};

enum linux_error {
    LINUX_ENOENT = -2,
    LINUX_EBADF = -9,
    LINUX_ENOMEM = -12,
    LINUX_EACCES = -13,
    LINUX_EFAULT = -14,
    LINUX_EINVAL = -22,
    LINUX_EMFILE = -24,
    LINUX_ENOTTY = -25,
    LINUX_ESPIPE = -29,
    LINUX_ENAMETOOLONG = -36,
    LINUX_ENOSYS = -38,
};

#define PATH_SIZE 256
#define STANDARD_DESCRIPTORS 3
#define OPEN_ACCESS_MODE 3
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define ARCH_SET_FS 0x1002
#define VECTOR_MAX 1024
#define NANOSECONDS 1000000000ull

#define STAT_SIZE 144
#define STAT_INODE 8
#define STAT_LINKS 16
#define STAT_MODE 24
#define STAT_BYTES 48
#define STAT_BLOCK 56
#define MODE_FILE 0100555
#define MODE_TERMINAL 0020620

#define FILES_MAX 32

/* Open files, from descriptor 3 on. */
struct linux_files {
    struct {
        const struct image_file *file;
        uint64_t position;
    } at[FILES_MAX];
};
_Static_assert(sizeof(struct linux_files) <= 2048, "a small object");

struct descriptor {
    bool is_log;
    const struct image_file *file;
    uint64_t *position;
};

static struct process *self(void)
{
    return current_thread->process;
}

static struct linux_files *files(void)
{
    if (!self()->linux_files)
        self()->linux_files = pool_alloc(sizeof(struct linux_files));
    return self()->linux_files;
}

void linux_end(struct process *process)
{
    if (process->linux_files)
        pool_free(process->linux_files, sizeof *process->linux_files);
    process->linux_files = NULL;
}

static bool find_descriptor(uint64_t number, struct descriptor *found)
{
    struct linux_files *open = files();
    *found = (struct descriptor){.is_log = number < STANDARD_DESCRIPTORS};
    if (found->is_log)
        return true;
    number -= STANDARD_DESCRIPTORS;
    if (!open || number >= FILES_MAX || !open->at[number].file)
        return false;
    found->file = open->at[number].file;
    found->position = &open->at[number].position;
    return true;
}

static int64_t open_file(uint64_t path_user, uint64_t flags)
{
    char path[PATH_SIZE];
    unsigned length = 0;
    for (;; length++) {
        if (length == sizeof path)
            return LINUX_ENAMETOOLONG;
        if (!user_read(self(), &path[length], path_user + length, 1))
            return LINUX_EFAULT;
        if (!path[length])
            break;
    }
    const char *name = path;
    while (*name == '/')
        name++;
    const struct image_file *file = archive_find(&boot_image.archive, name);
    if (!file || !boot_image_check(file))
        return LINUX_ENOENT;
    if (flags & OPEN_ACCESS_MODE)
        return LINUX_EACCES;
    struct linux_files *open = files();
    for (unsigned i = 0; open && i < FILES_MAX; i++)
        if (!open->at[i].file) {
            open->at[i].file = file;
            open->at[i].position = 0;
            return i + STANDARD_DESCRIPTORS;
        }
    return LINUX_EMFILE;
}

static int64_t close_file(uint64_t number)
{
    struct descriptor found;
    if (!find_descriptor(number, &found))
        return LINUX_EBADF;
    if (!found.is_log)
        files()->at[number - STANDARD_DESCRIPTORS].file = NULL;
    return 0;
}

static int64_t read_at(const struct image_file *file, uint64_t position, uint64_t to_user, uint64_t size)
{
    uint64_t left = position < file->size ? file->size - position : 0, part = size < left ? size : left;
    const uint8_t *contents = archive_contents(&boot_image.archive, file);
    return user_write(self(), to_user, contents + position, part) ? (int64_t)part : LINUX_EFAULT;
}

static int64_t do_read(uint64_t number, uint64_t to_user, uint64_t size, uint64_t position, bool moves)
{
    struct descriptor found;
    if (!find_descriptor(number, &found))
        return LINUX_EBADF;
    if (found.is_log)
        return moves ? 0 : LINUX_ESPIPE; /* nobody types there */
    int64_t done = read_at(found.file, moves ? *found.position : position, to_user, size);
    if (moves && done > 0)
        *found.position += (uint64_t)done;
    return done;
}

static int64_t do_seek(uint64_t number, int64_t offset, uint64_t whence)
{
    struct descriptor found;
    if (!find_descriptor(number, &found))
        return LINUX_EBADF;
    if (found.is_log)
        return LINUX_ESPIPE;
    const uint64_t from[] = {0, *found.position, found.file->size};
    if (whence >= sizeof from / sizeof *from || (int64_t)from[whence] + offset < 0)
        return LINUX_EINVAL;
    *found.position = from[whence] + (uint64_t)offset;
    return (int64_t)*found.position;
}

static int64_t do_write(uint64_t number, uint64_t from_user, uint64_t size)
{
    struct descriptor found;
    if (!find_descriptor(number, &found) || !found.is_log)
        return LINUX_EBADF;
    char part[128];
    for (uint64_t done = 0; done < size;) {
        uint64_t count = size - done < sizeof part ? size - done : sizeof part;
        if (!user_read(self(), part, from_user + done, count))
            return done ? (int64_t)done : LINUX_EFAULT;
        log_text(part, count);
        done += count;
    }
    return (int64_t)size;
}

static int64_t do_writev(uint64_t number, uint64_t vector_user, uint64_t count)
{
    int64_t all = 0;
    if (count > VECTOR_MAX)
        return LINUX_EINVAL;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t part[2];
        if (!user_read(self(), part, vector_user + i * sizeof part, sizeof part))
            return LINUX_EFAULT;
        int64_t done = do_write(number, part[0], part[1]);
        if (done < 0)
            return done;
        all += done;
    }
    return all;
}

static int64_t do_fstat(uint64_t number, uint64_t to_user)
{
    struct descriptor found;
    if (!find_descriptor(number, &found))
        return LINUX_EBADF;
    uint64_t words[STAT_SIZE / 8] = {0};
    words[STAT_LINKS / 8] = 1;
    words[STAT_BLOCK / 8] = PAGE_SIZE;
    words[STAT_MODE / 8] = found.is_log ? MODE_TERMINAL : MODE_FILE;
    if (!found.is_log) {
        words[STAT_INODE / 8] = (uint64_t)(found.file - boot_image.archive.files) + 1;
        words[STAT_BYTES / 8] = found.file->size;
    }
    return user_write(self(), to_user, words, sizeof words) ? 0 : LINUX_EFAULT;
}

static int64_t error_of(int64_t status)
{
    return status == STATUS_NO_MEMORY ? LINUX_ENOMEM : status == STATUS_NO_RIGHT ? LINUX_EACCES : LINUX_EINVAL;
}

/* Linux' bits are this kernel's. Pages that cannot be read are not offered. */
static bool prot_of(uint64_t bits, unsigned *prot)
{
    *prot = bits ? (unsigned)bits | PROT_READ_ONLY : PROT_NO_ACCESS;
    return bits <= (RIGHT_READ | RIGHT_WRITE | RIGHT_EXECUTE) && !(bits & RIGHT_WRITE && bits & RIGHT_EXECUTE);
}

static int64_t map_copy(uint64_t address, uint64_t size, unsigned prot, const struct image_file *file, uint64_t offset)
{
    struct memory *memory = memory_create(size);
    if (!memory)
        return LINUX_ENOMEM;
    int64_t mapped = process_map(self(), memory, 0, size, address, PROT_READ_WRITE);
    object_release(memory);
    if (mapped < 0)
        return error_of(mapped);
    if (file && read_at(file, offset, (uint64_t)mapped, size) < 0)
        return LINUX_EFAULT;
    if (prot != PROT_READ_WRITE)
        process_protect(self(), (uint64_t)mapped, size, prot);
    return mapped;
}

/* Private mappings only: pages that may be written are copies, others are the image's own frames. */
static int64_t do_mmap(uint64_t address, uint64_t size, uint64_t bits, uint64_t flags, uint64_t number, uint64_t offset)
{
    struct descriptor found = {0};
    unsigned prot;
    size = PAGE_UP(size);
    if (!size || offset % PAGE_SIZE || (flags & MAP_FIXED && address % PAGE_SIZE) || size > MEMORY_SIZE_MAX)
        return LINUX_EINVAL;
    if (!prot_of(bits, &prot))
        return LINUX_EACCES;
    if (!(flags & MAP_ANONYMOUS) && (!find_descriptor(number, &found) || found.is_log))
        return LINUX_EBADF;
    if (flags & MAP_FIXED)
        process_unmap(self(), address, size);
    else
        address = process_find_unused(self(), size);
    if (!address)
        return LINUX_ENOMEM;
    if (!found.file || prot & RIGHT_WRITE)
        return map_copy(address, size, prot, found.file, offset);
    /* Beyond the file's end there is nothing: the address range is kept by whoever asked. */
    uint64_t end = PAGE_UP(found.file->size), there = offset < end ? end - offset : 0;
    if (!there)
        return LINUX_EINVAL;
    int64_t mapped = process_map(self(), boot_image.run, found.file->offset + offset, size < there ? size : there, address, prot);
    return mapped < 0 ? error_of(mapped) : mapped;
}

static int64_t do_clock_gettime(uint64_t clock, uint64_t to_user)
{
    uint64_t now = clock ? clock_since_boot() : clock_wall(), words[2] = {now / NANOSECONDS, now % NANOSECONDS};
    return user_write(self(), to_user, words, sizeof words) ? 0 : LINUX_EFAULT;
}

static int64_t do_getrandom(uint64_t to_user, uint64_t size)
{
    for (uint64_t done = 0; done < size; done += 8) {
        uint64_t word = random_next(), part = size - done < 8 ? size - done : 8;
        if (!user_write(self(), to_user + done, &word, part))
            return LINUX_EFAULT;
    }
    return (int64_t)size;
}

static int64_t set_thread_pointer(uint64_t operation, uint64_t address)
{
    if (operation != ARCH_SET_FS || address >= PROCESS_HIGHEST_ADDRESS)
        return LINUX_EINVAL;
    current_thread->thread_pointer = address;
    cpu_set_thread_pointer(address);
    return 0;
}

int64_t linux_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    unsigned prot;
    int64_t status;
    switch (number) {
    case LINUX_READ:
        return do_read(a, b, c, 0, true);
    case LINUX_PREAD:
        return do_read(a, b, c, d, false);
    case LINUX_WRITE:
        return do_write(a, b, c);
    case LINUX_WRITEV:
        return do_writev(a, b, c);
    case LINUX_OPEN:
        return open_file(a, b);
    case LINUX_OPENAT:
        return open_file(b, c);
    case LINUX_CLOSE:
        return close_file(a);
    case LINUX_FSTAT:
        return do_fstat(a, b);
    case LINUX_LSEEK:
        return do_seek(a, (int64_t)b, c);
    case LINUX_MMAP:
        return do_mmap(a, b, c, d, e, f);
    case LINUX_MPROTECT:
        if (!prot_of(c, &prot))
            return LINUX_EACCES;
        status = process_protect(self(), a, PAGE_UP(b), prot);
        return status < 0 ? error_of(status) : 0;
    case LINUX_MUNMAP:
        status = process_unmap(self(), a, PAGE_UP(b));
        return status < 0 ? error_of(status) : 0;
    case LINUX_BRK:
        return 0; /* none: allocators take mmap then */
    case LINUX_SIGACTION:
    case LINUX_SIGPROCMASK:
    case LINUX_FCNTL:
        return 0; /* no signals, and nothing that could be started would inherit a descriptor */
    case LINUX_IOCTL:
        return LINUX_ENOTTY;
    case LINUX_ARCH_PRCTL:
        return set_thread_pointer(a, b);
    case LINUX_GETPID:
    case LINUX_GETTID:
    case LINUX_SET_TID_ADDRESS:
        return (int64_t)self()->record.number;
    case LINUX_CLOCK_GETTIME:
        return do_clock_gettime(a, b);
    case LINUX_GETRANDOM:
        return do_getrandom(a, b);
    case LINUX_EXIT:
    case LINUX_EXIT_GROUP:
        process_end(self(), PROCESS_EXITED, (int64_t)(a & 0xff));
        return 0;
    default:
        log_format("kernel: %s: Linux system call %u is not there\n", self()->record.name, number);
        return LINUX_ENOSYS;
    }
}
