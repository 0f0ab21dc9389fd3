/* Asks for more than its handles allow: mappings, badges, the place of its watcher. It has no grants. */
#include <protocol/console.h>
#include <protocol/loader.h>
#include <protocol/names.h>
#include <stdbool.h>
#include <string.h>
#include <system/call.h>
#include <system/signal.h>
#include <system/start.h>

#include "check.h"

#define PAGE AMBILINK_PAGE_SIZE

extern const char __ehdr_start[];

static handle_t self;
static const unsigned more[] = {PROT_READ_ONLY, PROT_READ_WRITE, PROT_READ_EXECUTE};

/* Every protection beyond `allowed` is refused for each part of the range, and as a whole. */
static bool is_limited(uint64_t address, uint64_t pages, unsigned allowed)
{
    bool good = true;
    for (unsigned i = 0; i < sizeof more / sizeof *more; i++)
        for (uint64_t first = 0; first < pages && more[i] & ~allowed; first++) {
            good &= sys_process_protect(self, address + first * PAGE, PAGE, more[i]) == STATUS_NO_RIGHT;
            good &= sys_process_protect(self, address + first * PAGE, (pages - first) * PAGE, more[i]) == STATUS_NO_RIGHT;
        }
    return good;
}

/* Memory is shared with less than its maker has. */
static void check_mappings(void)
{
    handle_t memory = (handle_t)sys_memory_create(8 * PAGE);
    const unsigned rights[] = {0, RIGHT_READ, RIGHT_READ | RIGHT_WRITE};
    for (unsigned i = 0; i < sizeof rights / sizeof *rights; i++) {
        handle_t less = (handle_t)sys_handle_duplicate(memory, rights[i], 0);
        int64_t at = sys_process_map(self, less, 0, 8 * PAGE, 0, rights[i] & RIGHT_READ ? PROT_READ_ONLY : PROT_NO_ACCESS);
        CHECK(at > 0 && sys_handle_close(less) == STATUS_OK);
        CHECK(is_limited((uint64_t)at, 8, rights[i]));
        /* Split from both ends, in the middle, and by holes. */
        CHECK(sys_process_protect(self, (uint64_t)at + 2 * PAGE, 3 * PAGE, PROT_NO_ACCESS) == STATUS_OK);
        CHECK(is_limited((uint64_t)at, 8, rights[i]));
        CHECK(sys_process_unmap(self, (uint64_t)at + 3 * PAGE, PAGE) == STATUS_OK);
        CHECK(is_limited((uint64_t)at, 3, rights[i]) && is_limited((uint64_t)at + 4 * PAGE, 4, rights[i]));
        if (rights[i])
            CHECK(sys_process_protect(self, (uint64_t)at, 3 * PAGE, rights[i]) == STATUS_OK);
        CHECK(sys_process_unmap(self, (uint64_t)at, 8 * PAGE) == STATUS_OK);
    }
    CHECK(sys_handle_close(memory) == STATUS_OK);
}

/* The kernel writes its answer there, or says that it cannot. */
static bool is_writable(uint64_t address)
{
    struct message request = {.word = {LOADER_PROCESS, 0}};
    return sys_call(sys_start_handle(START_HANDLE_LOADER), &request, (struct message *)address) != STATUS_BAD_ADDRESS;
}

