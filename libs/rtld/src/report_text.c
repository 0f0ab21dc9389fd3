/* Reports and bindings as text. */
#include <rtld/report.h>
#include <rtld/module.h>

#define SEARCHED_MAX 6 /* names in one message */

/* What to say, and which of the values belong to the sentence. */
struct form {
    const char *text;
    bool symbol, offset, value;
};

static const struct form forms[] = {
    [LINK_NO_MEMORY] = {"no memory to link it, bytes wanted", .value = true},
    [LINK_NOT_ELF] = {"is not a 64-bit little-endian ELF file", .offset = true},
    [LINK_WRONG_MACHINE] = {"is for another machine, e_machine", .offset = true, .value = true},
    [LINK_WRONG_TYPE] = {"is not what is wanted here (a program, or a library that it needs), e_type", .offset = true,
                         .value = true},
    [LINK_BAD_HEADER] = {"has an ELF header field out of range, value", .offset = true, .value = true},
    [LINK_BAD_SEGMENT] = {"has a program header out of range, p_type", .offset = true, .value = true},
    [LINK_WRITE_EXECUTE] = {"has a segment that is writable and executable, p_flags", .offset = true, .value = true},
    [LINK_BAD_DYNAMIC] = {"has a dynamic section entry that is missing or out of range, tag", .offset = true, .value = true},
    [LINK_TEXT_RELOCATION] = {"wants a relocation in read-only memory (link it as position-independent code)", .offset = true},
    [LINK_NOT_FOUND] = {"needs a library that is not there:", .symbol = true},
    [LINK_NO_VERSION] = {"needs a version that is not defined:", .symbol = false},
    [LINK_BAD_VERSION] = {"has a version table that is out of range, tag", .offset = true, .value = true},
    [LINK_BAD_SYMBOL] = {"has a relocation with a symbol outside its tables, index", .offset = true, .value = true},
    [LINK_UNDEFINED] = {"needs a symbol that no object defines:", .symbol = true, .offset = true},
    [LINK_BAD_RELOCATION] = {"has a relocation that does not fit its symbol, type", .offset = true, .value = true},
    [LINK_UNKNOWN_RELOCATION] = {"has a relocation that is not supported, type", .offset = true, .value = true},
    [LINK_OVERFLOW] = {"has a relocation whose value does not fit its field, type", .offset = true, .value = true},
    [LINK_NO_PLACE] = {"finds no room in the address space, bytes wanted", .value = true},
    [LINK_NO_STATIC_TLS] = {"needs thread-local data at a fixed offset (compile it without -ftls-model=initial-exec), bytes",
                            .offset = true, .value = true},
    [LINK_TOO_MANY_MODULES] = {"is one object more than a program may have, count", .value = true},
    [LINK_TOO_MANY_HEADERS] = {"has more program headers than are read, count", .offset = true, .value = true},
    [LINK_TOO_MUCH_WORK] = {"has hash chains or version lists that take too long, steps", .value = true},
    [LINK_NOT_LOADED] = {"is not loaded:", .symbol = true},
    [LINK_UNLOADING] = {"needs an object whose destructors still run after its last close:", .symbol = true},
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

static void put_after(struct text *text, const char *separator, const char *string)
{
    put(text, separator);
    put(text, string);
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

/* What was cut off says so. */
static size_t finish(struct text *text)
{
    bool is_cut = text->length >= text->size;
    if (text->size)
        text->buffer[is_cut ? text->size - 1 : text->length] = 0;
    for (size_t back = 2; is_cut && back < 5 && back <= text->size; back++)
        text->buffer[text->size - back] = '.';
    return text->length;
}

static void put_searched(struct text *text, const struct report *report)
{
    for (size_t i = 0; i < report->searched_count && i < SEARCHED_MAX; i++)
        put_after(text, i ? ", " : "; looked in ", report->searched[i]->name);
    if (report->searched_count > SEARCHED_MAX) {
        put(text, " and more, objects ");
        put_number(text, report->searched_count);
    }
}

size_t report_text(const struct report *report, char *buffer, size_t size)
{
    struct text text = {buffer, size, 0};
    const struct form *form = &forms[report->error];
    put(&text, *report->object ? report->object : "the program");
    put_after(&text, " ", form->text);
    if (form->symbol)
        put_after(&text, " ", report->symbol ? report->symbol : "(no name)");
    if (report->version)
        put_after(&text, form->symbol ? ", version " : " ", report->version);
    if (report->provider)
        put_after(&text, " of ", report->provider);
    if (form->value) {
        put(&text, " ");
        put_number(&text, report->value);
    }
    put_searched(&text, report);
    if (form->offset) {
        put(&text, " (at ");
        put_number(&text, report->offset);
        put(&text, ")");
    }
    return finish(&text);
}

size_t binding_text(const struct link_binding *binding, char *buffer, size_t size)
{
    struct text text = {buffer, size, 0};
    put_after(&text, "bind ", binding->object);
    put(&text, " ");
    put_number(&text, binding->offset);
    put(&text, " ");
    put_number(&text, binding->type);
    put_after(&text, " ", binding->symbol);
    put_after(&text, " ", binding->version ? binding->version : "-");
    put_after(&text, " ", binding->provider ? binding->provider : "-");
    put(&text, " ");
    put_number(&text, binding->address);
    return finish(&text);
}
