/* The system's library: what programs ask of the system. */
#ifndef SYSTEM_H
#define SYSTEM_H
#include <stdint.h>

struct start_info;

/* For the start code: what the loader left for this process. */
void system_begin(const struct start_info *info);

void system_print(const char *text);
_Noreturn void system_exit(int status);
#endif
