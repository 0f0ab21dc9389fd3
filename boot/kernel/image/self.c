#include "image/self.h"

#include <digest/checksum.h>

/* In .data although it is zero: the packer writes where the archive lies. */
struct image_place image_place __attribute__((section(".data.place")));

/* Of the linker script: what each segment has in the file. */
extern const char boot_start[], boot_end[], boot_data_start[], boot_data_end[];
extern const char kernel_text_start[], kernel_signing_start[], kernel_signing_end[], kernel_text_end[];
extern const char kernel_rodata_start[], kernel_rodata_end[], kernel_data_start[], kernel_data_end[];

uint32_t kernel_sum_as_loaded(void)
{
    const char *const place = (const char *)&image_place, *const place_end = place + sizeof image_place;
    const struct {
        const char *start, *end;
    } parts[] = {
        {boot_start, boot_end},
        {boot_data_start, boot_data_end},
        {kernel_text_start, kernel_signing_start},
        {kernel_signing_end, kernel_text_end},
        {kernel_rodata_start, kernel_rodata_end},
        {kernel_data_start, place},
        {place_end, kernel_data_end},
    };
    uint32_t sum = 0;
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++)
        sum = checksum(parts[i].start, (uint64_t)(parts[i].end - parts[i].start), sum);
    return sum;
}

uint32_t kernel_sum_of_signing(void)
{
    return checksum(kernel_signing_start, (uint64_t)(kernel_signing_end - kernel_signing_start), 0);
}
