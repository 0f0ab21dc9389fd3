#include <ambilink/abi.h>
#include <imagetree/tree.h>
#include <digest/checksum.h>
#include <stddef.h>
#include <string.h>

#include "blake3.h"

#define PAGE AMBILINK_PAGE_SIZE
#define CHECKSUMS_PER_PAGE (PAGE / sizeof(uint32_t))

_Static_assert(BLAKE3_SIZE == IMAGE_DIGEST_SIZE && sizeof(union digest) == IMAGE_DIGEST_SIZE, "a digest has room for each kind");

/* How many blocks lie before the zero ones at a page's end. */
static unsigned blocks_used(const uint8_t *page)
{
    enum { WORDS = BLAKE3_BLOCK / sizeof(uint64_t) };
    const uint64_t *words = (const uint64_t *)page;
    unsigned blocks = PAGE / BLAKE3_BLOCK;
    for (; blocks; blocks--) {
        const uint64_t *w = words + (blocks - 1) * WORDS;
        if (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7])
            break;
    }
    return blocks;
}

void page_digest(uint32_t kind, const void *page, union digest *digest)
{
    if (kind == IMAGE_DIGEST_BLAKE3)
        blake3(page, blocks_used(page), digest->bytes);
    else
        digest->checksum = checksum(page, PAGE, 0);
}

/* Bytes of a digest; 0: there is no such kind. */
static uint32_t digest_size(uint32_t kind)
{
    return kind == IMAGE_DIGEST_CRC32C ? sizeof(uint32_t) : kind == IMAGE_DIGEST_BLAKE3 ? IMAGE_DIGEST_SIZE : 0;
}

/* The first page of each level of a tree over so many pages, the lowest first. The page behind the last one; 0: too
 * many. */
static uint64_t find_levels(uint64_t pages, uint32_t size, uint64_t first[IMAGE_TREE_LEVELS_MAX], unsigned *count)
{
    uint64_t at = pages, per_page = PAGE / size;
    for (*count = 0; *count < IMAGE_TREE_LEVELS_MAX;) {
        first[(*count)++] = at;
        pages = (pages + per_page - 1) / per_page;
        at += pages;
        if (pages == 1)
            return at;
    }
    return 0;
}

static bool header_matches(const struct image_header *header)
{
    static const uint32_t zero;
    const uint8_t *bytes = (const uint8_t *)header;
    const uint64_t at = offsetof(struct image_header, header_checksum), end = at + sizeof zero;
    uint32_t crc = checksum(&zero, sizeof zero, checksum(bytes, at, 0));
    return checksum(bytes + end, PAGE - end, crc) == header->header_checksum;
}

const char *tree_check_header(const void *bytes, uint64_t size)
{
    const struct image_header *header = bytes;
    if (size < PAGE)
        return "archive shorter than its header";
    if (header->magic != IMAGE_MAGIC)
        return "no archive magic";
    if (header->version != IMAGE_VERSION || header->header_size != sizeof *header)
        return "archive of another version";
    if (!header_matches(header))
        return "the header does not match its checksum";
    if (header->total_size != size || size % PAGE)
        return "archive size differs from the header";
    uint64_t first[IMAGE_TREE_LEVELS_MAX], pages = header->tree_offset / PAGE;
    unsigned count;
    if (!digest_size(header->digest_kind) || header->digest_size != digest_size(header->digest_kind))
        return "digests of an unknown kind";
    if (header->tree_offset % PAGE || header->tree_offset >= size || header->directory_size > header->tree_offset ||
        find_levels(pages, header->digest_size, first, &count) != size / PAGE)
        return "the tree of digests does not fit";
    return NULL;
}

void tree_init(struct tree *tree, const void *bytes, uint8_t *state)
{
    const struct image_header *header = bytes;
    tree->bytes = bytes;
    tree->state = state;
    tree->kind = header->digest_kind;
    find_levels(header->tree_offset / PAGE, header->digest_size, tree->level_page, &tree->level_count);
    tree->per_page = PAGE / header->digest_size;
    state[0] = TREE_INTACT;
}

