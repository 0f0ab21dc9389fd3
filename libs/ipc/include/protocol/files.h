/* The boot image's files, read-only. */
#ifndef PROTOCOL_FILES_H
#define PROTOCOL_FILES_H
#include <ambilink/abi.h>

enum files_operation {
    FILES_OPEN = 1, /* data: path; reply word 1: file, word 2: size in bytes */
    FILES_READ,     /* word 1: file, word 2: offset, word 3: bytes wanted; reply data: the bytes */
    FILES_LIST,     /* word 1: index from 0; reply word 1: kind, word 2: size, data: name and digest */
};

#define FILES_NAME_MAX 96
#define FILES_DIGEST_SIZE 32

struct files_entry {
    uint64_t kind; /* IMAGE_FILE_... */
    uint64_t size;
    char name[FILES_NAME_MAX];
    uint8_t digest[FILES_DIGEST_SIZE];
};

/* A file's number, or a status; *size gets its size in bytes. */
int64_t files_open(handle_t files, const char *path, uint64_t *size);
/* How many bytes were read (0 at the end), or a status. */
int64_t files_read(handle_t files, uint64_t file, uint64_t offset, void *buffer, uint64_t size);
/* STATUS_NOT_FOUND after the last. */
int64_t files_list(handle_t files, uint64_t index, struct files_entry *entry);
#endif
