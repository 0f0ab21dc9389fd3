/* The tree of digests over a boot image's pages (<ambilink/image.h>): is this page the one that was packed? A page is
 * compared once, and so is each page of the tree that leads from the header's root to it.
 *
 * IMAGE_DIGEST_BLAKE3 is computed in vector registers: a kernel saves those of others before it has a page compared. */
#ifndef IMAGETREE_TREE_H
#define IMAGETREE_TREE_H
#include <ambilink/image.h>
#include <stdbool.h>
#include <stdint.h>

/* What is known of a page. Memory that is zero knows nothing. */
enum { TREE_UNKNOWN, TREE_INTACT, TREE_DAMAGED };

struct tree {
    const uint8_t *bytes;                   /* the archive */
    uint8_t *state;                         /* by page: TREE_...; the caller's, one byte for each page of the archive */
    uint32_t kind;                          /* IMAGE_DIGEST_... */
    uint64_t per_page;                      /* digests in a page of the tree */
    unsigned level_count;
    uint64_t level_page[IMAGE_TREE_LEVELS_MAX]; /* the first page of each level, the lowest first */
};

/* NULL when the header is of this version and intact, else the rule that it breaks. `bytes` are aligned to 8. */
const char *tree_check_header(const void *bytes, uint64_t size);

/* Of an archive whose header was checked, and whose bytes stay where they are. Page 0, the header's, is intact from
 * here on. */
void tree_init(struct tree *tree, const void *bytes, uint8_t *state);

/* True: the page is intact. Pages that the tree itself lies in may be asked for, too. */
bool tree_check_page(struct tree *tree, uint64_t page);

/* What tree_check_page would compare first for a page: one of the tree, as long as one on the way from the root to it is not
 * known; then itself. Pages of the tree are compared with all that lead to them. For callers that compare one page at a time. */
uint64_t tree_next_page(const struct tree *tree, uint64_t page);

/* True: all pages of a range of the archive are intact. False: *page is the first that is not. */
bool tree_check_range(struct tree *tree, uint64_t offset, uint64_t size, uint64_t *page);

union digest {
    uint32_t checksum;                /* IMAGE_DIGEST_CRC32C */
    uint8_t bytes[IMAGE_DIGEST_SIZE]; /* IMAGE_DIGEST_BLAKE3 */
};
void page_digest(uint32_t kind, const void *page, union digest *digest);
#endif
