/* C: arguments, thread-local data here, constructors and destructors, the loader's symbol. */
#include <fernc.h>

static _Thread_local int answer = 42, zero;
_Thread_local int shared_answer = 7;
static const char *const greeting[] = {"hello", "fern"}; /* pointers that are relocated */

__attribute__((constructor)) static void first(void)
{
    print("hello: constructor, %d\n", ++answer);
}

__attribute__((destructor)) static void last(void)
{
    print("hello: destructor, %d\n", answer);
}

int main(int argc, char **argv)
{
    print("%s: %s, ", argv[0], greeting[0]);
    yield(); /* another process may write now */
    print("%s; %d arguments, %s\n", greeting[1], argc - 1, argc > 1 ? argv[1] : "none");
    print("hello: %s\n", fern_notice ? fern_notice : "no notice");
    zero += shared_answer;
    return zero == 7 && answer == 43 && strcmp("a", "b") < 0 ? 0 : 1;
}
