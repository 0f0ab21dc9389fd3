/* Holds the image with the right to give parts of it: a handle to a part reaches that part, and nothing else of the image. */
#include <ambilink/page.h>
#include <system/call.h>
#include <system/start.h>

#include "check.h"

#define PAGE AMBILINK_PAGE_SIZE
#define PAGES 3
#define FIRST 1 /* of them */

static handle_t self, image;

static int64_t map(handle_t memory, uint64_t offset, uint64_t size, unsigned prot)
{
    return sys_process_map(self, memory, offset, size, 0, prot);
}

static void check_reach(handle_t part)
{
    CHECK(sys_memory_size(part) == PAGES * PAGE);
    const int64_t whole = map(image, 0, (FIRST + PAGES) * PAGE, PROT_READ_ONLY), all = map(part, 0, PAGES * PAGE, PROT_READ_ONLY);
    CHECK(whole > 0 && all > 0);
    for (uint64_t at = 0; at < PAGES * PAGE; at += 64)
        CHECK(*(const char *)(all + (int64_t)at) == *(const char *)(whole + (int64_t)(FIRST * PAGE + at)));
    CHECK(map(part, 0, (PAGES + 1) * PAGE, PROT_READ_ONLY) == STATUS_INVALID);
    CHECK(map(part, PAGES * PAGE, PAGE, PROT_READ_ONLY) == STATUS_INVALID);
    CHECK(map(part, (uint64_t)-PAGE, 2 * PAGE, PROT_READ_ONLY) == STATUS_INVALID);
    CHECK(map(part, (uint64_t)-PAGE, PAGE, PROT_READ_ONLY) == STATUS_INVALID);
    CHECK(map(part, PAGE, (uint64_t)-PAGE, PROT_READ_ONLY) == STATUS_INVALID);
    CHECK(map(part, (PAGES - 1) * PAGE, PAGE, PROT_READ_EXECUTE) > 0);
    CHECK(map(part, 0, PAGE, PROT_READ_WRITE) == STATUS_NO_RIGHT);
}

/* Rights and badge are no more than the handle's that it was made of. */
static void check_handles(handle_t part)
{
    CHECK(sys_handle_duplicate(part, RIGHT_READ, MEMORY_PART(0, 100)) == STATUS_NO_RIGHT);
    CHECK(sys_handle_duplicate(part, RIGHT_READ | RIGHT_MINT, 0) == STATUS_NO_RIGHT);
    const int64_t read = sys_handle_duplicate(part, RIGHT_READ | RIGHT_DUPLICATE, 0);
    CHECK(read > 0 && sys_memory_size((handle_t)read) == PAGES * PAGE);
    CHECK(map((handle_t)read, 0, PAGE, PROT_READ_EXECUTE) == STATUS_NO_RIGHT);
    CHECK(map((handle_t)read, PAGES * PAGE, PAGE, PROT_READ_ONLY) == STATUS_INVALID);
    const int64_t beyond = sys_handle_duplicate(image, RIGHT_READ, MEMORY_PART(0x7fffffff, 5));
    CHECK(beyond > 0 && map((handle_t)beyond, 0, PAGE, PROT_READ_ONLY) == STATUS_INVALID);
    const int64_t own = sys_memory_create(PAGE);
    CHECK(own > 0 && sys_handle_duplicate((handle_t)own, RIGHT_READ, MEMORY_PART(0, 1)) == STATUS_NO_RIGHT);
}

int main(void)
{
    self = sys_start_handle(START_HANDLE_SELF);
    image = sys_start_handle(START_HANDLE_IMAGE);
    const uint64_t rights = RIGHT_READ | RIGHT_EXECUTE | RIGHT_DUPLICATE;
    const int64_t part = sys_handle_duplicate(image, rights, MEMORY_PART(FIRST, PAGES));
    CHECK(part > 0);
    check_reach((handle_t)part);
    check_handles((handle_t)part);
    return checks_finish("parts");
}
