#include <protocol/call.h>
#include <system/call.h>

static void close_made(int64_t handle)
{
    if (handle > 0)
        sys_handle_close((handle_t)handle);
}

int64_t ipc_make_member(handle_t served, uint64_t badge, handle_t *receives)
{
    const int64_t made = sys_endpoint_create();
    if (made < 0)
        return made;
    const int64_t calls = sys_handle_duplicate((handle_t)made, RIGHT_CALL | RIGHT_DUPLICATE | RIGHT_TRANSFER, badge);
    const int64_t receiving = sys_handle_duplicate((handle_t)made, RIGHT_RECEIVE, 0);
    close_made(made);
    int64_t status = calls < 0 ? calls : receiving;
    if (status > 0)
        status = sys_endpoint_join((handle_t)receiving, served, badge);
    if (status != STATUS_OK) {
        close_made(calls);
        close_made(receiving);
        return status;
    }
    *receives = (handle_t)receiving;
    return calls;
}
