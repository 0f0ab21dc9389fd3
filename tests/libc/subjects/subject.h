/* Subjects of a C library: each writes what it sees into one line, which must be the same over every library. */
#ifndef SUBJECT_H
#define SUBJECT_H
#include <stddef.h>

struct subject {
    const char *name;
    void (*run)(void);
};

/* Add to the line of the subject that runs. */
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);

extern const struct subject string_subjects[], number_subjects[], stdio_subjects[], search_subjects[], time_subjects[],
    wide_subjects[], system_subjects[], thread_subjects[], math_subjects[];
#endif
