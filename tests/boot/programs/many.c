/* As many mappings as its first argument says, made in an order that no list has. As many of them as its second argument
 * says are then protected, unmapped and mapped again, each by calls of its own, and memory is mapped where the kernel
 * chooses, for which the gaps between them are too small. At the end all are protected by one call, and unmapped by one. */
#include <stdlib.h>
#include <system/call.h>
#include <system/start.h>

#include "check.h"

#define PAGE AMBILINK_PAGE_SIZE
#define STEP 7919 /* a prime: each number below `count` comes once */
#define AT_ONCE 50

static handle_t self, memory;
static unsigned count, tried;
static uint64_t place;

static uint64_t place_of(unsigned i)
{
    return place + (uint64_t)i * STEP % count * 2 * PAGE;
}

/* Those at each even page, or at each odd one. */
static void map_all(uint64_t page)
{
    static struct map_request list[AT_ONCE];
    for (unsigned i = 0; i < count; i += AT_ONCE) {
        for (unsigned j = 0; j < AT_ONCE; j++)
            list[j] = (struct map_request){page, PAGE, place_of(i + j) + page, memory, PROT_READ_WRITE};
        CHECK(sys_process_map_all(self, list, AT_ONCE) == AT_ONCE);
    }
}

static void one_by_one(void)
{
    for (unsigned i = 0; i < tried; i++) {
        uint64_t one = place_of(i * 3), chosen;
        CHECK(sys_process_protect(self, one, PAGE, PROT_READ_ONLY) == STATUS_OK);
        CHECK(sys_process_unmap(self, one, PAGE) == STATUS_OK);
        CHECK(sys_process_map(self, memory, 0, PAGE, one, PROT_READ_WRITE) == (int64_t)one);
        CHECK((chosen = (uint64_t)sys_process_map(self, memory, 0, 2 * PAGE, 0, PROT_READ_ONLY)) > place);
        CHECK(sys_process_unmap(self, chosen, 2 * PAGE) == STATUS_OK);
    }
}

int main(int argc, char **argv)
{
    count = (unsigned)(argc > 1 ? atoi(argv[1]) : 100);
    tried = (unsigned)(argc > 2 ? atoi(argv[2]) : 100);
    self = sys_start_handle(START_HANDLE_SELF);
    memory = (handle_t)sys_memory_create(2 * PAGE);
    /* Where the kernel chooses: so its choice has all of them before it. */
    place = (uint64_t)sys_process_map(self, memory, 0, PAGE, 0, PROT_READ_ONLY);
    CHECK(sys_process_unmap(self, place, PAGE) == STATUS_OK);
    map_all(0);
    one_by_one();
    map_all(PAGE);
    CHECK(sys_process_protect(self, place, 2ull * count * PAGE, PROT_READ_ONLY) == STATUS_OK);
    CHECK(sys_process_unmap(self, place, 2ull * count * PAGE) == STATUS_OK);
    return checks_finish("many");
}
