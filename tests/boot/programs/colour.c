#include "colour.h"

#include "shape.h"

int colour_order = -1;
int (*const colour_functions[2])(int) = {shape_area, 0};
_Thread_local long colour_local __attribute__((aligned(64))) = 7;

__attribute__((constructor)) static void start(void)
{
    colour_order = order_of_constructors++;
}

int colour_of_shape(void)
{
    return shape_sides * 10 + shape_names[2][0];
}
