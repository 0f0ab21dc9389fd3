/* Files that can be written, in memory, below /tmp. Every process sees all of them; what a service made is written, renamed
 * and removed by services of that manifest entry alone, and its memory is that of who writes. Paths have no slash at the
 * ends, no empty part, no "." and no "..": "" is /tmp itself. */
#ifndef PROTOCOL_TMP_H
#define PROTOCOL_TMP_H
#include <ambilink/abi.h>

enum tmp_operation {
    TMP_OPEN = 1, /* data: path; word 1: TMP_FOR_...; reply data: struct tmp_status; handle: the file, of a folder none */
    TMP_STATUS,   /* data: path; reply data: struct tmp_status */
    TMP_FOLDER,   /* data: path of the folder to make; word 1: 1 for the place of a socket, which cannot be opened */
    TMP_REMOVE,   /* data: path; word 1: 1 for a folder, which must be empty */
    TMP_RENAME,   /* data: two paths, with a NUL between them */
    TMP_LIST,     /* data: path of a folder; word 1: index from 0; reply data: struct tmp_entry */
    TMP_LINK,     /* data: path of a file, and another name for it, with a NUL between them */
    /* To a file. */
    TMP_READ,   /* word 1: offset, word 2: bytes wanted; reply data: some of them, none at the end of the file */
    TMP_WRITE,  /* word 1: offset, or TMP_AT_END; data; reply word 1: offset behind. TMP_GROW: nothing was written */
    TMP_EXTEND, /* word 1: offset; handle: memory for the part of the file that has it */
    TMP_RESIZE, /* word 1: size */
    TMP_LOOK,   /* reply data: struct tmp_status */
    TMP_MAP,    /* word 1: offset; reply word 1: where its part begins, word 2: bytes of it; handle: its memory. TMP_GROW;
                   STATUS_NOT_FOUND: all zero, and not open for writing */
    TMP_LOCK,   /* word 1: enum tmp_lock, words 2 and 3: first and last byte (0 and ~0: all), word 4: TMP_LOCK_... flags; handle:
                   to be signalled once, where another has a lock there and may give it up. TMP_LOCKED: reply words 1 to 3 are of
                   that lock, word 4: its process */
    TMP_TIMES,  /* words 1 and 2: when it was read and changed, nanoseconds since 1970; TMP_SAME: as it was */
};

/* Statuses, beside STATUS_NOT_FOUND, STATUS_NO_RIGHT (another service's), STATUS_LIMIT (it has all that it may). */
#define TMP_NOT_A_FOLDER (-100)
#define TMP_EXISTS (-101)
#define TMP_IS_FOLDER (-102)
#define TMP_NOT_EMPTY (-103)
#define TMP_GROW (-104) /* reply word 1: offset, word 2: bytes of memory that TMP_EXTEND must bring first */

#define TMP_IS_SOCKET (-105)
#define TMP_LOCKED (-106)   /* another has a lock there */
#define TMP_DEADLOCK (-107) /* who has it waits for the caller's */

#define TMP_FOR_WRITING 1u
#define TMP_FOR_CREATING 2u
#define TMP_FOR_NEW 4u /* with TMP_FOR_CREATING: TMP_EXISTS where it is there */
#define TMP_FOR_EMPTY 8u
#define TMP_AT_END (~0ull)
#define TMP_SAME INT64_MIN
#define TMP_PATH_MAX 1024 /* bytes, with the NUL */
#define TMP_NAME_MAX 255
#define TMP_SIZE_MAX (1ull << 30)

/* Locks: of the process that opened the file, until it has it not open any more; with TMP_LOCK_WHOLE of those who have this open
 * file. A process with several open files of one file has one set of locks. */
enum tmp_lock { TMP_UNLOCK, TMP_LOCK_SHARED, TMP_LOCK_EXCLUSIVE };
#define TMP_LOCK_WHOLE 1u
#define TMP_LOCK_TEST 2u /* nothing is locked */

struct tmp_status {
    uint64_t number, size, is_folder, is_socket, links;
    int64_t changed, read; /* nanoseconds since 1970; when it was read: as TMP_TIMES said, or when it was made */
};
struct tmp_entry {
    uint64_t number, is_folder, is_socket;
    char name[TMP_NAME_MAX + 1];
};
#endif
