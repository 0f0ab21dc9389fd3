#pragma once

struct operation {
    const char *name;
    int (*function)(int, int);
};

extern const struct operation operations[3]; /* filled by relocations */
extern int calls;                            /* programs that are not PIC copy it */

int add(int a, int b);
int *address_of_calls(void);