/* A range with one mapping that may not: nothing of it changes. */
static void check_mixed_range(void)
{
    const uint64_t at = 0x30000000000;
    handle_t memory = (handle_t)sys_memory_create(3 * PAGE), read_only = (handle_t)sys_handle_duplicate(memory, RIGHT_READ, 0);
    CHECK(sys_process_map(self, memory, 0, PAGE, at, PROT_READ_ONLY) > 0);
    CHECK(sys_process_map(self, read_only, PAGE, PAGE, at + PAGE, PROT_READ_ONLY) > 0);
    CHECK(sys_process_map(self, memory, 2 * PAGE, PAGE, at + 2 * PAGE, PROT_READ_WRITE) > 0);
    CHECK(sys_process_protect(self, at, 3 * PAGE, PROT_READ_WRITE) == STATUS_NO_RIGHT);
    CHECK(!is_writable(at) && !is_writable(at + PAGE) && is_writable(at + 2 * PAGE));
    CHECK(sys_process_protect(self, at, PAGE, PROT_READ_WRITE) == STATUS_OK && is_writable(at));
    CHECK(sys_process_unmap(self, at, 3 * PAGE) == STATUS_OK);
    CHECK(sys_handle_close(read_only) == STATUS_OK && sys_handle_close(memory) == STATUS_OK);
}

/* PROT_FINAL gives up what the handle allowed. */
static void check_final(void)
{
    handle_t memory = (handle_t)sys_memory_create(2 * PAGE);
    const struct map_request list[] = {{0, 2 * PAGE, 0x30000000000, memory, PROT_READ_ONLY | PROT_FINAL}};
    CHECK(sys_process_map_all(self, list, 1) == 1 && is_limited(list[0].address, 2, PROT_READ_ONLY));
    CHECK(sys_process_unmap(self, list[0].address, 2 * PAGE) == STATUS_OK);
    uint64_t at = (uint64_t)sys_process_map(self, memory, 0, 2 * PAGE, 0, PROT_READ_WRITE);
    CHECK(sys_process_protect(self, at + PAGE, PAGE, PROT_READ_ONLY | PROT_FINAL) == STATUS_OK);
    CHECK(is_limited(at + PAGE, 1, PROT_READ_ONLY) && is_writable(at));
    CHECK(sys_process_protect(self, at, PAGE, PROT_FINAL) == STATUS_OK && is_limited(at, 1, PROT_NO_ACCESS));
    CHECK(sys_process_map(self, memory, 0, PAGE, 0, PROT_FINAL | RIGHT_WRITE | RIGHT_EXECUTE) == STATUS_NO_RIGHT);
    CHECK(sys_process_map(self, memory, 0, PAGE, 0, PROT_FINAL | 16) == STATUS_INVALID);
    CHECK(sys_process_unmap(self, at, 2 * PAGE) == STATUS_OK && sys_handle_close(memory) == STATUS_OK);
}

/* Memory that grows is paid for by one, so no other process gets it: its touches could fail. */
static void check_growing(void)
{
    const uint64_t at = 0x30000000000;
    CHECK(sys_memory_create_growing(0, 2 * PAGE, 3 * PAGE) == STATUS_INVALID);
    CHECK(sys_memory_create_growing(0, 2 * PAGE, 1) == STATUS_INVALID);
    handle_t memory = (handle_t)sys_memory_create_growing(0, 4 * PAGE, PAGE);
    CHECK(sys_process_grant(self, memory, RIGHT_READ, 0) == STATUS_NO_RIGHT);
    CHECK(sys_handle_duplicate(memory, RIGHT_READ | RIGHT_TRANSFER, 0) == STATUS_NO_RIGHT);
    CHECK(sys_process_map(self, memory, 0, 4 * PAGE, at, PROT_READ_WRITE) == (int64_t)at);
    CHECK(sys_process_map(self, memory, PAGE, PAGE, at + 8 * PAGE, PROT_READ_ONLY) == (int64_t)(at + 8 * PAGE));
    volatile char *bytes = (volatile char *)at;
    bytes[PAGE] = 1;
    CHECK(bytes[8 * PAGE] == 1 && bytes[0] == 0 && bytes[4 * PAGE - 1] == 0 && !is_writable(at + 8 * PAGE));
    CHECK(is_writable(at) && sys_process_protect(self, at, 2 * PAGE, PROT_FINAL) == STATUS_OK);
    CHECK(is_limited(at, 2, PROT_NO_ACCESS));
    CHECK(sys_process_unmap(self, at, 9 * PAGE) == STATUS_OK && sys_handle_close(memory) == STATUS_OK);
}

