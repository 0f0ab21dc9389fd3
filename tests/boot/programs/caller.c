/* Calls the service that its argument names, and says what became of it. */
#include <protocol/call.h>
#include <protocol/names.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    int64_t service = names_lookup(argc > 1 ? argv[1] : "crash");
    if (service < 0) {
        printf("no service: status %lld\n", (long long)service);
        return 1;
    }
    struct message request = {.word = {77, 0x1234}}, reply = {0};
    int64_t first = ipc_call((handle_t)service, &request, &reply);
    int64_t second = ipc_call((handle_t)service, &request, &reply);
    printf("first call: status %lld, second call: status %lld\n", (long long)first, (long long)second);
    return first == STATUS_PEER_GONE && second == STATUS_PEER_GONE ? 0 : 1;
}
