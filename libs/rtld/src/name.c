/* Names: length, hash and equality, eight bytes at a time where the table is long enough. */
#include <string.h>

#include "internal.h"

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* hash * 33 + byte for each of a word's eight bytes: first pairs, then pairs of pairs, side by side. */
static uint32_t hash_word(uint32_t hash, uint64_t word)
{
    const uint64_t bytes = 0x00ff00ff00ff00ffull, pairs = 0x0000ffff0000ffffull;
    uint64_t two = (word & bytes) * 33 + (word >> 8 & bytes);
    uint64_t four = (two & pairs) * (33 * 33) + (two >> 16 & pairs);
    uint32_t eight = (uint32_t)four * (33u * 33 * 33 * 33) + (uint32_t)(four >> 32);
    return hash * (33u * 33 * 33 * 33 * 33 * 33 * 33 * 33) + eight;
}

struct symbol_name symbol_name_of(const char *text, uint64_t room)
{
    uint32_t hash = 5381;
    const char *at = text;
    for (uint64_t word; room >= sizeof word; at += sizeof word, room -= sizeof word) {
        memcpy(&word, at, sizeof word);
        if ((word - ONES) & ~word & HIGHS)
            break;
        hash = hash_word(hash, word);
    }
    for (; *at; at++)
        hash = hash * 33 + (uint8_t)*at;
    return (struct symbol_name){text, (uint64_t)(at - text), hash};
}

uint32_t gabi_hash(const char *text)
{
    uint32_t hash = 0;
    for (; *text; text++) {
        hash = (hash << 4) + (uint8_t)*text;
        hash ^= hash >> 24 & 0xf0;
    }
    return hash & 0xfffffff;
}

/* Both have `length` bytes and a NUL. */
static bool equal(const char *left, const char *right, uint64_t length)
{
    uint64_t a, b, size = length + 1;
    if (size < sizeof a) {
        for (; size; size--)
            if (*left++ != *right++)
                return false;
        return true;
    }
    for (uint64_t at = 0; at + sizeof a < size; at += sizeof a) {
        memcpy(&a, left + at, sizeof a);
        memcpy(&b, right + at, sizeof b);
        if (a != b)
            return false;
    }
    memcpy(&a, left + size - sizeof a, sizeof a);
    memcpy(&b, right + size - sizeof b, sizeof b);
    return a == b;
}

bool symbol_name_is(const struct image *image, const struct elf_symbol *symbol, const struct symbol_name *name)
{
    return within(symbol->st_name, name->length + 1, image->strings.count) &&
           equal((const char *)image->strings.data + symbol->st_name, name->text, name->length);
}

bool text_equal(const char *left, const char *right)
{
    return left == right || strcmp(left, right) == 0;
}
