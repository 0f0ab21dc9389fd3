/* One line of keys, with the least of editing: Backspace, Ctrl-U (all of it), Ctrl-C (begin again), Ctrl-D (the end). */
#ifndef SHELL_LINE_H
#define SHELL_LINE_H
#include <stdbool.h>
#include <stddef.h>

/* Shows the prompt and what is typed. False: there are no more lines. */
bool line_read(const char *prompt, char *line, size_t size);
#endif
