#include "log.h"

#include <stdarg.h>
#include <string.h>

#define LINE_MAX 1024

struct line {
    char text[LINE_MAX];
    uint64_t size;
};

static void put(struct line *line, const char *text, uint64_t size)
{
    uint64_t room = sizeof line->text - 1 - line->size; /* a line end always fits */
    bool is_cut = size > room;
    size = is_cut ? room : size;
    memcpy(line->text + line->size, text, size);
    line->size += size;
    if (is_cut)
        memcpy(line->text + line->size - 3, "...", 3);
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

static void put_signed(struct line *line, int64_t value)
{
    if (value < 0)
        put(line, "-", 1);
    put_number(line, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

/* One conversion; where the format goes on behind it. */
static const char *put_argument(struct line *line, const char *conversion, va_list *arguments)
{
    static const char wide[] = "ll", size[] = "z";
    bool is_wide = strncmp(conversion, wide, sizeof wide - 1) == 0, is_size = *conversion == *size;
    conversion += is_wide ? sizeof wide - 1 : is_size ? sizeof size - 1 : 0;
    if (*conversion == 's') {
        const char *text = va_arg(*arguments, const char *);
        put(line, text, strlen(text));
    } else if (*conversion == 'd') {
        put_signed(line, is_wide ? va_arg(*arguments, long long) : va_arg(*arguments, int));
    } else {
        uint64_t value = is_wide || is_size ? va_arg(*arguments, unsigned long long) : va_arg(*arguments, unsigned);
        put_number(line, value, *conversion == 'x' ? 16 : 10);
    }
    return conversion + 1;
}

void report(const struct loader *loader, const char *format, ...)
{
    struct line line;
    line.size = 0;
    put(&line, "loader: ", sizeof "loader: " - 1);
    va_list arguments;
    va_start(arguments, format);
    while (*format) {
        const char *end = strchr(format, '%');
        uint64_t plain = end ? (uint64_t)(end - format) : strlen(format);
        put(&line, format, plain);
        format += plain;
        if (end)
            format = put_argument(&line, end + 1, &arguments);
    }
    va_end(arguments);
    line.text[line.size++] = '\n';
    port_log(loader->port, line.text, line.size);
}
