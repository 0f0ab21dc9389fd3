/* Run every subject but those of the variable WITHOUT, and print a line of each. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

static char line[4000];
static size_t length;

void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line + length, sizeof line - length, format, arguments);
    va_end(arguments);
    if (more > 0)
        length = length + (size_t)more < sizeof line ? length + (size_t)more : sizeof line - 1;
}

static int is_left_out(const char *list, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = list; at && *at; at += strcspn(at, " "), at += strspn(at, " "))
        if (strcspn(at, " ") == size && !strncmp(at, name, size))
            return 1;
    return 0;
}

int main(void)
{
    const struct subject *const all[] = {string_subjects, number_subjects, stdio_subjects, search_subjects, time_subjects,
                                         wide_subjects, system_subjects, thread_subjects, math_subjects};
    const char *given = getenv("WITHOUT");
    char *list = given ? strdup(given) : 0; /* a subject clears the environment */
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (const struct subject *subject = all[i]; subject->name; subject++) {
            if (is_left_out(list, subject->name))
                continue;
            length = 0;
            *line = 0;
            subject->run();
            for (char *at = line; (at = strchr(at, '\n'));)
                *at = '|';
            printf("%s: %s\n", subject->name, line);
            fflush(stdout);
        }
    free(list);
    return 0;
}
