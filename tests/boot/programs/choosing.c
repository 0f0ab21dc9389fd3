/* Reaches what choice.S defines in each way that leaves a relocation of its own kind. */
#include "check.h"

extern int choice(void), choice_kind(void), choice_kind_1(void);
extern long choice_shown, choice_unique, *choice_unique_at;

__asm__(".symver choice_kind_1, choice_kind@CHOICE_1");

int (*const volatile choice_address)(void) = choice;
long *const volatile choice_pointers[2] = {&choice_unique, &choice_shown};

static long copied(void)
{
    long value;
    __asm__("mov choice_shown(%%rip), %0" : "=r"(value));
    return value;
}

int main(void)
{
    CHECK(choice() == 11);
    CHECK(choice_address() == 11);
    CHECK(choice_kind() == 2);
    CHECK(choice_kind_1() == 1);
    CHECK(copied() == 5);
    CHECK(*choice_pointers[1] == 5);
    CHECK(choice_pointers[0] == choice_unique_at && *choice_unique_at == 7);
    return checks_finish("choosing");
}
