#include <stdarg.h>

#include "internal.h"

#define LINE_MAX 256

struct line { char text[LINE_MAX]; size_t size; };

static void put(struct line *line, const char *text, size_t size)
{
    for (size_t i = 0; i < size && line->size < LINE_MAX; i++)
        line->text[line->size++] = text[i];
}

static void put_number(struct line *line, uint64_t value, unsigned base)
{
    char digits[20];
    unsigned at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    put(line, digits + at, sizeof digits - at);
}

void print(const char *format, ...)
{
    struct line line = {.size = 0};
    va_list arguments;
    va_start(arguments, format);
    for (; *format; format++) {
        if (*format != '%') {
            put(&line, format, 1);
            continue;
        }
        const char *text;
        int number;
        switch (*++format) {
        case 's':
            text = va_arg(arguments, const char *);
            put(&line, text, strlen(text));
            break;
        case 'd':
            number = va_arg(arguments, int);
            if (number < 0)
                put(&line, "-", 1);
            put_number(&line, number < 0 ? -(uint64_t)number : (uint64_t)number, 10);
            break;
        default:
            put_number(&line, va_arg(arguments, unsigned), 16);
        }
    }
    va_end(arguments);
    fern_call(FERN_WRITE, (uint64_t)line.text, line.size, 0, 0);
}
