/* What is preloaded takes the place of libc's malloc, for libc itself too; of two the first one goes first. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

extern long own_malloc_calls __attribute__((weak));
int preloaded_as(void) __attribute__((weak)); /* each of two has it */
int second_is_there(void) __attribute__((weak));

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
    CHECK(preloaded_as && preloaded_as() == 1);
    CHECK(second_is_there && second_is_there());
    return checks_finish("preloaded");
}
