/* Diagnostics in words. */
#include <rtld/diagnostic.h>
#include <rtld/elf.h>
#include <stdbool.h>

/* What to say, and which of the values belong to the sentence. */
struct form {
    const char *text;
    bool symbol, offset, value;
};

static const struct form forms[] = {
    [LINK_NO_MEMORY] = {"no memory to link it, bytes wanted", .value = true},
    [LINK_NOT_ELF] = {"is not a 64-bit little-endian ELF file", .offset = true},
    [LINK_WRONG_MACHINE] = {"is for another machine, e_machine", .offset = true, .value = true},
    [LINK_WRONG_TYPE] = {"is neither a program nor a shared object, e_type", .offset = true, .value = true},
    [LINK_BAD_HEADER] = {"has an ELF header field out of range, value", .offset = true, .value = true},
    [LINK_BAD_SEGMENT] = {"has a program header out of range, p_type", .offset = true, .value = true},
    [LINK_WRITE_EXECUTE] = {"has a segment that is writable and executable, p_flags", .offset = true, .value = true},
    [LINK_BAD_DYNAMIC] = {"has a dynamic section entry that is missing or out of range, tag", .offset = true, .value = true},
    [LINK_TEXT_RELOCATION] = {"wants a relocation in read-only memory (link it as position-independent code)", .offset = true},
    [LINK_NOT_FOUND] = {"needs a library that is not there:", .symbol = true},
    [LINK_BAD_SYMBOL] = {"has a relocation with a symbol outside its tables, index", .offset = true, .value = true},
    [LINK_UNDEFINED] = {"needs a symbol that no object defines:", .symbol = true, .offset = true},
    [LINK_BAD_RELOCATION] = {"has a relocation that does not fit its symbol, type", .offset = true, .value = true},
    [LINK_UNKNOWN_RELOCATION] = {"has a relocation that is not supported, type", .offset = true, .value = true},
    [LINK_NO_PLACE] = {"finds no room in the address space, bytes wanted", .value = true},
    [LINK_TOO_MANY] = {"has too many entries in a table, count", .offset = true, .value = true},
};

struct text {
    char *buffer;
    size_t size, length;
};

static void put(struct text *text, const char *string)
{
    for (; *string; string++, text->length++)
        if (text->length + 1 < text->size)
            text->buffer[text->length] = *string;
}

static void put_number(struct text *text, uint64_t value)
{
    char digits[19] = "0x";
    unsigned count = 2;
    unsigned shift = 60;
    while (shift && !(value >> shift))
        shift -= 4;
    for (;; shift -= 4) {
        digits[count++] = "0123456789abcdef"[value >> shift & 15];
        if (!shift)
            break;
    }
    digits[count] = 0;
    put(text, digits);
}

size_t diagnostic_text(const struct diagnostic *diagnostic, char *buffer, size_t size)
{
    struct text text = {buffer, size, 0};
    const struct form *form = &forms[diagnostic->error];
    put(&text, diagnostic->object);
    put(&text, " ");
    put(&text, form->text);
    if (form->symbol) {
        put(&text, " ");
        put(&text, diagnostic->symbol ? diagnostic->symbol : "(no name)");
    }
    if (form->value) {
        put(&text, " ");
        put_number(&text, diagnostic->value);
    }
    if (form->offset) {
        put(&text, " (at ");
        put_number(&text, diagnostic->offset);
        put(&text, ")");
    }
    if (size)
        buffer[text.length < size ? text.length : size - 1] = 0;
    return text.length;
}
