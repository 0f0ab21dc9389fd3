#include "steps.h"

const struct object *objects[26];
void *handles[26];
