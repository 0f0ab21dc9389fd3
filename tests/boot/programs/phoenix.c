/* Dies of a fault in its first life, and stays in its second. */
#include <protocol/loader.h>
#include <string.h>
#include <system/call.h>

static unsigned lives(void)
{
    unsigned count = 0;
    char name[LOADER_PROCESS_NAME_MAX];
    uint64_t process;
    for (uint64_t index = 0; loader_process(index, &process, name) == STATUS_OK; index++)
        count += strcmp(name, "test-phoenix") == 0;
    return count;
}

int main(void)
{
    if (lives() == 1)
        *(volatile int *)0x1234 = 1;
    handle_t endpoint = (handle_t)sys_endpoint_create(), reply;
    struct message nobody_sends = {0};
    return (int)sys_receive(endpoint, &nobody_sends, &reply);
}
