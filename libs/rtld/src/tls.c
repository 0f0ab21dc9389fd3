/* Thread-local storage, variant II: blocks lie below the thread pointer, the first module nearest to it. */
#include "internal.h"

void tls_lay_out(struct link *link)
{
    uint64_t used = 0;
    link->tls_align = 1;
    for (struct image *image = link->first; image; image = image->next) {
        if (!image->tls_size)
            continue;
        used += image->tls_size;
        /* The block's start must have p_vaddr's remainder (psABI 3.4.2); the pointer itself has none. */
        used += -(used + image->tls_image) & (image->tls_align - 1);
        image->tls_module = ++link->tls_count;
        image->tls_offset = used;
        if (image->tls_align > link->tls_align)
            link->tls_align = image->tls_align;
    }
    link->tls_size = used;
}
