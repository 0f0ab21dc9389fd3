/* Relative relocations of the object that includes this, before anything of it may be called or read that needs one:
 * one inline function that works on the stack alone. */
#ifndef RTLD_SELF_H
#define RTLD_SELF_H
#include <rtld/elf.h>
#include <stddef.h>
#include <stdint.h>

/* They have this number on each machine. */
#if defined(__x86_64__)
#define R_RELATIVE 8
#elif defined(__aarch64__)
#define R_RELATIVE 1027
#elif defined(__riscv)
#define R_RELATIVE 3
#endif

__attribute__((always_inline)) static inline void relocate_self(uint64_t base, const struct elf_dynamic *dynamic)
{
    uint64_t rela = 0, rela_size = 0, relr = 0, relr_size = 0;
    for (; dynamic->d_tag != DT_NULL; dynamic++)
        switch (dynamic->d_tag) {
        case DT_RELA:
            rela = base + dynamic->d_value;
            break;
        case DT_RELASZ:
            rela_size = dynamic->d_value;
            break;
        case DT_RELR:
            relr = base + dynamic->d_value;
            break;
        case DT_RELRSZ:
            relr_size = dynamic->d_value;
            break;
        }
    for (uint64_t at = rela; at < rela + rela_size; at += sizeof(struct elf_rela)) {
        const struct elf_rela *entry = (const struct elf_rela *)at;
        if ((uint32_t)entry->r_info == R_RELATIVE)
            *(uint64_t *)(base + entry->r_offset) = base + (uint64_t)entry->r_addend;
    }
    /* RELR: an even word is an address, an odd one a bitmap of the 63 words that follow (gABI draft). */
    uint64_t *where = NULL;
    for (uint64_t at = relr; at < relr + relr_size; at += sizeof(uint64_t)) {
        uint64_t word = *(const uint64_t *)at;
        if (!(word & 1)) {
            where = (uint64_t *)(base + word);
            *where++ += base;
            continue;
        }
        for (unsigned bit = 0; word >>= 1; bit++)
            if (word & 1)
                where[bit] += base;
        where += 63;
    }
}
#endif
