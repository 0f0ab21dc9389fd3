#include "line.h"

#include <stdio.h>

enum { CTRL_C = 3, CTRL_D = 4, BELL = 7, BACKSPACE = 8, CTRL_U = 21, ESCAPE = 27, FIRST_PRINTABLE = 32, DELETE = 127 };

/* Keys such as the arrows come as ESC [ ... and a letter: they do nothing. */
static void skip_sequence(void)
{
    int key = getchar();
    if (key != '[' && key != 'O')
        return;
    do
        key = getchar();
    while (key != EOF && (key < '@' || key > '~'));
}

static void erase(size_t count)
{
    while (count--)
        fputs("\b \b", stdout);
}

static void begin(const char *prompt)
{
    fputs(prompt, stdout);
    fflush(stdout);
}

bool line_read(const char *prompt, char *line, size_t size)
{
    size_t length = 0;
    begin(prompt);
    for (;;) {
        int key = getchar();
        if (key == EOF || (key == CTRL_D && !length)) {
            putchar('\n');
            return false;
        }
        if (key == '\r' || key == '\n') {
            putchar('\n');
            line[length] = 0;
            return true;
        }
        if (key == ESCAPE) {
            skip_sequence();
        } else if (key == CTRL_C) {
            puts("^C");
            length = 0;
            begin(prompt);
        } else if (key == CTRL_U) {
            erase(length);
            length = 0;
        } else if (key == BACKSPACE || key == DELETE) {
            erase(length > 0);
            length -= length > 0;
        } else if (key >= FIRST_PRINTABLE) {
            putchar(length + 1 < size ? key : BELL);
            if (length + 1 < size)
                line[length++] = (char)key;
        }
        fflush(stdout);
    }
}
