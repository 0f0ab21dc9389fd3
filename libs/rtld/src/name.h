/* A name to look up, with its length and its hash value. */
#ifndef RTLD_NAME_H
#define RTLD_NAME_H
#include "bytes.h"
#include "module.h"

struct symbol_name {
    const char *text;
    uint64_t length;
    uint32_t gnu_hash;
};

struct name_hash {
    uint64_t length;
    uint32_t gnu_hash;
};

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

static inline struct name_hash name_hash_inline(const char *text, uint64_t room)
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

/* `room`: bytes that may be read from text on; a NUL is among them. */
struct name_hash name_hash(const char *text, uint64_t room);

static inline struct symbol_name symbol_name_of(const char *text, uint64_t room)
{
    struct name_hash hash = name_hash(text, room);
    return (struct symbol_name){text, hash.length, hash.gnu_hash};
}

/* `size` bytes of both, the NUL included. */
static inline bool name_bytes_equal(const char *left, const char *right, uint64_t size)
{
    if (size < sizeof(uint64_t)) {
        while (size--)
            if (*left++ != *right++)
                return false;
        return true;
    }
    /* The end first: names of one object often differ only there. It overlaps what comes before. */
    uint64_t last = size - sizeof(uint64_t);
    if (word_at(left + last) != word_at(right + last))
        return false;
    for (uint64_t at = 0; at < last; at += sizeof(uint64_t))
        if (word_at(left + at) != word_at(right + at))
            return false;
    return true;
}

/* Whether a symbol has that name. */
static inline bool symbol_name_is_inline(const struct module *module, const struct elf_symbol *symbol,
                                         const char *text, uint64_t length)
{
    return within(symbol->st_name, length + 1, module->strings.count) &&
           name_bytes_equal((const char *)module->strings.data + symbol->st_name, text, length + 1);
}

bool symbol_name_is(const struct module *module, const struct elf_symbol *symbol, const struct symbol_name *name);

uint32_t gabi_hash(const char *text);
bool text_equal(const char *left, const char *right);
#endif
