/* Runs beside a program of the boot that ended with much memory: this one, with the argument "take". What others start gets
 * that, and all of it comes back; who merely uses up its own budget takes none of it. */
#include <protocol/loader.h>

#include "check.h"
#include "counts.h"

#define LEAST ((32 << 20) / AMBILINK_PAGE_SIZE) /* frames, of what the program had */

static bool run(const char *service)
{
    int64_t status = -1, process = loader_start(service);
    return process >= 0 && loader_wait((uint64_t)process, &status) == 0 && status == 0;
}

/* All that the budget has, mapped. */
static int take(void)
{
    handle_t self = sys_start_handle(START_HANDLE_SELF);
    for (uint64_t size = 1 << 20; size >= AMBILINK_PAGE_SIZE; size /= 2)
        for (int64_t more; (more = sys_memory_create(size)) > 0;)
            if (sys_process_map(self, (handle_t)more, 0, size, 0, PROT_READ_WRITE) < 0 || sys_handle_close((handle_t)more) < 0)
                break;
    return 0;
}

int main(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return take();
    struct machine_counts before = counts_settled();
    while (before.frames_used < LEAST) /* it runs, or has not begun */
        before = counts_settled();
    CHECK(run("small"));
    CHECK(counts_settled().frames_used > LEAST);
    CHECK(run("large"));
    CHECK(counts_settled().frames_used < before.frames_used - LEAST);
    for (int i = 0; i < 80; i++) /* the loader service's heap grows to what it needs at most */
        CHECK(run("small"));
    const struct machine_counts after = counts_settled();
    CHECK(run("large"));
    CHECK(counts_are(&after, "a program that needs what one of the boot had"));
    return checks_finish("given back");
}
