/* One ELF file, read through its program headers and dynamic section. */
#ifndef RTLD_IMAGE_H
#define RTLD_IMAGE_H
#include <rtld/diagnostic.h>
#include <rtld/elf.h>
#include <stdbool.h>

#define IMAGE_SEGMENTS_MAX 16
#define IMAGE_PAGE_SIZE 4096ull

/* A whole file in memory. The bytes stay valid and unchanged as long as the link. */
struct image_file_view {
    const uint8_t *bytes;
    uint64_t size;
    uint64_t cookie; /* the host's own, e.g. where to map the file from */
};

/* One PT_LOAD. */
struct segment {
    uint64_t address;           /* p_vaddr */
    uint64_t memory_size, file_size, file_offset;
    uint64_t page_address;      /* p_vaddr rounded down, and the length in whole pages */
    uint64_t pages_size;
    uint32_t flags;             /* PF_... */
    const uint8_t *data;        /* file_size bytes, as in the file */
    uint8_t *window;            /* writable segments after link_place: pages_size bytes */
};

struct table {
    const void *data;
    uint64_t address; /* p_vaddr terms */
    uint64_t count;
};

struct image {
    const char *name;
    const char *soname;          /* NULL without DT_SONAME */
    struct image_file_view file;
    uint16_t type, machine;
    uint64_t entry;
    struct segment segments[IMAGE_SEGMENTS_MAX];
    unsigned segment_count;
    uint64_t low, high, align;   /* address space that the segments span, in p_vaddr terms */
    uint64_t bias;               /* add to p_vaddr; set by link_place */
    uint64_t relro_address, relro_size; /* whole pages to make read-only after relocation */
    uint64_t headers_address, header_count; /* program headers in memory; 0: not in a segment */
    uint64_t dynamic_address;

    /* Tables of the dynamic section; count 0 where absent. */
    struct table symbols;        /* count: how many the segment could hold; checked at each use */
    struct table strings;        /* count: bytes, the last one NUL */
    struct table gnu_hash;       /* count: bytes to the end of the segment */
    struct table hash;
    struct table rela, plt_rela, relr;
    struct table preinit_array, init_array, fini_array;
    uint64_t init, fini;         /* DT_INIT, DT_FINI; 0: none */
    bool symbolic;

    uint64_t tls_image, tls_image_size, tls_size, tls_align, tls_module, tls_offset; /* tls_module 0: none */

    const char **needed_names;   /* DT_NEEDED, in order */
    struct image **needed;
    uint64_t needed_count;
    struct image *next;          /* search order */
    unsigned visit;              /* link_order's mark */
};

typedef void image_report(void *context, const struct diagnostic *diagnostic);

/* Read and check a file. DT_NEEDED is only counted here: link_load reads the names, when it has room for them. */
bool image_parse(struct image *image, const char *name, const struct image_file_view *file, image_report *report,
                 void *context);

/* `size` file bytes at p_vaddr `address`, within one segment's file part; NULL: not there, or not aligned. */
const void *image_data(const struct image *image, uint64_t address, uint64_t size, uint64_t align);

/* The same in a writable segment's window (its whole memory, not only the file part). */
void *image_window(const struct image *image, uint64_t address, uint64_t size);

/* A string of the dynamic string table; NULL when the offset lies outside. */
const char *image_string(const struct image *image, uint64_t offset);

/* A symbol by index; NULL when it lies outside the table. */
const struct elf_symbol *image_symbol(const struct image *image, uint64_t index);

/* A name to look up, with its hash values. */
struct symbol_name {
    const char *text;
    uint32_t gnu_hash, hash;
};

struct symbol_name symbol_name_of(const char *text);

/* The definition of a name that other objects may use; NULL: none. Bounded by the file's size. */
const struct elf_symbol *image_lookup(const struct image *image, const struct symbol_name *name);
#endif
