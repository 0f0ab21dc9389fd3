#ifndef SHAPE_H
#define SHAPE_H

extern int shape_sides;              /* data that programs and other libraries reach through their GOT */
extern const char *const shape_names[3];
extern int shape_order;              /* what the constructor found: how many ran before it */
extern int order_of_constructors;
extern _Thread_local int shape_local;

int shape_area(int side);
int shape_hook(void);                /* weak here: the first definition wins */
int shape_call_hook(void);
int *shape_local_address(void);
#endif
