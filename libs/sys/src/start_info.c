#include <stddef.h>
#include <system/start.h>

static const struct start_info *start_info;

const struct start_info *sys_start_info(void)
{
    return start_info;
}

handle_t sys_start_handle(enum start_handle which)
{
    return start_info && which < START_HANDLE_COUNT ? start_info->handle[which] : 0;
}

void sys_set_start_info(const struct start_info *info)
{
    start_info = info;
}
