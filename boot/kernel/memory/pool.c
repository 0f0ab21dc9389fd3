/* Small objects from pages that are cut into pieces of a power of two; a page never goes back. */
#include "kernel.h"

#define SMALLEST 64
#define CLASSES 6 /* 64 ... 2048 */

struct free_piece {
    struct free_piece *next;
};

static struct free_piece *free_pieces[CLASSES];

static unsigned class_of(size_t size)
{
    unsigned class = 0;
    while ((size_t)SMALLEST << class < size)
        class++;
    if (class >= CLASSES)
        panic("object of %u bytes", (uint64_t)size);
    return class;
}

void *pool_alloc(size_t size)
{
    unsigned class = class_of(size);
    size_t piece_size = (size_t)SMALLEST << class;
    if (!free_pieces[class]) {
        uint64_t frame = frame_alloc();
        if (!frame)
            return NULL;
        uint8_t *page = physical_pointer(frame);
        for (size_t at = 0; at < PAGE_SIZE; at += piece_size)
            pool_free(page + at, size);
    }
    struct free_piece *piece = free_pieces[class];
    free_pieces[class] = piece->next;
    memory_fill(piece, 0, piece_size);
    return piece;
}

void pool_free(void *pointer, size_t size)
{
    unsigned class = class_of(size);
    struct free_piece *piece = pointer;
    piece->next = free_pieces[class];
    free_pieces[class] = piece;
}
