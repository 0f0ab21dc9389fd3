/* Shared by the core's files. */
#ifndef RTLD_INTERNAL_H
#define RTLD_INTERNAL_H
#include <rtld/link.h>

/* `count` zeroed records of `size` bytes from the host's block, aligned for any type; NULL after a report. */
void *link_alloc(struct link *link, uint64_t count, size_t size);

/* Tell the host, and remember that the link failed; always false. */
bool link_refuse(struct link *link, enum link_error error, const struct image *image, const char *symbol,
                 uint64_t offset, uint64_t value);

/* What a relocation asks for, whatever its number on a machine. */
enum relocation_kind {
    RELOCATION_NONE,
    RELOCATION_RELATIVE,     /* bias + addend */
    RELOCATION_ABSOLUTE,     /* symbol + addend */
    RELOCATION_SLOT,         /* symbol: GOT entries, which have no addend */
    RELOCATION_TLS_MODULE,   /* module id of the symbol */
    RELOCATION_TLS_OFFSET,   /* symbol + addend within its module's block */
    RELOCATION_TLS_POINTER,  /* distance of symbol + addend from the thread pointer */
    RELOCATION_UNKNOWN,
};

/* False when this build does not know the machine. */
bool machine_known(uint16_t machine);
enum relocation_kind machine_relocation(uint16_t machine, uint32_t type);

/* Give modules their ids and places below the thread pointer. */
void tls_lay_out(struct link *link);

bool image_relocate(struct link *link, struct image *image);
#endif
