/* Started on demand: one line of a file of the image, chosen by the time since boot. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_LENGTH 120

static int count_lines(FILE *file)
{
    char line[LINE_MAX_LENGTH];
    int count = 0;
    while (fgets(line, sizeof line, file))
        count++;
    rewind(file);
    return count;
}

int main(void)
{
    FILE *file = fopen("etc/fortunes", "r");
    int count = file ? count_lines(file) : 0;
    if (!count)
        return EXIT_FAILURE;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    char line[LINE_MAX_LENGTH] = "";
    for (long skip = now.tv_nsec / 1000 % count; skip >= 0; skip--)
        if (!fgets(line, sizeof line, file))
            return EXIT_FAILURE;
    fputs(line, stdout);
    return EXIT_SUCCESS;
}
