#include "process/headers.h"

#include "memory/area.h"

struct parsing {
    struct headers *headers;
    enum link_error error;
};

static void *take(void *context, uint64_t *size)
{
    const struct parsing *parsing = context;
    *size = PAGE_UP(*size);
    return parsing->headers->more = kernel_alloc(*size);
}

/* The first mistake counts. */
static bool note(void *context, const struct report *report)
{
    struct parsing *parsing = context;
    parsing->error = report->error;
    return false;
}

bool headers_parse(struct headers *headers, const struct file_view *file, enum link_error *error)
{
    struct parsing parsing = {headers, LINK_NO_MEMORY};
    headers->module = (struct module){0};
    headers->more = NULL;
    struct ground ground = {
        .context = &parsing,
        .memory = take, /* once: all segments are one table */
        .report = note,
        .object = "",
        .arena = arena_within(headers->room, sizeof headers->room),
    };
    bool good = module_parse_headers(&ground, &headers->module, "", file);
    if (!good) {
        headers_end(headers);
        *error = parsing.error;
    }
    return good;
}

void headers_end(struct headers *headers)
{
    if (headers->more)
        kernel_unmap(headers->more);
    headers->more = NULL;
}
