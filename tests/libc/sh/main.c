/* As much of a shell as popen(), system() and posix_spawn() of the subjects need: `sh -c` with echo, exit, read and test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char word[64]; /* what `read` read */

static const char *value_of(char *text)
{
    const size_t length = strlen(text);
    if (length > 1 && text[0] == '"') {
        text[length - 1] = 0;
        text++;
    }
    return text[0] != '$' ? text : !strcmp(text, "$word") ? word : getenv(text + 1) ? getenv(text + 1) : "";
}

static int run(char *command)
{
    char *parts[8] = {0}, *rest;
    int count = 0;
    for (char *part = strtok_r(command, " ", &rest); part && count < 7; part = strtok_r(0, " ", &rest))
        parts[count++] = part;
    if (!count)
        return 0;
    if (!strcmp(parts[0], "exit"))
        exit(count > 1 ? atoi(parts[1]) : 0);
    if (!strcmp(parts[0], "read"))
        return scanf("%63s", word) != 1;
    if (!strcmp(parts[0], "test"))
        return count != 4 || strcmp(value_of(parts[1]), value_of(parts[3]));
    if (strcmp(parts[0], "echo"))
        return 127;
    for (int i = 1; i < count; i++)
        printf("%s%c", value_of(parts[i]), i + 1 < count ? ' ' : '\n');
    return 0;
}

int main(int count, char **arguments)
{
    int status = 0;
    if (count > 3 && !strcmp(arguments[2], "--")) /* as musl's popen and system say it */
        arguments++, count--;
    if (count < 3 || strcmp(arguments[1], "-c"))
        return 2;
    char *text = arguments[2];
    while (text) {
        char *after = strpbrk(text, ";&");
        const int needs = after && *after == '&';
        if (after)
            *after = 0;
        status = run(text);
        if (needs && status)
            break;
        text = after ? after + 1 + needs : 0;
    }
    return status;
}
