/* From the boot loader's hand-over to the first process. */
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/record.h"
#include "cpu.h"
#include "entry.h"
#include "image/image.h"
#include "image/self.h"
#include "layout.h"
#include "link/modules.h"
#include "memory/frames.h"
#include "memory/page_table.h"
#include "process/leave.h"
#include "start/handover.h"
#include "start/service.h"

extern char kernel_end[];

static struct handover handover;
static uint32_t kernel_sum;

/* The value of `seed=N` (decimal) on the command line. False: there is none. */
static bool find_seed(uint64_t *seed)
{
    for (const char *at = handover.command_line; *at; at++) {
        if (memory_compare(at, "seed=", 5) != 0 || (at > handover.command_line && at[-1] != ' '))
            continue;
        *seed = 0;
        for (at += 5; *at >= '0' && *at <= '9'; at++)
            *seed = *seed * 10 + (uint64_t)(*at - '0');
        return true;
    }
    return false;
}

/* The seed, or what the machine has that cannot be guessed. */
static void init_random(void)
{
    uint64_t number;
    if (find_seed(&number)) {
        random_init(number);
        return;
    }
    const bool is_random = cpu_entropy(&number);
    random_init(number);
    cpu_entropy(&number);
    random_stir(number);
    if (!is_random)
        log_format("kernel: the processor gives no random numbers: where things lie can be guessed\n");
}

uint64_t kernel_place(uint32_t information, uint32_t magic)
{
    kernel_sum = kernel_sum_as_loaded(); /* before anything else is written */
    kernel_record.magic = RECORD_MAGIC;
    cpu_init(trap_stubs, system_call_entry, kernel_stack_end);
    handover_read(&handover, information, magic);
    if (!image_place.size)
        image_place = (struct image_place){handover.archive, handover.archive_size};
    frames_reserve(0, (uint64_t)kernel_end);
    if (image_place.size)
        frames_reserve(image_place.address, image_place.address + image_place.size);
    frames_ready();
    init_random();
    return page_table_init(image_place.address, image_place.address + image_place.size);
}

void kernel_main(void)
{
    page_table_enter();
    cpu_init(trap_stubs, system_call_entry, kernel_stack_end);
    boot_image_open(kernel_sum);
    clock_init();
    modules_load();
    uint64_t number;
    if (!find_seed(&number)) {
        cpu_entropy(&number);
        random_stir(number ^ clock_wall()); /* a module brought the wall clock */
    }
    services_start(handover.command_line);
    boot_image_compare_kernel(kernel_sum);
    frame_resume(kernel_leave());
}
