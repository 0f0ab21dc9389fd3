/* What is preloaded takes the place of libc's malloc, for libc itself too. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

extern long own_malloc_calls __attribute__((weak));

int main(void)
{
    CHECK(&own_malloc_calls);
    if (&own_malloc_calls) {
        long before = own_malloc_calls;
        char *text = strdup("libc's own use");
        CHECK(own_malloc_calls == before + 1);
        free(text);
        CHECK(own_malloc_calls == before + 2);
    }
    return checks_finish("preloaded");
}
