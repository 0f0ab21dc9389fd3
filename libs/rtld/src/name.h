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
