/* Names. */
#include "name.h"

struct name_hash name_hash(const char *text, uint64_t room)
{
    return name_hash_inline(text, room);
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
