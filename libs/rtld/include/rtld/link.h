/* The dynamic linker core: place, bind and relocate a program and its libraries.
 *
 * It knows ELF and nothing of the system that it runs on. The host hands in a block of memory, finds
 * files, chooses addresses and provides memory for writable segments; relocated words are stored through
 * those windows, so the address space that is linked may be another one than the linker's own. Read-only
 * segments are never written and never copied: the host maps them from wherever the file's bytes lie.
 *
 * The phases, in this order; each returns false after at least one diagnostic, and a link that failed may
 * be dropped but not continued:
 *
 *     link_init       an empty link over the host's block of memory
 *     link_load       the program, then its DT_NEEDED closure, breadth first
 *     link_place      asks the host for a load bias and for windows, fills the windows from the files
 *     link_relocate   binds symbols and stores words; lays out thread-local storage
 *     link_order      the constructors and destructors, in the order to call them
 *
 * No global state, no recursion, no allocation but from the block. Input is not trusted: every offset,
 * size and index of a file is checked before its first use.
 */
#ifndef RTLD_LINK_H
#define RTLD_LINK_H
#include <rtld/diagnostic.h>
#include <rtld/image.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link;

/* A symbol was bound. Names are NUL-terminated; provider is NULL for a weak symbol that nobody defines. */
struct link_binding {
    const char *object;
    const char *symbol;
    const char *provider;
    uint64_t value;
};

struct link_host {
    void *context;
    /* The file of a DT_NEEDED name; false: there is none. Called once for each name. */
    bool (*open)(void *context, const char *name, struct image_file_view *file);
    /* Choose *bias, a multiple of image->align, so that [low, high) + bias is free. ET_EXEC is not asked. */
    bool (*place)(void *context, const struct image *image, uint64_t *bias);
    /* Zeroed memory for pages_size bytes of a writable segment's pages; NULL: none left. What is there after
     * the link is what belongs at the segment's page_address + bias. */
    void *(*window)(void *context, const struct image *image, const struct segment *segment);
    void (*report)(void *context, const struct diagnostic *diagnostic);
    /* May be NULL. */
    void (*binding)(void *context, const struct link_binding *binding);
};

struct link {
    const struct link_host *host;
    uint8_t *block;
    size_t block_size, block_used;
    struct image *first, *last; /* search order */
    size_t image_count;
    bool failed;

    uint64_t tls_size, tls_align; /* bytes below the thread pointer (variant II) */
    uint64_t tls_count;

    /* Addresses in the linked address space. */
    uint64_t *initializers;
    size_t initializer_count;
    uint64_t *finalizers;
    size_t finalizer_count;
};

void link_init(struct link *link, const struct link_host *host, void *block, size_t size);
bool link_load(struct link *link, const char *name, const struct image_file_view *file);
bool link_place(struct link *link);
bool link_relocate(struct link *link);
bool link_order(struct link *link);

/* Where the program starts, in the linked address space. */
uint64_t link_entry(const struct link *link);
#endif
