/* Changes the list of SYS_PROCESS_MAP_ALL while the kernel maps it in steps: a second thread, which the timer lets in between
 * them, replaces the memory and the size. What is mapped then is what the list said when the kernel came to it, as a whole,
 * and nothing more: else page tables for what lies behind the small memory use up the budget, and the test looks for that
 * line. */
#include <stdbool.h>
#include <system/call.h>
#include <system/start.h>

#include "check.h"

#define PAGE AMBILINK_PAGE_SIZE
#define PLACE 0x30000000000
#define STEP (8 << 20) /* bytes that an entry into the kernel maps at most */
#define LARGE (4ull * STEP)
#define ROUNDS 1000
#define ENOUGH 3 /* calls that were changed on their way */

static handle_t self, large, small;
static volatile struct map_request list;
static volatile bool ends;
static volatile unsigned changes;
static char stack[16384] __attribute__((aligned(16)));

static void change(void)
{
    for (; !ends; changes++) {
        list.size = PAGE;
        list.memory = small;
    }
    sys_thread_exit();
}

int main(void)
{
    self = sys_start_handle(START_HANDLE_SELF);
    large = (handle_t)sys_memory_create(LARGE);
    small = (handle_t)sys_memory_create(PAGE);
    list.address = PLACE;
    list.prot = PROT_READ_WRITE;
    handle_t thread = (handle_t)sys_thread_create(self, (uint64_t)change, (uint64_t)(stack + sizeof stack - 8), 0);
    unsigned on_its_way = 0;
    unsigned round = 0;
    for (; round < ROUNDS && on_its_way < ENOUGH; round++) {
        for (volatile unsigned i = 0; i < round * 97 % 1000; i++) /* so that ticks come at other points of it */
            ;
        list.memory = large;
        list.size = LARGE;
        CHECK(sys_process_map_all(self, (const struct map_request *)&list, 1) == 1);
        const bool is_whole = sys_process_protect(self, PLACE, LARGE, PROT_READ_ONLY) == STATUS_OK;
        on_its_way += is_whole && list.size != LARGE;
        CHECK(is_whole || sys_process_protect(self, PLACE + PAGE, PAGE, PROT_READ_ONLY) == STATUS_OVERLAP);
        CHECK(!*(const volatile char *)(is_whole ? PLACE + LARGE - PAGE : PLACE));
        CHECK(sys_process_unmap(self, PLACE, LARGE) == STATUS_OK);
    }
    ends = true;
    CHECK(on_its_way && changes);
    printf("%u of %u calls were changed on their way\n", on_its_way, round);
    CHECK(sys_handle_close(thread) == STATUS_OK && sys_handle_close(large) == STATUS_OK && sys_handle_close(small) == STATUS_OK);
    return checks_finish("steps");
}
