/* Names. */
#include "name.h"

/* 33 to the power of 0 to 8, modulo 2^32. */
static const uint32_t name_powers[] = {1, 33, 1089, 35937, 1185921, 39135393, 1291467969, 3963737313, 1954312449};

/* hash * 33 + byte for each of a word's eight bytes, from hash 0: first pairs, then pairs of pairs, side by side. */
static inline uint32_t name_hash_word(uint64_t word, uint64_t pairs)
{
    const uint64_t bytes = 0x00ff00ff00ff00ffull;
    uint64_t two = (word & bytes) * 33 + (word >> 8 & bytes);
    uint64_t four = (two & pairs) * name_powers[2] + (two >> 16 & pairs);
    return (uint32_t)(four * (1 + ((uint64_t)name_powers[4] << 32)) >> 32);
}

/* The lowest set bit belongs to the first byte that is 0; 0: there is none. */
static inline uint64_t name_zero_bytes(uint64_t word)
{
    return (word - 0x0101010101010101ull) & ~word & 0x8080808080808080ull;
}

struct name_hash name_hash(const char *text, uint64_t room)
{
    uint32_t hash = 5381;
    uint64_t at = 0, pairs = 0x0000ffff0000ffffull;
    /* Compilers that know its value make two constants of it, and the loop has no register for both. */
    __asm__("" : "+r"(pairs));
    /* Words from there on would reach beyond the table. */
    const uint64_t end = room < sizeof(uint64_t) ? 0 : room - sizeof(uint64_t) + 1;
    for (; at < end; at += sizeof(uint64_t)) {
        uint64_t word = word_at(text + at);
        /* Cheaper than name_zero_bytes, and also true for bytes above 0x80. */
        if ((word - 0x0101010101010101ull) & 0x8080808080808080ull) {
            uint64_t zero = name_zero_bytes(word);
            if (zero) {
                /* Bytes of 0 in front change nothing: the rest is moved to the word's end. In two steps, as there may
                 * be nothing to move. */
                unsigned bits = (unsigned)__builtin_ctzll(zero) & 56;
                hash = hash * name_powers[bits / 8] + name_hash_word(word << 1 << (63 - bits), pairs);
                return (struct name_hash){at + bits / 8, hash};
            }
        }
        hash = hash * name_powers[8] + name_hash_word(word, pairs);
    }
    for (; text[at]; at++)
        hash = hash * 33 + (uint8_t)text[at];
    return (struct name_hash){at, hash};
}

bool symbol_name_is(const struct module *module, const struct elf_symbol *symbol, const struct symbol_name *name)
{
    return symbol_name_is_inline(module, symbol, name->text, name->length);
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

bool text_equal(const char *left, const char *right)
{
    return left == right || strcmp(left, right) == 0;
}
