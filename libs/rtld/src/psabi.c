/* Relocation numbers and thread-local layout, a table for each psABI. */
#include "psabi.h"

#include <rtld/elf.h>

/* System V ABI, AMD64 supplement 1.0, table 4.9. */
static const uint8_t x86_64[] = {
    [0] = RELOCATION_NONE,
    [1] = RELOCATION_ABSOLUTE,       /* R_X86_64_64 */
    [2] = RELOCATION_PC_32,          /* R_X86_64_PC32 */
    [5] = RELOCATION_COPY,           /* R_X86_64_COPY */
    [6] = RELOCATION_GLOB_DAT,           /* R_X86_64_GLOB_DAT */
    [7] = RELOCATION_JUMP_SLOT,           /* R_X86_64_JUMP_SLOT */
    [8] = RELOCATION_RELATIVE,       /* R_X86_64_RELATIVE */
    [10] = RELOCATION_ABSOLUTE_32,   /* R_X86_64_32 */
    [16] = RELOCATION_TLS_MODULE,    /* R_X86_64_DTPMOD64 */
    [17] = RELOCATION_TLS_OFFSET,    /* R_X86_64_DTPOFF64 */
    [18] = RELOCATION_TLS_POINTER,   /* R_X86_64_TPOFF64 */
    [24] = RELOCATION_PC_64,         /* R_X86_64_PC64 */
    [32] = RELOCATION_SIZE_32,       /* R_X86_64_SIZE32 */
    [33] = RELOCATION_SIZE_64,       /* R_X86_64_SIZE64 */
    [36] = RELOCATION_TLS_DESCRIPTOR, /* R_X86_64_TLSDESC */
    [37] = RELOCATION_IRELATIVE,      /* R_X86_64_IRELATIVE */
};

/* ELF for the Arm 64-bit Architecture, 5.7: static data relocations, then dynamic ones. */
static const uint8_t aarch64_none[] = {RELOCATION_NONE};
static const uint8_t aarch64[] = {
    [0] = RELOCATION_COPY,           /* R_AARCH64_COPY, 1024 */
    [1] = RELOCATION_GLOB_DAT,           /* R_AARCH64_GLOB_DAT */
    [2] = RELOCATION_JUMP_SLOT,           /* R_AARCH64_JUMP_SLOT */
    [3] = RELOCATION_RELATIVE,       /* R_AARCH64_RELATIVE */
    [4] = RELOCATION_TLS_MODULE,     /* R_AARCH64_TLS_DTPMOD */
    [5] = RELOCATION_TLS_OFFSET,     /* R_AARCH64_TLS_DTPREL */
    [6] = RELOCATION_TLS_POINTER,    /* R_AARCH64_TLS_TPREL */
    [7] = RELOCATION_TLS_DESCRIPTOR, /* R_AARCH64_TLSDESC */
    [8] = RELOCATION_IRELATIVE,       /* R_AARCH64_IRELATIVE */
};
static const uint8_t aarch64_data[] = {
    [0] = RELOCATION_ABSOLUTE,       /* R_AARCH64_ABS64, 257 */
    [1] = RELOCATION_ABSOLUTE_32,    /* R_AARCH64_ABS32 */
    [3] = RELOCATION_PC_64,          /* R_AARCH64_PREL64 */
    [4] = RELOCATION_PC_32,          /* R_AARCH64_PREL32 */
};

/* RISC-V ELF psABI 1.0, table "Relocation types". */
static const uint8_t riscv64[] = {
    [0] = RELOCATION_NONE,
    [1] = RELOCATION_ABSOLUTE_32,    /* R_RISCV_32 */
    [2] = RELOCATION_ABSOLUTE,       /* R_RISCV_64 */
    [3] = RELOCATION_RELATIVE,       /* R_RISCV_RELATIVE */
    [4] = RELOCATION_COPY,           /* R_RISCV_COPY */
    [5] = RELOCATION_JUMP_SLOT,           /* R_RISCV_JUMP_SLOT */
    [7] = RELOCATION_TLS_MODULE,     /* R_RISCV_TLS_DTPMOD64 */
    [9] = RELOCATION_TLS_OFFSET,     /* R_RISCV_TLS_DTPREL64 */
    [11] = RELOCATION_TLS_POINTER,   /* R_RISCV_TLS_TPREL64 */
    [12] = RELOCATION_TLS_DESCRIPTOR, /* R_RISCV_TLSDESC */
    [58] = RELOCATION_IRELATIVE,      /* R_RISCV_IRELATIVE */
};

#define RANGE(first, kinds) {first, sizeof kinds, kinds}

static const struct psabi psabis[] = {
    {.machine = EM_X86_64, .lazy_slots = true, .relative = 8, .ranges = {RANGE(0, x86_64)}},
    {.machine = EM_AARCH64, .tls_above = true, .tls_gap = 16, .slot_addend = true, .relative = 1027,
     .ranges = {RANGE(1024, aarch64), RANGE(257, aarch64_data), RANGE(0, aarch64_none)}},
    {.machine = EM_RISCV, .tls_above = true, .tls_bias = 0x800, .relative = 3, .ranges = {RANGE(0, riscv64)}},
};

const struct psabi *psabi_find(uint16_t machine)
{
    for (size_t i = 0; i < sizeof psabis / sizeof *psabis; i++)
        if (psabis[i].machine == machine)
            return &psabis[i];
    return NULL;
}

enum relocation_kind psabi_rare_relocation(const struct psabi *psabi, uint32_t type)
{
    for (size_t i = 0; i < sizeof psabi->ranges / sizeof *psabi->ranges; i++)
        if (type - psabi->ranges[i].first < psabi->ranges[i].count)
            return psabi->ranges[i].kinds[type - psabi->ranges[i].first];
    return RELOCATION_UNKNOWN;
}
