/* A kernel that stops in the way which its command line asks for: tests/boot/test_stops.py. It has symbols, lines and
 * frame pointers, as any kernel may have. */
#include <stddef.h>
#include <stdint.h>

#define PORT 0x3f8
#define NOWHERE 0xb0000000ull /* physical, identity-mapped, without memory or a device */
#define COMMAND_LINE 1        /* type of a tag of multiboot2 */

struct tag {
    uint32_t type, size;
    char text[];
};

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void print(const char *text)
{
    for (; *text; text++)
        out8(PORT, (uint8_t)*text);
}

__attribute__((noinline)) static void read_nowhere(void)
{
    (void)*(volatile uint64_t *)NOWHERE;
}

__attribute__((noinline)) static void write_nowhere(void)
{
    *(volatile uint32_t *)(NOWHERE + 0x10) = 1;
}

__attribute__((noinline)) static void call_nowhere(void)
{
    ((void (*)(void))(NOWHERE + 0x20))();
    __asm__ volatile("" : : : "memory"); /* a call, not a jump */
}

/* AVX, which the bundled emulator does not have. There is no table of interrupts. */
__attribute__((noinline)) static void use_avx(void)
{
    __asm__ volatile("vmovaps %ymm1, %ymm0");
}

__attribute__((noinline)) static void write_unmapped(void)
{
    *(volatile uint32_t *)0x7000001234ull = 1;
}

__attribute__((noinline)) static void halt(void)
{
    __asm__ volatile("cli; hlt");
}

__attribute__((noinline)) static void spin(void)
{
    for (;;)
        __asm__ volatile("pause");
}

/* The processor goes on with what it still has of the tables. */
__attribute__((noinline)) static void write_over_tables(void)
{
    uint64_t table;
    __asm__ volatile("mov %%cr3, %0" : "=r"(table));
    for (uint64_t at = table; at < table + 4096; at++)
        *(volatile char *)at = 0x55;
    __asm__ volatile("mov %0, %%cr3" : : "r"(table) : "memory");
}

/* Any value into any port but those that end or reset the machine, and the serial line. */
__attribute__((noinline)) static void write_ports(void)
{
    uint32_t random = 1;
    for (int count = 0; count < 200000; count++) {
        random = random * 1664525 + 1013904223;
        uint16_t port = (uint16_t)(random >> 16) & 0x3ff;
        if (port != 0xf4 && port != 0x92 && (port & ~7) != 0x60 && (port & ~7) != PORT)
            out8(port, (uint8_t)(random >> 8));
    }
    print("ports were written\n");
    halt();
}

static const struct {
    const char *name;
    void (*run)(void);
} stops[] = {
    {"read", read_nowhere},   {"write", write_nowhere},    {"call", call_nowhere}, {"avx", use_avx},
    {"fault", write_unmapped}, {"halt", halt},             {"spin", spin},         {"tables", write_over_tables},
    {"ports", write_ports},
};

static int ends_with(const char *text, const char *end)
{
    const char *last = text;
    for (; *text; text++)
        if (*text == ' ')
            last = text + 1;
    while (*last && *last == *end)
        last++, end++;
    return *last == *end;
}

__attribute__((noinline)) static void stop_by(const char *words)
{
    for (size_t at = 0; at < sizeof stops / sizeof *stops; at++)
        if (ends_with(words, stops[at].name))
            stops[at].run();
}

void main(uint32_t magic, const char *information)
{
    (void)magic;
    print("stops\n");
    uint32_t size = *(const uint32_t *)information;
    for (uint32_t at = 8; at + 8 <= size;) {
        const struct tag *tag = (const void *)(information + at);
        if (tag->type == COMMAND_LINE)
            stop_by(tag->text);
        at += (tag->size + 7) & ~7u;
    }
}
