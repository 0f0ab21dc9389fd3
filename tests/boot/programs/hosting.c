/* The host of a library that it needs, and of one that it opens. */
#include <dlfcn.h>

#include "check.h"

int guest(int a);
int host_value = 30;

int host_adds(int a, int b)
{
    return a + b;
}

int main(void)
{
    CHECK(guest(4) == 34);
    void *opened = dlopen("libopened_guest.so", RTLD_NOW);
    int (*function)(int) = opened ? (int (*)(int))dlsym(opened, "opened_guest") : 0;
    CHECK(function && function(4) == 35);
    CHECK(host_value == 32);
    return checks_finish("hosting");
}
