/* Symbols, data, constructors and thread-local variables across two libraries and a program; the same
 * checks in both linkages, but for one: the order of constructors across objects is defined by DT_NEEDED,
 * and a static program has none. With the argument "dynamic" it is checked. */
#include <colour.h>
#include <shape.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

extern int not_there_at_all(void) __attribute__((weak));

static int program_order = -1;
static _Thread_local int program_local = 5;
static _Thread_local char program_zero[100];

__attribute__((constructor)) static void start(void)
{
    program_order = order_of_constructors++;
}

int shape_hook(void) /* the library has a weak one; the program comes first */
{
    return 2;
}

int main(int argc, char **argv)
{
    CHECK(shape_area(3) == 9);
    CHECK(colour_of_shape() == 40 + 's');
    shape_sides = 6;
    CHECK(colour_of_shape() == 60 + 's');
    CHECK(colour_functions[0] == shape_area);
    CHECK(colour_functions[0](2) == 4);
    CHECK(colour_functions[1] == 0);
    CHECK(shape_call_hook() == 2);
    CHECK(!not_there_at_all);
    CHECK(order_of_constructors == 3);
    CHECK(shape_order >= 0 && colour_order >= 0 && program_order >= 0);
    if (argc > 1 && strcmp(argv[1], "dynamic") == 0)
        CHECK(shape_order == 0 && colour_order == 1 && program_order == 2);
    CHECK(shape_local == 41);
    shape_local = 42;
    CHECK(*shape_local_address() == 42);
    CHECK(colour_local == 7);
    CHECK((uintptr_t)&colour_local % 64 == 0);
    CHECK(program_local == 5);
    CHECK(program_zero[99] == 0);
    CHECK(shape_area(0) == 0);
    return checks_finish("binding");
}
