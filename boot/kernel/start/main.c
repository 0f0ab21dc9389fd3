/* From the boot loader's hand-over to the first process. */
#include "base/bytes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/record.h"
#include "cpu.h"
#include "entry.h"
#include "image/image.h"
#include "layout.h"
#include "link/modules.h"
#include "memory/frames.h"
#include "memory/page_table.h"
#include "start/service.h"

#define START_INFO_MAGIC 0x336ec578 /* Xen's hvm_start_info, used by PVH */
#define MEMORY_RAM 1
#define LOW_MEMORY_END 0x100000
#define BOOT_MAPPED (1ull << 30)    /* what the entry code's page table reaches */
#define COMMAND_LINE_MAX 256

struct boot_start_info {
    uint32_t magic, version, flags, module_count;
    uint64_t modules, command_line, rsdp, memory_map;
    uint32_t memory_map_entries, reserved;
};

struct boot_memory_range {
    uint64_t start, size;
    uint32_t type, reserved;
};

extern char kernel_end[];

static char command_line[COMMAND_LINE_MAX];

static const void *boot_pointer(uint64_t physical, uint64_t size, const char *what)
{
    if (!physical || physical >= BOOT_MAPPED || size > BOOT_MAPPED - physical)
        panic("boot protocol: %s at %x is out of reach", what, physical);
    return physical_pointer(physical);
}

static void read_memory_map(const struct boot_start_info *info)
{
    const struct boot_memory_range *ranges =
        boot_pointer(info->memory_map, info->memory_map_entries * sizeof *ranges, "memory map");
    for (uint32_t i = 0; i < info->memory_map_entries; i++) {
        uint64_t start = ranges[i].start, end = start + ranges[i].size;
        if (ranges[i].type != MEMORY_RAM || end < start || end <= LOW_MEMORY_END)
            continue;
        frames_add_region(start < LOW_MEMORY_END ? LOW_MEMORY_END : start, end);
    }
}

static void read_command_line(const struct boot_start_info *info)
{
    if (!info->command_line)
        return;
    const char *text = boot_pointer(info->command_line, COMMAND_LINE_MAX, "command line");
    for (unsigned i = 0; i < COMMAND_LINE_MAX - 1 && text[i]; i++)
        command_line[i] = text[i];
}

/* The value of `seed=N` (decimal) on the command line; without one, what the machine offers. */
static uint64_t choose_seed(void)
{
    for (const char *at = command_line; *at; at++) {
        if (memory_compare(at, "seed=", 5) != 0 || (at > command_line && at[-1] != ' '))
            continue;
        uint64_t seed = 0;
        for (at += 5; *at >= '0' && *at <= '9'; at++)
            seed = seed * 10 + (uint64_t)(*at - '0');
        return seed;
    }
    return cpu_entropy() ^ clock_wall() / NANOSECONDS << 32;
}

void kernel_main(uint32_t start_info)
{
    const struct boot_start_info *info = boot_pointer(start_info, sizeof *info, "start info");
    if (info->magic != START_INFO_MAGIC || info->version < 1 || !info->memory_map)
        panic("boot protocol: PVH start info of version 1 or later is needed");
    kernel_record.magic = RECORD_MAGIC;
    cpu_init(trap_stubs, system_call_entry, kernel_stack_end);
    read_memory_map(info);
    read_command_line(info);
    frames_reserve(0, (uint64_t)kernel_end - KERNEL_BASE);
    if (image_place.size)
        frames_reserve(image_place.address, image_place.address + image_place.size);
    frames_ready();
    page_table_init();
    boot_image_open();
    clock_init();
    modules_load();
    random_init(choose_seed());
    services_start(command_line);
    frame_resume(schedule());
}
