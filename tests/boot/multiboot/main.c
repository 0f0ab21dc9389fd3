/* A multiboot kernel that prints what it was handed, without addresses, so that boot loaders can be compared. It says
 * nothing to any port but the serial line, and never ends the machine. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT 0x3f8
#define MAGIC2 0x36d76289
#define MAGIC1 0x2badb002
#define PAGE_SIZE 4096

struct tag {
    uint32_t type, size;
    uint32_t fields[];
};

struct section {
    uint32_t name, type;
    uint64_t flags, address, offset, size;
    uint32_t link, info;
    uint64_t align, entry_size;
};

static inline void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void print(const char *text)
{
    for (; *text; text++) {
        while (!(in8(PORT + 5) & 0x20))
            ;
        out8(PORT, (uint8_t)*text);
    }
}

static void print_number(const char *before, uint64_t value)
{
    char digits[21];
    char *at = digits + sizeof digits - 1;
    *at = 0;
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    print(before);
    print(at);
}

static void print_module(uint32_t start, uint32_t end, const char *text)
{
    uint64_t sum = 0;
    for (uint32_t at = start; at < end; at++)
        sum = sum * 31 + *(const uint8_t *)(uintptr_t)at;
    print("module '");
    print(text);
    print_number("' bytes ", end - start);
    print_number(" sum ", sum);
    print(start % PAGE_SIZE ? " unaligned\n" : " aligned\n");
}

static void print_range(uint64_t start, uint64_t size, uint32_t type)
{
    if (start == 0x100000 && type == 1)
        print_number("memory map: MiB at 1 MiB: ", (size + (1 << 20)) >> 20), print("\n");
}

static bool same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

static bool is_to_spin;

static void print_command_line(const char *text)
{
    print("command line '");
    print(text);
    print("'\n");
    is_to_spin = same(text, "spin");
}

static __attribute__((noinline)) void spin(void)
{
    for (;;)
        __asm__ volatile("pause");
}

/* Whether the section headers lead to this kernel's own symbols. */
static bool finds_main(const struct section *sections, uint32_t count);

static const struct tag *next_tag(const struct tag *tag)
{
    return (const struct tag *)((const uint8_t *)tag + ((tag->size + 7) & ~7u));
}

static void print_tag(const struct tag *tag)
{
    const char *bytes = (const char *)tag->fields;
    switch (tag->type) {
    case 1:
        print_command_line(bytes);
        break;
    case 2:
        print("has the boot loader's name\n");
        break;
    case 3:
        print_module(tag->fields[0], tag->fields[1], bytes + 8);
        break;
    case 4:
        print_number("memory below: ", tag->fields[0] > 500 && tag->fields[0] <= 640);
        print_number(", above: MiB ", (tag->fields[1] >> 10) + 1);
        print("\n");
        break;
    case 6:
        for (uint32_t at = 16; at + 24 <= tag->size; at += tag->fields[0]) {
            const uint64_t *range = (const uint64_t *)((const uint8_t *)tag + at);
            print_range(range[0], range[1], (uint32_t)range[2]);
        }
        break;
    case 9:
        print_number("sections ", tag->fields[0]);
        print(finds_main((const struct section *)&tag->fields[3], tag->fields[0]) ? ", symbols\n" : ", no symbols\n");
        break;
    case 14:
    case 15:
        print("acpi: ");
        for (unsigned i = 0; i < 7; i++)
            print((char[]){bytes[i], 0});
        print("\n");
        break;
    case 21:
        print("load base\n");
        break;
    }
}

static void print_information2(const uint32_t *information)
{
    const struct tag *first = (const struct tag *)(information + 2);
    const struct tag *end = (const struct tag *)((const uint8_t *)information + information[0]);
    /* Boot loaders order the tags as they like, but for modules. */
    for (uint32_t type = 1; type <= 21; type++)
        for (const struct tag *tag = first; tag->type; tag = next_tag(tag))
            if (tag->type == type)
                print_tag(tag);
    const struct tag *last = first;
    while (last->type)
        last = next_tag(last);
    print(next_tag(last) == end && last->size == 8 ? "end\n" : "the size is wrong\n");
}

static void print_information1(const uint32_t *information)
{
    uint32_t flags = information[0];
    if (flags & 4) {
        print_command_line((const char *)(uintptr_t)information[4]);
    }
    if (flags & 8)
        for (uint32_t i = 0; i < information[5]; i++) {
            const uint32_t *module = (const uint32_t *)(uintptr_t)information[6] + 4 * i;
            print_module(module[0], module[1], (const char *)(uintptr_t)module[2]);
        }
    if (flags & 1) {
        print_number("memory below: ", information[1] > 500 && information[1] <= 640);
        print_number(", above: MiB ", (information[2] >> 10) + 1);
        print("\n");
    }
    if (flags & 64)
        for (const uint8_t *at = (const uint8_t *)(uintptr_t)information[12], *end = at + information[11]; at < end;
             at += *(const uint32_t *)at + 4) {
            const uint32_t *range = (const uint32_t *)at;
            print_range(range[1] | (uint64_t)range[2] << 32, range[3] | (uint64_t)range[4] << 32, range[5]);
        }
    if (flags & 32) {
        print_number("sections ", information[7]);
        print(finds_main((const struct section *)(uintptr_t)information[9], information[7]) ? ", symbols\n" : ", no symbols\n");
    }
    print("end\n");
}

void main(uint32_t magic, uint32_t information)
{
    const uint32_t *at = (const uint32_t *)(uintptr_t)information;
    out8(PORT + 3, 3); /* 8 bits; a UART starts with 5 */
    print("multiboot kernel\n");
    if (magic == MAGIC2)
        print_information2(at);
    else if (magic == MAGIC1)
        print_information1(at);
    else
        print("PANIC: no multiboot loader\n");
    print("all was printed\n");
    if (is_to_spin)
        spin();
}

struct symbol {
    uint32_t name;
    uint8_t info, other;
    uint16_t section;
    uint64_t value, size;
};

static bool finds_main(const struct section *sections, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (sections[i].type != 2 || sections[i].link >= count)
            continue;
        const char *names = (const char *)sections[sections[i].link].address;
        const struct symbol *symbols = (const struct symbol *)sections[i].address;
        for (uint64_t n = 0; n < sections[i].size / sizeof *symbols; n++)
            if (same(names + symbols[n].name, "main") && symbols[n].value == (uintptr_t)main)
                return true;
    }
    return false;
}
