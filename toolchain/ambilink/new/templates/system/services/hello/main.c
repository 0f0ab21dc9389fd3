/* Asks the greeter for a greeting, and prints it. */
#include <greeting/greeting.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    char text[GREETING_MAX];
    if (!greeting_ask(text, argc > 1 ? argv[1] : "world")) {
        puts("the greeter does not answer");
        return EXIT_FAILURE;
    }
    puts(text);
    return EXIT_SUCCESS;
}
