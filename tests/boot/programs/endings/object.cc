#include "object.c"
