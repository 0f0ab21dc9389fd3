/* What the machine has in use, compared exactly: needs the grant `log`, and the machine to be otherwise at rest. */
#ifndef COUNTS_H
#define COUNTS_H
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <system/call.h>
#include <system/start.h>

#define MILLISECOND 1000000

/* When all that was ending has ended, and no other process does anything. */
static inline struct machine_counts counts_settled(void)
{
    struct machine_counts counts = {.ending = 1}, before;
    do {
        before = counts;
        sys_thread_sleep(20 * MILLISECOND);
    } while (sys_machine_counts(sys_start_handle(START_HANDLE_SYSTEM), &counts) == STATUS_OK &&
             (counts.ending || memcmp(&before, &counts, sizeof counts) != 0));
    return counts;
}

/* As before; else a line says what is lost. */
static inline int counts_are(const struct machine_counts *before, const char *what)
{
    struct machine_counts now = counts_settled();
    int same = now.frames && memcmp(before, &now, sizeof now) == 0;
    if (!same)
        printf("%s: frames %lld, pieces %lld, handles %lld more than before\n", what,
               (long long)(now.frames_used - before->frames_used), (long long)(now.pieces - before->pieces),
               (long long)(now.handles - before->handles));
    return same;
}

/* Cycles of what leaves nothing behind, as many as the program's argument says, and before them some that are not compared:
 * heaps grow to what they need at most. */
static inline int cycles_are_even(int argc, char **argv, bool (*cycle)(void), const char *what)
{
    int count = argc > 1 ? atoi(argv[1]) : 100;
    bool good = true;
    for (int i = 0; i < 160 && good; i++)
        good = cycle();
    struct machine_counts before = counts_settled();
    for (int i = 0; i < count && good; i++)
        good = cycle();
    return counts_are(&before, what) && good;
}
#endif
