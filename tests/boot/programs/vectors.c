/* Exits with 0 when its vector registers and its x87 unit outlive page faults at which the kernel compares pages of the image. */
#include <stdint.h>
#include <string.h>

#define PAGE 4096
#define PAGES 8
#define REGISTERS 16

struct registers {
    uint8_t vector[REGISTERS][16];
    uint64_t top; /* of the x87 unit's stack */
};

/* Pages of constants that nothing has used when main begins; each has something to hash, the first more than others. */
#define FILLED(number) {[0] = number, [100 * number] = 1}
static const volatile uint8_t pages[PAGES][PAGE] __attribute__((aligned(PAGE))) = {
    {[0] = 1, [PAGE - 1] = 9}, FILLED(2), FILLED(3), FILLED(4), FILLED(5), FILLED(6), FILLED(7), FILLED(8),
};

static uint8_t touch(const volatile uint8_t *page, const struct registers *before, struct registers *after)
{
    uint8_t value;
    __asm__ volatile(
        ".set at, 0\n\t.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
        "movups at(%[before]), %%xmm\\n\n\t.set at, at + 16\n\t.endr\n\t"
        "fildll 256(%[before])\n\t"
        "movb (%[page]), %[value]\n\t"
        "fistpll 256(%[after])\n\t"
        ".set at, 0\n\t.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
        "movups %%xmm\\n, at(%[after])\n\t.set at, at + 16\n\t.endr"
        : [value] "=&q"(value)
        : [page] "r"(page), [before] "r"(before), [after] "r"(after)
        : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
          "xmm12", "xmm13", "xmm14", "xmm15", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)");
    return value;
}

int main(void)
{
    struct registers before, after;
    for (unsigned page = 0; page < PAGES; page++) {
        memset(&after, 0, sizeof after);
        for (unsigned i = 0; i < sizeof before; i++)
            ((uint8_t *)&before)[i] = (uint8_t)(i * 7 + page + 1);
        if (touch(pages[page], &before, &after) != page + 1)
            return 1;
        if (memcmp(&before, &after, sizeof before) != 0)
            return 2;
    }
    return 0;
}
