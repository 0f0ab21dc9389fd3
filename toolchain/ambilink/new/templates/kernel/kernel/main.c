/* @name@: prints on the first serial line. "ready" there passes a boot, "panic" fails it: os.toml. */
#include <stdint.h>

#define SERIAL 0x3f8

static void print_byte(char byte)
{
    __asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"((uint16_t)SERIAL));
}

static void print(const char *text)
{
    for (; *text; text++)
        print_byte(*text);
}

static void print_number(unsigned number)
{
    if (number >= 10)
        print_number(number / 10);
    print_byte((char)('0' + number % 10));
}

_Noreturn static void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

/* `start_info` is the physical address of Xen's struct hvm_start_info: memory map, modules, command line. */
_Noreturn void kernel_main(uint32_t start_info)
{
    print("@name@: 64-bit mode, start info at ");
    print_number(start_info);
    print(start_info ? "\n@name@: ready\n" : "\n@name@: panic: no boot loader was here\n");
    halt();
}
