/* What went wrong, and what was bound, in values; turning them into text is the host's choice. */
#ifndef RTLD_REPORT_H
#define RTLD_REPORT_H
#include <stddef.h>
#include <stdint.h>

enum link_error {
    LINK_NO_MEMORY,          /* the host gave none; value: bytes wanted */
    LINK_NOT_ELF,            /* magic, class, byte order or version */
    LINK_WRONG_MACHINE,      /* value: e_machine */
    LINK_WRONG_TYPE,         /* value: e_type */
    LINK_BAD_HEADER,         /* a header field is out of range; offset: of the field */
    LINK_BAD_SEGMENT,        /* offset: of the program header */
    LINK_WRITE_EXECUTE,      /* a segment is writable and executable; offset: of the program header */
    LINK_BAD_DYNAMIC,        /* value: the tag whose table is missing or out of range */
    LINK_TEXT_RELOCATION,    /* DT_TEXTREL, or a relocation outside writable segments; offset: where */
    LINK_NOT_FOUND,          /* symbol: the DT_NEEDED name that the host has no file for */
    LINK_NO_VERSION,         /* version: one that provider must define and does not */
    LINK_BAD_VERSION,        /* a version table is damaged; value: the tag */
    LINK_BAD_SYMBOL,         /* value: an index or name outside the tables; offset: of the relocation */
    LINK_UNDEFINED,          /* symbol, version: nothing defines it; offset: of the relocation */
    LINK_BAD_RELOCATION,     /* value: the type, known but wrong here; offset: where */
    LINK_UNKNOWN_RELOCATION, /* value: the type; offset: where */
    LINK_OVERFLOW,           /* the result does not fit the relocation's field; value: the type */
    LINK_NO_PLACE,           /* the host found no address */
    LINK_NO_STATIC_TLS,      /* provider's data is wanted at a fixed place for all threads; value: its size */
    LINK_TOO_MANY_MODULES,   /* value: how many the program has */
    LINK_TOO_MANY_HEADERS,   /* value: e_phnum */
    LINK_TOO_MUCH_WORK,      /* hash chains so long that only a crafted file has them */
    LINK_NOT_LOADED,         /* symbol: a name that only an open object may have (LINK_OPEN_LOADED) */
    LINK_UNLOADING,          /* symbol: the name of an object that goes: it was closed, and its destructors still run */
};

struct module;

struct report {
    enum link_error error;
    const char *object;   /* file that is wrong, or that needs what is missing */
    const char *symbol;   /* NULL where no symbol or name is concerned */
    const char *version;  /* NULL: none */
    const char *provider; /* the object that should define the version; NULL: any */
    uint64_t offset;      /* in the file for structure, in the module (p_vaddr) for relocations */
    uint64_t value;
    struct module *const *searched; /* where the symbol was looked for, in order */
    size_t searched_count;
};

/* A reference was bound. Strings are NUL-terminated and belong to the modules. */
struct link_binding {
    const char *object;
    const char *symbol;
    const char *version;  /* of the reference; NULL: none */
    const char *provider; /* NULL: a weak symbol that nothing defines */
    uint64_t address;     /* of the definition; of thread-local data: its offset in the module's block */
    uint64_t offset;      /* p_vaddr of the relocation */
    uint32_t type;        /* the relocation's number */
};

/* One line without a line end; both return its length, as snprintf does. What does not fit ends in "...".
 *
 * report_text: the object, what is wrong with it, and values.
 * binding_text: "bind OBJECT OFFSET TYPE SYMBOL VERSION PROVIDER ADDRESS", single spaces between; numbers in
 *     hexadecimal with 0x; VERSION and PROVIDER are "-" where there is none. */
size_t report_text(const struct report *report, char *buffer, size_t size);
size_t binding_text(const struct link_binding *binding, char *buffer, size_t size);
#endif
