/* From a descriptor to another, and at positions in several parts. */
#include <errno.h>
#include <fcntl.h>

#include "descriptor.h"

#define PIECE 8192

/* At *offset, or where there is none at the descriptor's own position, which moves on. */
static long get(long number, long *offset, void *buffer, unsigned long size)
{
    const long got = offset ? file_read_at(number, buffer, size, *offset) : file_read(number, buffer, size);
    if (offset && got > 0)
        *offset += got;
    return got;
}

static long put(long number, long *offset, const void *data, unsigned long size)
{
    const long done = offset ? file_write_at(number, data, size, *offset) : file_write(number, data, size);
    if (offset && done > 0)
        *offset += done;
    return done;
}

long file_copy(long out, long *out_offset, long in, long *in_offset, unsigned long count)
{
    char piece[PIECE];
    const struct descriptor *from = descriptor_of(in), *to = descriptor_of(out);
    if (!from || !to || !from->reads || !to->writes)
        return -EBADF;
    if (from->kind != FILE_OF_IMAGE && from->kind != FILE_OF_TMP)
        return -EINVAL;
    unsigned long done = 0;
    while (done < count) {
        /* What is read and cannot be written is read again: the position is where the next call goes on. */
        long position = in_offset ? *in_offset : file_seek(in, 0, SEEK_CUR);
        const long got = get(in, in_offset, piece, count - done < PIECE ? count - done : PIECE);
        const long sent = got > 0 ? put(out, out_offset, piece, (unsigned long)got) : got;
        if (got > 0 && sent < got) {
            position += sent > 0 ? sent : 0;
            if (in_offset)
                *in_offset = position;
            else
                file_seek(in, position, SEEK_SET);
        }
        if (sent < 0)
            return done ? (long)done : sent;
        done += (unsigned long)sent;
        if (sent < PIECE)
            break;
    }
    return (long)done;
}

long file_vector_at(long number, const struct iovec *parts, long count, long offset, int writes)
{
    long total = 0;
    if (offset < 0 || count < 0)
        return -EINVAL;
    for (long i = 0; i < count; i++) {
        const long done = writes ? file_write_at(number, parts[i].iov_base, parts[i].iov_len, offset + total)
                                 : file_read_at(number, parts[i].iov_base, parts[i].iov_len, offset + total);
        if (done < 0)
            return total ? total : done;
        total += done;
        if ((unsigned long)done < parts[i].iov_len)
            break;
    }
    return total;
}

/* A file has at least so many bytes then; its memory comes when it is written. */
long file_allocate(long number, long mode, long offset, long size)
{
    struct stat status;
    const struct descriptor *file = descriptor_of(number);
    long end;
    if (!file || !file->writes)
        return -EBADF;
    if (offset < 0 || size <= 0)
        return -EINVAL;
    if (mode || file->kind != FILE_OF_TMP)
        return mode ? -EOPNOTSUPP : file->kind == OTHER ? -ESPIPE : -ENODEV;
    if (__builtin_add_overflow(offset, size, &end))
        return -EFBIG;
    const long error = descriptor_status(file, &status);
    return error ? error : end > status.st_size ? file_resize(number, end) : 0;
}
