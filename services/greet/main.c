/* A first program: says hello with libc's stdio, reads a file of the image, sorts its lines. */
#include <errno.h>
#include <log/log.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINES_MAX 64

static int compare_lines(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static _Noreturn void fail(const char *path)
{
    log_line(LOG_ERROR, "%s: %s", path, strerror(errno));
    exit(EXIT_FAILURE);
}

static size_t read_lines(const char *path, char *lines[LINES_MAX])
{
    FILE *file = fopen(path, "r");
    if (!file)
        fail(path);
    size_t count = 0;
    char line[128];
    while (count < LINES_MAX && fgets(line, sizeof line, file))
        if (!(lines[count++] = strdup(line)))
            fail(path);
    fclose(file);
    return count;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "etc/motd";
    char *lines[LINES_MAX];
    size_t count = read_lines(path, lines);
    const char *who = getenv("GREET");
    time_t now = time(NULL);
    struct tm *calendar = gmtime(&now);
    printf("Hello, %s, in %d.\n", who ? who : "world", calendar->tm_year + 1900);
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++) {
        fputs(lines[i], stdout);
        free(lines[i]);
    }
    if (fopen("no/such/file", "r") || errno != ENOENT) {
        log_line(LOG_ERROR, "a file that is not there was opened");
        return EXIT_FAILURE;
    }
}
