/* A service that uses a little of several libraries. NUMBER makes each another program. */
#include <log/log.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef LARGE
#include "framework.h"
#endif

/* Volatile, or the compiler would know it all, and leave out what is measured. */
const char *volatile service_name = "service " NUMBER;

int main(void)
{
    char *text = malloc(64);
    if (!text)
        return 1;
    const char *name = service_name;
    int length = snprintf(text, 64, "%s", name);
#ifdef LARGE
    int number = atoi(NUMBER), index = number * 37 % FRAMEWORK_FUNCTIONS;
    if (framework_table[index](number) <= number)
        return 2;
#endif
    bool wrong = length != (int)strlen(name) || strcmp(text, name) != 0;
    if (wrong)
        log_line(LOG_ERROR, "%s", text);
    free(text);
    return wrong;
}
