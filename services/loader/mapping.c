/* Mappings of a process in batches: a call to the kernel costs more than a mapping. */
#include <system/call.h>

#include "loader.h"

static void tell(const struct map_batch *batch, unsigned index, int64_t status)
{
    const struct remote *remote = batch->remote;
    say("%s: %s cannot be mapped at 0x%llx%s, status %lld", remote->service, batch->name(remote, batch->object[index]),
        (unsigned long long)batch->request[index].address, status == STATUS_OVERLAP ? ", where something else is" : "",
        (long long)status);
}

bool map_batch_make(struct map_batch *batch)
{
    handle_t process = batch->remote->process;
    int64_t made = batch->count ? sys_process_map_all(process, batch->request, batch->count) : 0;
    if (made == batch->count) {
        batch->count = 0;
        return true;
    }
    const struct map_request *request = &batch->request[made > 0 ? made : 0];
    int64_t status = made < 0 ? made : sys_process_map(process, request->memory, request->offset, request->size,
                                                       request->address, request->prot);
    tell(batch, (unsigned)(request - batch->request), status);
    return false;
}

bool map_batch_add(struct map_batch *batch, uint32_t object, const struct map_request *request)
{
    if (batch->count == MAP_REQUESTS_MAX && !map_batch_make(batch))
        return false;
    batch->object[batch->count] = object;
    batch->request[batch->count++] = *request;
    return true;
}
