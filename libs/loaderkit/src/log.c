/* Lines for the port's log, which begin with the process that they are about. */
#include <string.h>

#include "internal.h"

static size_t append(char *line, size_t used, const char *text)
{
    size_t length = strlen(text), room = LOADER_MESSAGE_MAX - 1 - used;
    length = length < room ? length : room;
    memcpy(line + used, text, length);
    line[used + length] = 0;
    return used + length;
}

void process_log(struct loader_process *process, const char *text, const char *what)
{
    char line[LOADER_MESSAGE_MAX];
    size_t used = append(line, 0, process->name);
    used = append(line, used, ": ");
    used = append(line, used, text);
    append(line, used, what);
    /* The message is kept without the name: the caller of loader_open knows which process it is. */
    size_t own = strlen(process->name) + 2;
    own = own < sizeof line ? own : 0;
    memcpy(process->message, line + own, strlen(line + own) + 1);
    process->loader->port->log(process->loader->context, line);
}
