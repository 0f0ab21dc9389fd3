/* Calls about files that musl does without. */
#include <errno.h>
#include <fcntl.h>

#include "calls.h"
#include "internal.h"

#define SENT_AT_ONCE 4096

long linux_is_open(long file)
{
    return file_control(file, F_GETFL, 0) < 0 ? -EBADF : 0;
}

/* By reading and writing: what was read and cannot be written is not taken. */
long linux_send_file(long to, long from, long *offset, unsigned long size)
{
    char part[SENT_AT_ONCE];
    const long begin = offset ? *offset : file_seek(from, 0, SEEK_CUR);
    unsigned long done = 0;
    long result = begin < 0 ? -EINVAL : 0;
    while (done < size && result >= 0) {
        const unsigned long wanted = size - done < sizeof part ? size - done : sizeof part;
        const long got = file_read_at(from, part, wanted, begin + (long)done);
        result = got > 0 ? file_write(to, part, (unsigned long)got) : got;
        if (result <= 0)
            break;
        done += (unsigned long)result;
        if (result < got)
            break;
    }
    if (offset)
        *offset = begin + (long)done;
    else if (done)
        file_seek(from, begin + (long)done, SEEK_SET);
    return done ? (long)done : result;
}