static const struct image_header *header_of(const struct tree *tree)
{
    return (const struct image_header *)tree->bytes;
}

/* The digest that a page of the tree has of another; 0 is its first. */
static const union digest *digest_at(const struct tree *tree, uint64_t node, uint64_t number)
{
    return (const union digest *)(tree->bytes + node * PAGE + number % tree->per_page * (PAGE / tree->per_page));
}

static bool equal(uint32_t kind, const union digest *left, const union digest *right)
{
    return kind == IMAGE_DIGEST_CRC32C ? left->checksum == right->checksum
                                       : memcmp(left->bytes, right->bytes, sizeof left->bytes) == 0;
}

static bool compare(struct tree *tree, uint64_t page, const union digest *expected)
{
    union digest digest;
    page_digest(tree->kind, tree->bytes + page * PAGE, &digest);
    bool good = equal(tree->kind, &digest, expected);
    tree->state[page] = good ? TREE_INTACT : TREE_DAMAGED;
    return good;
}

/* A page of the tree, by its level and its number there. The way down from the root to it is compared first. */
static bool check_node(struct tree *tree, unsigned level, uint64_t number)
{
    for (unsigned at = tree->level_count; at-- > level;) {
        uint64_t here = number;
        for (unsigned below = level; below < at; below++)
            here /= tree->per_page;
        uint64_t node = tree->level_page[at] + here;
        const union digest *expected = (const union digest *)header_of(tree)->root;
        if (at + 1 < tree->level_count)
            expected = digest_at(tree, tree->level_page[at + 1] + here / tree->per_page, here);
        if (tree->state[node] == TREE_UNKNOWN)
            compare(tree, node, expected);
        if (tree->state[node] != TREE_INTACT)
            return false;
    }
    return true;
}

/* Of a page that is not known, and the way down to it neither. */
static __attribute__((noinline)) bool check_with_tree(struct tree *tree, uint64_t page)
{
    if (page >= tree->level_page[0]) {
        unsigned level = tree->level_count - 1;
        while (page < tree->level_page[level])
            level--;
        return check_node(tree, level, page - tree->level_page[level]);
    }
    uint64_t number = page / tree->per_page, node = tree->level_page[0] + number;
    if (tree->state[node] != TREE_INTACT && !check_node(tree, 0, number))
        return false;
    return compare(tree, page, digest_at(tree, node, page));
}

/* Whose page of the tree was found intact: what is done for most pages is short. The checksums of all pages follow each
 * other. */
static inline bool check_by_checksum(struct tree *tree, uint64_t page)
{
    const uint32_t *checksums = (const uint32_t *)(tree->bytes + tree->level_page[0] * PAGE);
    bool good = checksum(tree->bytes + page * PAGE, PAGE, 0) == checksums[page];
    tree->state[page] = good ? TREE_INTACT : TREE_DAMAGED;
    return good;
}

bool tree_check_page(struct tree *tree, uint64_t page)
{
    if (tree->state[page] != TREE_UNKNOWN)
        return tree->state[page] == TREE_INTACT;
    if (tree->kind == IMAGE_DIGEST_CRC32C && page < tree->level_page[0] &&
        tree->state[tree->level_page[0] + page / CHECKSUMS_PER_PAGE] == TREE_INTACT)
        return check_by_checksum(tree, page);
    return check_with_tree(tree, page);
}

uint64_t tree_next_page(const struct tree *tree, uint64_t page)
{
    uint64_t next = page, number = page;
    for (unsigned level = 0; page < tree->level_page[0] && level < tree->level_count; level++) {
        number /= tree->per_page;
        if (tree->state[tree->level_page[level] + number] == TREE_UNKNOWN)
            next = tree->level_page[level] + number;
    }
    return next;
}

bool tree_check_range(struct tree *tree, uint64_t offset, uint64_t size, uint64_t *page)
{
    uint64_t at = offset / PAGE, end = (offset + size + PAGE - 1) / PAGE;
    while (at < end && (tree->state[at] == TREE_INTACT || tree_check_page(tree, at)))
        at++;
    *page = at;
    return at == end;
}
