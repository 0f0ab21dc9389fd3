/* Of the kernel, what starts programs and reads the boot image is left out. */
#include "image/locate.h"
#include "link/modules.h"
#include "start/launch.h"
#include "start/service.h"

static struct image_header no_files;

struct boot_image boot_image = {.archive = {.header = &no_files}};
struct endpoint *loader_endpoint, *names_endpoint;

const char *boot_image_name(const struct image_file *file)
{
    (void)file;
    return "";
}

bool boot_image_check(uint64_t offset, uint64_t size)
{
    (void)offset, (void)size;
    return false;
}

bool locate(struct space *space, uint64_t address, struct located *found)
{
    (void)space, (void)address, (void)found;
    return false;
}

int64_t service_start_begin(uint64_t index, struct process *caller, struct budget *budget, void **object)
{
    (void)index, (void)caller, (void)budget, (void)object;
    return STATUS_INVALID;
}

int64_t service_start_go_on(struct loaded_process *loaded)
{
    (void)loaded;
    return STATUS_INVALID;
}

const struct object_type start_type;

const struct start *service_starting(void)
{
    return NULL;
}
