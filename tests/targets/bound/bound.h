#pragma once

/* A function whose address `resolver` chooses when the object is bound. */
#define IFUNC(scope, name, resolver) \
    __asm__(scope " " #name "\n.type " #name ", %gnu_indirect_function\n.set " #name ", " #resolver)

int chosen(int); /* of low */
int versioned(void);
int low_local_choice(int);
extern _Thread_local long low_own;
extern long low_data[3];
extern long *const low_pointer;

int high_calls_chosen(int);
long high_own(long);
extern int (*const high_pointer_to_chosen)(int);
int high_hooked(void);
