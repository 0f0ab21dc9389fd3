/* Checks that are counted; a failed one is a line with its place. */
#ifndef CHECK_H
#define CHECK_H
#include <stdio.h>

static int checks_done, checks_failed;

#define CHECK(condition)                                                          \
    do {                                                                          \
        checks_done++;                                                            \
        if (!(condition)) {                                                       \
            checks_failed++;                                                      \
            printf("FAIL %s:%d: %s\n", __FILE_NAME__, __LINE__, #condition);      \
        }                                                                         \
    } while (0)

#ifndef __FILE_NAME__
#define __FILE_NAME__ __FILE__
#endif

static inline int checks_finish(const char *what)
{
    printf("%s: %d checks, %d failed\n", what, checks_done, checks_failed);
    return checks_failed ? 1 : 0;
}
#endif
