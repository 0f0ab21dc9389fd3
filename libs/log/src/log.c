#include <log/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const level_names[] = {"error", "warning", "info", "debug"};

enum log_level log_level = LOG_INFO;
unsigned long log_lines[LOG_DEBUG + 1];

__attribute__((constructor)) static void read_environment(void)
{
    const char *wanted = getenv("LOG");
    for (unsigned level = LOG_ERROR; wanted && level <= LOG_DEBUG; level++)
        if (strcmp(wanted, level_names[level]) == 0)
            log_level = level;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

void log_line(enum log_level level, const char *format, ...)
{
    if (level > log_level)
        return;
    log_lines[level]++;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("[%2lld.%03ld] %s: %s\n", (long long)now.tv_sec, now.tv_nsec / 1000000, level_names[level], text);
}