/* What the linker gave this program: code stays code, and constants, RELRO and the start block stay so. */
static const char *const relocated[] = {"in", "RELRO"};

static void check_own_pages(void)
{
    const uint64_t pages[] = {(uint64_t)__ehdr_start, (uint64_t)"a constant", (uint64_t)relocated, (uint64_t)sys_start_info()};
    for (unsigned i = 0; i < sizeof pages / sizeof *pages; i++)
        CHECK(is_limited(pages[i] & -(uint64_t)PAGE, 1, PROT_READ_ONLY));
    CHECK(is_limited((uint64_t)check_own_pages & -(uint64_t)PAGE, 1, PROT_READ_EXECUTE));
    CHECK(strcmp(relocated[1], "RELRO") == 0);
}

/* No handle of another process' endpoint gives a badge, nor does one that has a badge already. */
static void check_badges(void)
{
    int64_t console = names_lookup("console"), files = names_lookup("files");
    const uint32_t rights = RIGHT_CALL | RIGHT_DUPLICATE | RIGHT_TRANSFER;
    handle_t own = (handle_t)sys_endpoint_create(), badged = (handle_t)sys_handle_duplicate(own, rights | RIGHT_MINT, 7);
    CHECK(console > 0 && files > 0 && (int32_t)badged > 0);
    CHECK(sys_handle_duplicate(own, RIGHTS_ALL, 0) == STATUS_NO_RIGHT); /* with those of other kinds of object */
    const handle_t handles[] = {(handle_t)console, (handle_t)files, badged, sys_start_handle(START_HANDLE_LOADER), sys_start_handle(START_HANDLE_NAMES)};
    for (unsigned i = 0; i < sizeof handles / sizeof *handles; i++) {
        CHECK(sys_handle_duplicate(handles[i], RIGHT_CALL, 3) == STATUS_NO_RIGHT);
        CHECK(sys_process_grant(self, handles[i], RIGHT_CALL, 3) == STATUS_NO_RIGHT);
        CHECK(sys_handle_duplicate(handles[i], RIGHT_CALL | RIGHT_MINT, 0) == STATUS_NO_RIGHT);
    }
    CHECK(sys_handle_duplicate(badged, RIGHT_CALL, 7) == STATUS_NO_RIGHT);
    /* The right to mint can be kept back. */
    handle_t plain = (handle_t)sys_handle_duplicate(own, rights, 0);
    CHECK(sys_handle_duplicate(plain, RIGHT_CALL, 3) == STATUS_NO_RIGHT);
    CHECK(sys_process_grant(self, plain, RIGHT_CALL, 3) == STATUS_NO_RIGHT);
    int64_t granted = sys_process_grant(self, own, rights, 9);
    CHECK(granted > 0 && sys_handle_duplicate((handle_t)granted, RIGHT_CALL, 3) == STATUS_NO_RIGHT);
    /* Grant leaves the caller its own, so it needs the right to duplicate. */
    handle_t only_transfer = (handle_t)sys_handle_duplicate(own, RIGHT_CALL | RIGHT_TRANSFER, 0);
    CHECK(sys_process_grant(self, only_transfer, RIGHT_CALL, 0) == STATUS_NO_RIGHT);
    const handle_t made[] = {own, badged, plain, (handle_t)granted, only_transfer, (handle_t)console, (handle_t)files};
    for (unsigned i = 0; i < sizeof made / sizeof *made; i++)
        CHECK(sys_handle_close(made[i]) == STATUS_OK);
}

/* A badge goes with its handle, by duplicate, by grant and in a message to and fro. */
static handle_t endpoint;
static char stack[16384] __attribute__((aligned(16)));

static void serve(void)
{
    for (int round = 0; round < 4; round++) {
        handle_t reply = 0;
        struct message request = {0};
        if (sys_receive(endpoint, &request, &reply) != STATUS_OK)
            break;
        request.word[0] = request.badge;
        sys_reply(reply, &request);
    }
    sys_thread_exit();
}

