/* What the greeter and its clients agree on. */
#ifndef GREETING_GREETING_H
#define GREETING_GREETING_H
#include <stdbool.h>
#include <stddef.h>

#define GREETER "greeter" /* in the service registry */
#define GREETING_NAME_MAX 63
#define GREETING_MAX 128

/* For the service: the greeting of a name that need not end with NUL. Returns its length. */
size_t greeting_write(char text[GREETING_MAX], const char *name, size_t length);

/* For clients: ask the greeter. False: it did not answer. */
bool greeting_ask(char text[GREETING_MAX], const char *name);
#endif
