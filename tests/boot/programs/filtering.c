/* A symbol of a filter that its filtee has too, and one that it has alone. */
#include <stdio.h>

const char *filtered(void);
const char *kept(void);

int main(void)
{
    printf("%s %s\n", filtered(), kept());
}
