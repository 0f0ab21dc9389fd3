/* What a relocation asks for, whatever its number in a psABI; thread-local layout. */
#ifndef RTLD_PSABI_H
#define RTLD_PSABI_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum relocation_kind {
    RELOCATION_UNKNOWN,
    RELOCATION_NONE,
    RELOCATION_RELATIVE,     /* bias + addend */
    RELOCATION_IRELATIVE,    /* what the function at bias + addend returns */
    RELOCATION_COPY,         /* the symbol's initial bytes; bound when all others are */
    /* From here on a symbol is bound; the first three are slots of 64 bits for its address. */
    RELOCATION_ABSOLUTE,     /* symbol + addend */
    RELOCATION_GLOB_DAT,     /* symbol: GOT entries */
    RELOCATION_JUMP_SLOT,    /* symbol: GOT entries that are only called through */
    RELOCATION_ABSOLUTE_32,  /* symbol + addend in 32 bits, zero-extended */
    RELOCATION_PC_32,        /* symbol + addend - place, in 32 bits, signed */
    RELOCATION_PC_64,
    RELOCATION_SIZE_32,      /* st_size + addend */
    RELOCATION_SIZE_64,
    RELOCATION_TLS_MODULE,   /* module id of the symbol */
    RELOCATION_TLS_OFFSET,   /* symbol + addend within its module's block */
    RELOCATION_TLS_POINTER,  /* distance of symbol + addend from the thread pointer */
    RELOCATION_TLS_DESCRIPTOR,
};

/* Whether the address is only called through, or is none: then a program's PLT entry is no answer. */
static inline bool relocation_is_call(enum relocation_kind kind)
{
    return kind == RELOCATION_JUMP_SLOT || kind >= RELOCATION_TLS_MODULE;
}

struct psabi {
    uint16_t machine;        /* e_machine */
    bool tls_above;          /* variant I: blocks lie above the thread pointer */
    uint16_t tls_gap;        /* bytes between the pointer and the first block */
    uint16_t tls_bias;       /* subtracted from offsets within a block */
    bool slot_addend;        /* GOT entries add their addend */
    bool lazy_slots;         /* a PLT entry pushes its number, and words 1 and 2 of the PLT's GOT lead on */
    uint16_t relative;       /* the number of RELOCATION_RELATIVE */
    struct relocation_range {
        uint32_t first, count;
        const uint8_t *kinds;
    } ranges[3];             /* most relocations are of the first one */
};

/* NULL when this build does not know the machine. */
const struct psabi *psabi_find(uint16_t machine);
/* Of a relocation outside of the first range. */
enum relocation_kind psabi_rare_relocation(const struct psabi *psabi, uint32_t type);

static inline enum relocation_kind psabi_relocation(const struct psabi *psabi, uint32_t type)
{
    const struct relocation_range *first = &psabi->ranges[0];
    return type - first->first < first->count ? first->kinds[type - first->first] : psabi_rare_relocation(psabi, type);
}
#endif
