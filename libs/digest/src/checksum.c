#include <digest/checksum.h>
#include <stdbool.h>

#define POLYNOMIAL 0x82f63b78 /* reflected */
#define WORD 8
#define LINE (8 * WORD)
#define BLOCK (8 * LINE)
#define BLOCKS 4 /* in one go: a loop's own steps count */

#if defined(__x86_64__)
#define CPUID_1_ECX_SSE42 (1u << 20)

static bool has_instruction(void)
{
    static enum { UNKNOWN, ABSENT, PRESENT } known;
    if (known == UNKNOWN) {
        uint32_t a = 1, b, c = 0, d;
        __asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
        known = c & CPUID_1_ECX_SSE42 ? PRESENT : ABSENT;
    }
    return known == PRESENT;
}

static inline uint64_t take_word(uint64_t crc, const uint8_t *at)
{
    __asm__("crc32q %1, %0" : "+r"(crc) : "m"(*(const uint64_t(*)[1])at));
    return crc;
}

static inline uint64_t take_byte(uint64_t crc, const uint8_t *at)
{
    __asm__("crc32b %1, %0" : "+r"(crc) : "m"(*at));
    return crc;
}
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>

static bool has_instruction(void)
{
    return true;
}

static inline uint64_t take_word(uint64_t crc, const uint8_t *at)
{
    uint64_t word;
    __builtin_memcpy(&word, at, WORD);
    return __crc32cd((uint32_t)crc, word);
}

static inline uint64_t take_byte(uint64_t crc, const uint8_t *at)
{
    return __crc32cb((uint32_t)crc, *at);
}
#else
static bool has_instruction(void)
{
    return false;
}

static inline uint64_t take_word(uint64_t crc, const uint8_t *at)
{
    (void)at;
    return crc;
}

static inline uint64_t take_byte(uint64_t crc, const uint8_t *at)
{
    (void)at;
    return crc;
}
#endif

static inline uint64_t take_line(uint64_t crc, const uint8_t *at)
{
    crc = take_word(take_word(crc, at), at + WORD);
    crc = take_word(take_word(crc, at + 2 * WORD), at + 3 * WORD);
    crc = take_word(take_word(crc, at + 4 * WORD), at + 5 * WORD);
    return take_word(take_word(crc, at + 6 * WORD), at + 7 * WORD);
}

static inline __attribute__((always_inline)) uint64_t take_block(uint64_t crc, const uint8_t *at)
{
    crc = take_line(take_line(crc, at), at + LINE);
    crc = take_line(take_line(crc, at + 2 * LINE), at + 3 * LINE);
    crc = take_line(take_line(crc, at + 4 * LINE), at + 5 * LINE);
    return take_line(take_line(crc, at + 6 * LINE), at + 7 * LINE);
}

static uint64_t by_instruction(uint64_t crc, const uint8_t *at, size_t size)
{
    for (; size >= BLOCKS * BLOCK; size -= BLOCKS * BLOCK, at += BLOCKS * BLOCK) {
        crc = take_block(take_block(crc, at), at + BLOCK);
        crc = take_block(take_block(crc, at + 2 * BLOCK), at + 3 * BLOCK);
    }
    for (; size >= LINE; size -= LINE, at += LINE)
        crc = take_line(crc, at);
    for (; size >= WORD; size -= WORD, at += WORD)
        crc = take_word(crc, at);
    while (size--)
        crc = take_byte(crc, at++);
    return crc;
}

#ifdef CHECKSUM_SHOWS_ALL
#define TESTED /* a test asks this one by itself */
#else
#define TESTED static
#endif

TESTED uint64_t checksum_by_table(uint64_t crc, const uint8_t *at, size_t size)
{
    static uint32_t table[256];
    for (unsigned byte = 0; !table[1] && byte < 256; byte++) {
        /* From the last entry on: the first ones are there when it is complete. */
        uint32_t value = 255 - byte;
        for (unsigned bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? POLYNOMIAL : 0);
        table[255 - byte] = value;
    }
    while (size--)
        crc = table[(uint8_t)crc ^ *at++] ^ crc >> 8;
    return crc;
}

uint32_t checksum(const void *data, size_t size, uint32_t before)
{
    uint64_t crc = (uint32_t)~before;
    crc = has_instruction() ? by_instruction(crc, data, size) : checksum_by_table(crc, data, size);
    return ~(uint32_t)crc;
}
