/* Names: what is not hot enough to be inline (internal.h). */
#include <string.h>

#include "internal.h"

struct symbol_name symbol_name_of(const char *text, uint64_t room)
{
    return symbol_name_quick(text, room);
}

bool symbol_name_is(const struct module *module, const struct elf_symbol *symbol, const struct symbol_name *name)
{
    return symbol_name_is_quick(module, symbol, name);
}

bool symbol_names_equal(const struct module *module, const struct elf_symbol *symbol, const struct module *other,
                        const struct elf_symbol *other_symbol)
{
    const char *left = quick_string(module, symbol->st_name), *right = quick_string(other, other_symbol->st_name);
    if (!left || !right)
        return false;
    uint64_t room = module->strings.count - symbol->st_name, other_room = other->strings.count - other_symbol->st_name;
    room = room < other_room ? room : other_room;
    for (; room >= sizeof(uint64_t); room -= sizeof(uint64_t), left += sizeof(uint64_t), right += sizeof(uint64_t)) {
        uint64_t a = word_at(left), b = word_at(right);
        if (a != b) {
            /* Alike up to the NUL? */
            uint64_t zero = name_zero_bytes(a);
            return zero && !((a ^ b) & (zero ^ (zero - 1)));
        }
        if (name_zero_bytes(a))
            return true;
    }
    return text_equal(left, right);
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
