/* Subjects of a C library: each writes what it sees into one line, which must be the same over every library. */
#ifndef SUBJECT_H
#define SUBJECT_H
#include <stddef.h>

struct subject {
    const char *name;
    void (*run)(void);
    int is_alone; /* it changes its process: it has one of its own */
};

/* Add to the line of the subject that runs. */
__attribute__((format(printf, 1, 2))) void note(const char *format, ...);

/* Count what holds; what does not is named in the line. */
#define HOLDS(condition) holds(!!(condition), __LINE__, #condition)
void holds(int is_true, int line, const char *condition);

extern int argument_count; /* of main */
extern char **given_arguments;

extern const struct subject string_subjects[], number_subjects[], stdio_subjects[], search_subjects[], time_subjects[],
    wide_subjects[], system_subjects[], thread_subjects[], math_subjects[], format_subjects[], expression_subjects[],
    edge_subjects[], stream_subjects[], thread_end_subjects[], signal_subjects[], memory_subjects[], process_subjects[],
    named_subjects[], local_subjects[], more_math_subjects[];
#endif
