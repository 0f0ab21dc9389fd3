/* The kernel keeps a part for itself: for what it links, and for its own objects. Of the rest each service gets what the
 * manifest says; what is left is shared in equal parts by the other services of the boot, the loader service, which has the
 * rest of the root budget, and one part more for what it does for others. */
#include "start/shares.h"

#include "base/log.h"
#include "base/record.h"
#include "image/image.h"

#define KERNELS_PART 8     /* one eighth of all frames */
#define BYTES_PART 16      /* one sixteenth of them is what budgets' bytes come from */
#define OTHER_PARTS 2
#define LEAST_PART 8        /* one eighth is shared in any case: services are started until nothing is left */

struct cost service_share;

/* What the manifest gives away, and how many services of the boot it gives nothing. */
struct division {
    uint64_t given, heirs;
};

static void count(struct division *division, uint64_t given, const struct image_service *service)
{
    division->given += given;
    division->heirs += !given && service->role != IMAGE_SERVICE_ON_DEMAND;
}

static uint64_t part(const struct division *division, uint64_t all, const char *what)
{
    uint64_t left = division->given < all ? all - division->given : 0;
    if (!left)
        log_format("kernel: the manifest gives services %u KiB of %s, and the machine has %u KiB for them\n",
                   division->given / 1024, what, all / 1024);
    if (left < all / LEAST_PART)
        left = all / LEAST_PART;
    return left / (division->heirs + OTHER_PARTS);
}

void shares_init(void)
{
    struct division pages = {0}, bytes = {0};
    uint64_t frames = kernel_record.frames_total - kernel_record.frames_used;
    uint64_t for_bytes = frames / BYTES_PART;
    root_budget.limit = (struct cost){frames - frames / KERNELS_PART - for_bytes, for_bytes * PAGE_SIZE};
    for (uint32_t i = 0; i < boot_image.archive.header->service_count; i++) {
        const struct image_service *service = &boot_image.archive.services[i];
        count(&pages, service->memory, service);
        count(&bytes, service->kernel_memory, service);
    }
    service_share.pages = part(&pages, root_budget.limit.pages * PAGE_SIZE, "memory") / PAGE_SIZE;
    service_share.bytes = part(&bytes, root_budget.limit.bytes, "kernel memory");
}

struct cost service_limit(const struct image_service *service)
{
    return (struct cost){
        .pages = service->memory ? service->memory / PAGE_SIZE : service_share.pages,
        .bytes = service->kernel_memory ? service->kernel_memory : service_share.bytes,
    };
}
