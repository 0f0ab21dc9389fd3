/* The checks in ring 0, one function a file. */
#ifndef CHECKS_H
#define CHECKS_H

/* Run all of them, in the order of checks.c. Each leaves the machine as it found it. */
void checks_run(void);

void check_faults(void);
void check_control(void);
void check_paging(void);
void check_protection(void);
void check_x87(void);
void check_sse(void);
#endif
