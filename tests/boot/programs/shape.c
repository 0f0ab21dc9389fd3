#include "shape.h"

int shape_sides = 4;
const char *const shape_names[3] = {"point", "line", "square"};
int order_of_constructors;
int shape_order = -1;
_Thread_local int shape_local = 41;
static _Thread_local int shape_private[5] = {1, 2, 3};

__attribute__((constructor)) static void start(void)
{
    shape_order = order_of_constructors++;
}

int shape_area(int side)
{
    return side * side + shape_private[4];
}

__attribute__((weak)) int shape_hook(void)
{
    return 1;
}

int shape_call_hook(void)
{
    return shape_hook();
}

int *shape_local_address(void)
{
    return &shape_local;
}
