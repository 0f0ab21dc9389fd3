/* Relocation numbers, a table for each machine. */
#include "internal.h"

struct relocation_number {
    uint32_t type;
    enum relocation_kind kind;
};

/* System V ABI, AMD64 supplement, table 4.9. */
static const struct relocation_number x86_64[] = {
    {0, RELOCATION_NONE},
    {1, RELOCATION_ABSOLUTE},     /* R_X86_64_64 */
    {6, RELOCATION_SLOT},         /* R_X86_64_GLOB_DAT */
    {7, RELOCATION_SLOT},         /* R_X86_64_JUMP_SLOT */
    {8, RELOCATION_RELATIVE},     /* R_X86_64_RELATIVE */
    {16, RELOCATION_TLS_MODULE},  /* R_X86_64_DTPMOD64 */
    {17, RELOCATION_TLS_OFFSET},  /* R_X86_64_DTPOFF64 */
    {18, RELOCATION_TLS_POINTER}, /* R_X86_64_TPOFF64 */
};

bool machine_known(uint16_t machine)
{
    return machine == EM_X86_64;
}

enum relocation_kind machine_relocation(uint16_t machine, uint32_t type)
{
    if (machine == EM_X86_64)
        for (size_t i = 0; i < sizeof x86_64 / sizeof *x86_64; i++)
            if (x86_64[i].type == type)
                return x86_64[i].kind;
    return RELOCATION_UNKNOWN;
}
