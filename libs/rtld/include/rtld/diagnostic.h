/* What went wrong, in values; turning them into words is the host's choice. */
#ifndef RTLD_DIAGNOSTIC_H
#define RTLD_DIAGNOSTIC_H
#include <stddef.h>
#include <stdint.h>

enum link_error {
    LINK_NO_MEMORY,          /* the host's block or a window */
    LINK_NOT_ELF,            /* magic, class, byte order or version */
    LINK_WRONG_MACHINE,      /* value: e_machine */
    LINK_WRONG_TYPE,         /* value: e_type */
    LINK_BAD_HEADER,         /* a header field is out of range; offset: of the field */
    LINK_BAD_SEGMENT,        /* offset: of the program header */
    LINK_WRITE_EXECUTE,      /* a segment is writable and executable; offset: of the program header */
    LINK_BAD_DYNAMIC,        /* value: the tag whose table is missing or out of range */
    LINK_TEXT_RELOCATION,    /* DT_TEXTREL, or a relocation outside writable segments; offset: where */
    LINK_NOT_FOUND,          /* symbol: the DT_NEEDED name that the host has no file for */
    LINK_BAD_SYMBOL,         /* value: an index or name outside the tables; offset: of the relocation */
    LINK_UNDEFINED,          /* symbol: nobody defines it; offset: of the relocation */
    LINK_BAD_RELOCATION,     /* value: the type, known but wrong here; offset: where */
    LINK_UNKNOWN_RELOCATION, /* value: the type; offset: where */
    LINK_NO_PLACE,           /* the host found no address */
    LINK_TOO_MANY,           /* a table is longer than any sound file's; value: how long */
};

struct diagnostic {
    enum link_error error;
    const char *object;  /* file that is wrong, or that needs what is missing */
    const char *symbol;  /* NULL where no symbol or name is concerned */
    uint64_t offset;     /* in the file for structure, in the image (p_vaddr) for relocations */
    uint64_t value;
};

/* One line without a line end; returns its length, as snprintf does. */
size_t diagnostic_text(const struct diagnostic *diagnostic, char *buffer, size_t size);
#endif
