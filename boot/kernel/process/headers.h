/* The program headers of an ELF file, parsed with as much memory as they need. */
#ifndef PROCESS_HEADERS_H
#define PROCESS_HEADERS_H
#include <rtld/parse.h>

#define HEADERS_ROOM 2048 /* bytes: what few segments need takes no memory of the kernel's */

struct headers {
    struct module module;
    void *more;                  /* memory beyond the room; NULL: none was needed */
    uint8_t room[HEADERS_ROOM] __attribute__((aligned(16)));
};

/* False: the file breaks a rule, or there is no memory; *error says which. headers_end follows after success. */
bool headers_parse(struct headers *headers, const struct file_view *file, enum link_error *error);
void headers_end(struct headers *headers);
#endif
