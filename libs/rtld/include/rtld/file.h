/* Access to a file: a whole one, in memory. */
#ifndef RTLD_FILE_H
#define RTLD_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes stay valid and unchanged as long as the module is loaded. */
struct file_view {
    const uint8_t *bytes;
    uint64_t size;
    uint64_t file_id; /* the host's own, e.g. where to map the file from; equal ids are the same file; 0: none */
    bool in_place;    /* mapped and relocated already, e.g. the linker itself: it only provides symbols */
    bool adjusted;    /* its relative relocations are stored already, e.g. an interpreter's that is a library too */
    bool by_address;  /* no file but an object in memory: `bytes` is where its p_vaddr 0 lies, `size` an upper bound */
};

/* `size` bytes at `offset`; NULL: not within the file. */
static inline const void *file_bytes(const struct file_view *file, uint64_t offset, uint64_t size)
{
    return offset <= file->size && size <= file->size - offset ? file->bytes + offset : NULL;
}
#endif
