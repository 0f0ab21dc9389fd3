/* Loaded by the test: ends with status 0 if everything that it needs was linked. */
#include <counter.h>
#include <system.h>

static _Thread_local int own = 7;

int main(void)
{
    system_print("hello: loaded by @name@\n");
    int first = counter_next(), second = counter_next();
    if (first == 1042 && second == 1043 && own == 7) {
        system_print("hello: relocations, a constructor and thread-local storage work\n");
        return 0;
    }
    system_print("hello: the library was not linked as it should\n");
    return 1;
}
