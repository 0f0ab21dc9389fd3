/* What firmware leaves behind, and what is not there: kernels take both for granted. */
#include "checks.h"
#include "devices.h"

#define FEATURES 1 /* leaf of CPUID */
#define EDX_MTRR (1u << 12)
#define EDX_PAT (1u << 16)

#define MSR_RANGES 0xfe /* what there is */
#define MSR_FIXED_64K 0x250
#define MSR_FIXED_16K_LOW 0x258
#define MSR_FIXED_16K_HIGH 0x259 /* 0xa0000 to 0xbffff */
#define MSR_PAT 0x277
#define MSR_DEFAULT 0x2ff
#define HAS_FIXED (1u << 8)
#define RANGES_ON (1u << 11)
#define FIXED_ON (1u << 10)
#define WRITE_BACK 6
#define ALL_WRITE_BACK 0x0606060606060606
#define PAT_AT_RESET 0x0007040600070406

#define NO_PORT 0x1230
#define NOWHERE 0xb0000000 /* below the devices, above the memory that a check needs */

static void check_memory_types(void)
{
    struct leaf features = cpuid_leaf(FEATURES, 0);
    check("memory types: range registers and page attributes", features.edx & (EDX_MTRR | EDX_PAT), EDX_MTRR | EDX_PAT);
    check("memory types: fixed ranges", read_msr(MSR_RANGES) & HAS_FIXED, HAS_FIXED);
    check("memory types: they are on, memory is write-back", read_msr(MSR_DEFAULT), RANGES_ON | FIXED_ON | WRITE_BACK);
    check("memory types: the first 512 KiB", read_msr(MSR_FIXED_64K), ALL_WRITE_BACK);
    check("memory types: the next 128 KiB", read_msr(MSR_FIXED_16K_LOW), ALL_WRITE_BACK);
    check("memory types: video memory is not cached", read_msr(MSR_FIXED_16K_HIGH), 0);
    check("memory types: page attributes as after a reset", read_msr(MSR_PAT), PAT_AT_RESET);
}

/* A bus that nothing drives. */
static void check_nothing(void)
{
    check("no device: a port reads all ones", in8(NO_PORT), 0xff);
    check("no device: 16 bits", in16(NO_PORT), 0xffff);
    check("no device: 32 bits", in32(NO_PORT), 0xffffffff);
    out8(NO_PORT, 0);
    check("no device: what is written is lost", in8(NO_PORT), 0xff);
    if (check_is_tcg()) /* QEMU: 0 */
        return;
    volatile uint64_t *nowhere = physical_view(NOWHERE);
    check("no memory: an address reads all ones", *nowhere, ~0ull);
    check("no memory: a byte", *((volatile uint8_t *)nowhere + 3), 0xff);
    *nowhere = 0;
    check("no memory: what is written is lost", *nowhere, ~0ull);
}

void check_firmware(void)
{
    check_memory_types();
    check_nothing();
}
