/* The kernel's log goes to a driver, once there is one. */
#include "base/log.h"

#include <ambilink/abi.h>
#include <stdarg.h>

#include "cpu.h"

#define EARLY_SIZE 16384

static void (*sink)(char c);
static char early[EARLY_SIZE]; /* until a driver takes it */
static size_t early_size;

static void put_raw(char c)
{
    if (sink)
        sink(c);
    else if (early_size < sizeof early)
        early[early_size++] = c;
}

void log_sink_set(void (*put)(char c))
{
    sink = put;
    for (size_t i = 0; i < early_size; i++)
        put_raw(early[i]);
    early_size = 0;
}

static void put(char c)
{
    if (c == '\n')
        put_raw('\r');
    put_raw(c);
}

void log_text(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        put(text[i]);
}

static void put_number(uint64_t value, unsigned base)
{
    char digits[20];
    unsigned count = 0;
    do
        digits[count++] = "0123456789abcdef"[value % base];
    while (value /= base);
    while (count)
        put(digits[--count]);
}

static void format_arguments(const char *format, va_list arguments)
{
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        switch (*++format) {
        case 's':
            for (const char *text = va_arg(arguments, const char *); *text; text++)
                put(*text);
            break;
        case 'd': {
            int64_t value = va_arg(arguments, int64_t);
            if (value < 0)
                put('-');
            put_number(value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
            break;
        }
        case 'u':
            put_number(va_arg(arguments, uint64_t), 10);
            break;
        case 'x':
            put('0');
            put('x');
            put_number(va_arg(arguments, uint64_t), 16);
            break;
        case 'c':
            put((char)va_arg(arguments, int));
            break;
        default:
            put(*format);
        }
    }
}

void log_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    format_arguments(format, arguments);
    va_end(arguments);
}

static _Noreturn void end(uint8_t verdict)
{
    if (!sink)
        log_sink_set(last_words_put);
    machine_exit(verdict);
}

void machine_end(uint8_t verdict)
{
    if (machine_ends)
        machine_ends();
    end(verdict);
}

void panic(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_format("kernel: panic: ");
    format_arguments(format, arguments);
    va_end(arguments);
    put('\n');
    end(VERDICT_FAIL);
}
