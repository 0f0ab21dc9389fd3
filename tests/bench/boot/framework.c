/* A stand-in for a large library, such as a GUI framework over a graphics engine: 4,096 functions of about 1 KiB, a
 * quarter of them exported, all of them reached through one table, as virtual functions are. */
#include "framework.h"

#define API
#define OWN __attribute__((visibility("hidden")))

#define FUNCTION(n, scope)                                                                                             \
    scope int framework_##n(int x)                                                                                     \
    {                                                                                                                  \
        __asm__ volatile(".rept 1000\n\tnop\n\t.endr");                                                                \
        return x + 0x##n;                                                                                              \
    }
#define FOUR(n) FUNCTION(n##0, API) FUNCTION(n##1, OWN) FUNCTION(n##2, OWN) FUNCTION(n##3, OWN)
#define SIXTEEN(n) FOUR(n##0) FOUR(n##1) FOUR(n##2) FOUR(n##3)
#define SIXTY_FOUR(n) SIXTEEN(n##0) SIXTEEN(n##1) SIXTEEN(n##2) SIXTEEN(n##3)
#define QUARTER_THOUSAND(n) SIXTY_FOUR(n##0) SIXTY_FOUR(n##1) SIXTY_FOUR(n##2) SIXTY_FOUR(n##3)
#define THOUSAND(n) QUARTER_THOUSAND(n##0) QUARTER_THOUSAND(n##1) QUARTER_THOUSAND(n##2) QUARTER_THOUSAND(n##3)

THOUSAND(0) THOUSAND(1) THOUSAND(2) THOUSAND(3)

#undef FUNCTION
#define FUNCTION(n, scope) framework_##n,
int (*const framework_table[FRAMEWORK_FUNCTIONS])(int) = {THOUSAND(0) THOUSAND(1) THOUSAND(2) THOUSAND(3)};
