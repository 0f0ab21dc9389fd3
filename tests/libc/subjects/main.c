/* Run the subjects that the arguments name, or all that need no process of their own, and print a line of each. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

int argument_count;
char **given_arguments;

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

static int held;

void holds(int is_true, int number, const char *condition)
{
    if (is_true)
        held++;
    else
        note("line %d: not %s; ", number, condition);
}

static void run(const struct subject *subject)
{
    length = 0;
    held = 0;
    *line = 0;
    subject->run();
    if (held)
        note("%d hold", held);
    for (char *at = line; (at = strchr(at, '\n'));)
        *at = '|';
    printf("%s: %s\n", subject->name, line);
    fflush(stdout);
}

static int is_named(char **names, const char *name)
{
    for (; *names; names++)
        if (!strcmp(*names, name))
            return 1;
    return 0;
}

int main(int count, char **arguments)
{
    argument_count = count;
    given_arguments = arguments;
    const struct subject *const all[] = {
        string_subjects, number_subjects, stdio_subjects, search_subjects, time_subjects, wide_subjects, system_subjects,
        thread_subjects, math_subjects, format_subjects, expression_subjects, edge_subjects, stream_subjects,
        thread_end_subjects, signal_subjects, memory_subjects, process_subjects, named_subjects, local_subjects,
        more_math_subjects};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (const struct subject *subject = all[i]; subject->name; subject++)
            if (count > 1 ? is_named(arguments + 1, subject->name) : !subject->is_alone)
                run(subject);
    return 0;
}