static uint64_t badge_of(handle_t handle, handle_t *moved)
{
    struct message request = {.handle = {moved ? *moved : 0}, .handle_count = moved ? 1 : 0}, reply = {0};
    if (sys_call(handle, &request, &reply) != STATUS_OK)
        return UINT64_MAX;
    if (moved)
        *moved = reply.handle[0];
    return reply.word[0];
}

static void check_badges_stay(void)
{
    const uint32_t rights = RIGHT_CALL | RIGHT_DUPLICATE | RIGHT_TRANSFER;
    endpoint = (handle_t)sys_endpoint_create();
    int64_t thread = sys_thread_create(self, (uint64_t)serve, (uint64_t)(stack + sizeof stack - 8), 0);
    handle_t badged = (handle_t)sys_handle_duplicate(endpoint, rights, 41);
    handle_t copy = (handle_t)sys_handle_duplicate(badged, rights, 0), granted = (handle_t)sys_process_grant(self, badged, rights, 0);
    CHECK(badge_of(copy, NULL) == 41 && badge_of(granted, NULL) == 41);
    CHECK(badge_of(copy, &badged) == 41 && badge_of(badged, NULL) == 41);
    const handle_t made[] = {endpoint, badged, copy, granted, (handle_t)thread};
    for (unsigned i = 0; i < sizeof made / sizeof *made; i++)
        CHECK(sys_handle_close(made[i]) == STATUS_OK);
}

/* The loader service watches this process for its end, and stays its watcher. */
static void check_watching(void)
{
    handle_t first = (handle_t)sys_endpoint_create(), second = (handle_t)sys_endpoint_create(), reply = 1;
    CHECK(sys_process_watch(self, first, 1) == STATUS_NO_RIGHT);
    CHECK(sys_handle_duplicate(self, RIGHT_MANAGE | RIGHT_WATCH, 0) == STATUS_NO_RIGHT);
    handle_t child = (handle_t)sys_process_create("child", 5);
    CHECK(sys_process_watch(child, first, 5) == STATUS_OK && sys_process_watch(child, second, 6) == STATUS_OVERLAP);
    CHECK(sys_process_watch(child, first, 6) == STATUS_OVERLAP);
    /* No thread receives there any more: the place is free. */
    CHECK(sys_handle_close(first) == STATUS_OK && sys_process_watch(child, second, 7) == STATUS_OK);
    handle_t its_own = (handle_t)sys_process_grant(child, child, RIGHT_MANAGE, 0);
    CHECK((int32_t)its_own > 0 && sys_process_end(child, 3) == STATUS_OK);
    struct message notice = {0};
    CHECK(sys_receive(second, &notice, &reply) == STATUS_OK && !reply && notice.badge == 7);
    CHECK(notice.word[0] == MESSAGE_PROCESS_EXITED && notice.word[2] == 3);
    CHECK(sys_handle_close(child) == STATUS_OK && sys_handle_close(second) == STATUS_OK);
}

/* Authority over the CPU is the manifest's. */
static void check_priority(void)
{
    CHECK(sys_thread_priority(0, PRIORITY_ASK) == 0 && sys_thread_priority(0, 1) == STATUS_NO_RIGHT);
    CHECK(sys_process_priority(sys_start_handle(START_HANDLE_SELF), 1) == STATUS_NO_RIGHT);
}

int main(void)
{
    self = sys_start_handle(START_HANDLE_SELF);
    check_mappings();
    check_growing();
    check_mixed_range();
    check_final();
    check_own_pages();
    check_badges();
    check_badges_stay();
    check_watching();
    check_priority();
    /* Almost all of it is holes: that takes no time. */
    CHECK(sys_image_check(NULL, PROCESS_HIGHEST_ADDRESS) == STATUS_OK);
    return checks_finish("rights");
}
