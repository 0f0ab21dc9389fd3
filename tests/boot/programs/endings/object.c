/* One object of a program: a library, or the program, by its NAME, a letter. It follows scripts, which are environment
 * variables: `M` the program's main, `Pc` and `Pd` constructor and destructor of P, `P1` handler 1 of P. Words:
 *
 *     a1 k1    register own handler 1 by atexit, at_quick_exit     gP1      hand own handler 1 to P, which registers it
 *              (of what is not there, gP1 and P:a1 do nothing)
 *     oP cP    dlopen, dlclose                                     P:a1     P itself does it
 *     x3 q3 _3 exit, quick_exit, _exit with 3                      ! z      abort, a write to address 0
 *     s1 t     C++: a static object of a function; thread-local    h100     register handler 1 so many times
 *
 * What is printed: [P and P] around a constructor, -P =P destructors, P1 a handler, Pg Ps1 Pt objects of C++ and P~g
 * P~s1 P~t their ends, Px3 an exit, M. the program's return.
 *
 * The same sources run on the development machine, so nothing here is this system's own. */
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "steps.h"

#define TEXT_OF(letter) #letter
#define TEXT(letter) TEXT_OF(letter)
#define LETTER (TEXT(NAME)[0])

#ifdef __cplusplus
#define KIND "endcc"
#else
#define KIND "end"
#endif

static void run_script(const char *suffix);

/* One line, by itself, so that nothing is lost at _exit. */
static void say(const char *format, ...)
{
    char line[200];
    va_list values;
    va_start(values, format);
    int size = vsnprintf(line, sizeof line - 1, format, values);
    va_end(values);
    line[size] = '\n';
    if (write(1, line, (size_t)size + 1) != size + 1)
        _exit(99);
}

static void handle(int number)
{
    char suffix[2] = {(char)('0' + number), 0};
    say("%c%d", LETTER, number);
    run_script(suffix);
}

static void handler_0(void) { handle(0); }
static void handler_1(void) { handle(1); }
static void handler_2(void) { handle(2); }
static void handler_3(void) { handle(3); }
static void (*const handlers[])(void) = {handler_0, handler_1, handler_2, handler_3};

#ifdef __cplusplus
namespace { /* of this object alone */
struct noisy {
    const char *what;
    explicit noisy(const char *what) : what(what) { say("%c%s", LETTER, what); }
    ~noisy()
    {
        say("%c~%s", LETTER, what);
        if (what[0] == 't')
            run_script("t");
    }
};

noisy global("g");
}

static void make_static(int number)
{
    if (number == 1)
        static noisy one("s1");
    else
        static noisy other("s2");
}

static void make_thread_local(void)
{
    thread_local noisy here("t");
    (void)&here;
}
#else
static void make_static(int number) { say("no s%d", number); }
static void make_thread_local(void) { say("no t"); }
#endif

static void open_object(char letter)
{
    char file[] = "lib" KIND "_?.so";
    strchr(file, '?')[0] = letter;
    void *handle = dlopen(file, RTLD_NOW);
    say(handle ? "o%c" : "no o%c", letter);
    handles[letter - 'A'] = handle;
}

static void close_object(char letter)
{
    say(dlclose(handles[letter - 'A']) ? "no c%c" : "c%c", letter);
}

static void run_word(const char *word)
{
    int number = atoi(word + 1);
    if (word[0] && word[1] == ':') {
        if (objects[word[0] - 'A'])
            objects[word[0] - 'A']->run(word + 2);
        return;
    }
    switch (word[0]) {
    case 'a': atexit(handlers[number]); break;
    case 'k': at_quick_exit(handlers[number]); break;
    case 'g':
        if (objects[word[1] - 'A'])
            objects[word[1] - 'A']->take(handlers[word[2] - '0']);
        break;
    case 'h':
        while (number--)
            if (atexit(handler_1))
                say("no h%d", number);
        break;
    case 'o': open_object(word[1]); break;
    case 'c': close_object(word[1]); break;
    case 's': make_static(number); break;
    case 't': make_thread_local(); break;
    case 'x': say("%cx%d", LETTER, number); exit(number);
    case 'q': say("%cq%d", LETTER, number); quick_exit(number);
    case '_': say("%c_%d", LETTER, number); _exit(number);
    case '!': abort();
    case 'z': *(volatile int *)0 = 0; break;
    default: say("no %s", word);
    }
}

static void run_script(const char *suffix)
{
    char name[8], word[16];
    snprintf(name, sizeof name, "%c%s", LETTER, suffix);
    const char *script = getenv(name);
    for (int taken = 0; script && sscanf(script, "%15s%n", word, &taken) == 1; script += taken)
        run_word(word);
}

static int take(void (*handler)(void))
{
    return atexit(handler);
}

static const struct object self = {run_word, take};

/* An object of a static program is linked where something refers to it. */
#define HERE_OF(letter) here_##letter
#define HERE(letter) HERE_OF(letter)
#ifdef __cplusplus
extern "C" {
#endif
int HERE(NAME);
#ifdef NEEDS
extern int HERE(NEEDS);
#endif
#ifdef __cplusplus
}
#endif

__attribute__((constructor)) static void construct(void)
{
#ifdef NEEDS
    HERE(NEEDS)++;
#endif
    objects[LETTER - 'A'] = &self;
    say("[%c", LETTER);
    run_script("c");
    say("%c]", LETTER);
}

__attribute__((destructor)) static void destruct(void)
{
    say("-%c", LETTER);
    run_script("d");
}

__attribute__((destructor(300))) static void destruct_last(void)
{
    say("=%c", LETTER);
    objects[LETTER - 'A'] = 0;
}

#ifdef MAIN
int main(void)
{
    run_script("");
    say("M.");
    return 0;
}
#endif
