/* One serial line for all: what follows ESC [ name ] was written on that console, until the next such mark. */
#include "kernel.h"

static const char *last_console;

static void put(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        cpu_put(text[i]);
}

void log_text(const char *console, const char *text, size_t size)
{
    if (console != last_console) {
        put("\33[", 2);
        put(console, strlen(console));
        put("]", 1);
    }
    last_console = console;
    put(text, size);
}

void log_line(const char *text, const char *name, uint64_t value)
{
    static const char console[] = "kernel";
    for (; *text; text++)
        if (text[0] == '%' && text[1] == 's') {
            log_text(console, name, strlen(name));
            text++;
        } else {
            log_text(console, text, 1);
        }
    if (value) {
        char digits[19] = " 0x0000000000000000";
        for (unsigned i = 0; i < 16; i++)
            digits[18 - i] = "0123456789abcdef"[value >> 4 * i & 15];
        log_text(console, digits, sizeof digits);
    }
    log_text(console, "\n", 1);
}

void panic(const char *text, uint64_t value)
{
    log_line("fern: panic: %s", text, value);
    cpu_halt();
}
