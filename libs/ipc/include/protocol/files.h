/* The boot image's files, read-only. What a client may open, the manifest says (`opens`). An open file is a handle: a
 * process that has it may read that file. */
#ifndef PROTOCOL_FILES_H
#define PROTOCOL_FILES_H
#include <ambilink/abi.h>

enum files_operation {
    FILES_OPEN = 1, /* data: path of POSIX; reply word 1: number of the file, word 2: size in bytes, word 3: 1 for a folder;
                       handle: the file, of a folder none. STATUS_NOT_FOUND, STATUS_NO_RIGHT, FILES_NOT_A_FOLDER */
    FILES_READ,     /* to a file: word 1: offset, word 2: bytes wanted; reply data: the bytes */
    FILES_MAP,      /* to a file: reply handle: memory, its pages, to read, and to execute where the client may; word 1: its size */
    FILES_LIST,     /* word 1: index from 0 of the files that the client may open; reply data: struct files_entry */
};

#define FILES_NOT_A_FOLDER (-100) /* a status: the path goes on behind a file */
#define FILES_PATH_MAX 4096 /* bytes, the closing NUL included */
#define FILES_NAME_MAX 96
#define FILES_DIGEST_SIZE 32

struct files_entry {
    uint64_t kind; /* IMAGE_FILE_... */
    uint64_t size;
    char name[FILES_NAME_MAX];
    uint8_t digest[FILES_DIGEST_SIZE];
};

struct files_opened {
    handle_t file; /* the caller's to close; 0: a folder */
    uint64_t number, size;
};
int64_t files_open(handle_t files, const char *path, struct files_opened *opened);
/* How many bytes were read (0 at the end), or a status. */
int64_t files_read(handle_t file, uint64_t offset, void *buffer, uint64_t size);
/* A handle to the pages of the file, the caller's to close, with RIGHT_READ and perhaps RIGHT_EXECUTE; or a status. */
int64_t files_map(handle_t file);
/* STATUS_NOT_FOUND after the last. */
int64_t files_list(handle_t files, uint64_t index, struct files_entry *entry);
#endif
