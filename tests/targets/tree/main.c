/* Prints the same in every form and on every target. */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"
#include "rich.h"

static _Thread_local int own = 3;
static const char *const words[] = {"one", "two", "three"}; /* relative relocations */
int absent(void) __attribute__((weak));

/* Takes the place of the library's weak one. */
int power(int a, int b)
{
    return 1000 + a + b;
}

int optional_hook(void)
{
    return 77;
}

static void *run(void *argument)
{
    level += own++;
    printf("thread: level %d, ticket %d, own %d, aligned %zu\n", level, next_ticket(), own, aligned_local());
    return argument;
}

static jmp_buf back;

int main(int argc, char **argv)
{
    int numbers[] = {3, 1, 2};
    for (int i = 0; i < 3; i++)
        printf("%s: %s is %d\n", words[i], operations[i].name, operations[i].function(2, 5));
    printf("same function: %d, same object: %d\n", operations[0].function == add, address_of_calls() == &calls);
    printf("calls %d, prepared %d, hook %d, absent %d\n", calls, prepared(), hook(), absent ? absent() : 0);
    qsort(numbers, 3, sizeof numbers[0], compare_backwards);
    printf("sorted %d %d %d\n", numbers[0], numbers[1], numbers[2]);
    level = 7;
    next_ticket();
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, NULL) == 0)
        pthread_join(thread, NULL);
    printf("level %d, ticket %d, own %d, aligned %zu\n", level, next_ticket(), own, aligned_local());
    if (setjmp(back) == 0)
        longjmp(back, 1);
    printf("%.3f %d %s\n", strtod("2.5", NULL) * argc, (int)strlen(strrchr(argv[0], '/')) > 1, strerror(2));
    return 3;
}
