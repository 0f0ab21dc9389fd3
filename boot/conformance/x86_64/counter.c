/* The time-stamp counter, and how fast CPUID says that it is. */
#include "checks.h"
#include "devices.h"

#define LEAF_TIME 0x15
#define LEAF_FREQUENCY 0x16
#define WINDOW 2000 /* microseconds */

/* In kHz: the least of several times, for a machine that is busy with others stands still in some. */
static uint64_t calibrate(void)
{
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < 5; i++) {
        uint64_t before = read_counter();
        wait_microseconds(WINDOW);
        uint64_t now = (read_counter() - before) * 1000 / WINDOW;
        least = now < least ? now : least;
    }
    return least;
}

void check_counter(void)
{
    unsigned backwards = 0;
    uint64_t last = read_counter();
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t now = read_counter();
        backwards += now < last;
        last = now;
    }
    check("counter: never goes back", backwards, 0);
    /* What everybody does who has no better clock: count during a time of the timer's third channel. */
    uint64_t kilohertz = calibrate();
    check("counter: calibrated by the timer, 1 MHz to 10 GHz", kilohertz > 1000 && kilohertz < 10000000, 1);
    struct leaf first = cpuid_leaf(0, 0), second = cpuid_leaf(LEAF_TIME, 0);
    if (first.eax >= LEAF_TIME && second.eax && second.ebx && second.ecx)
        check_near("counter: as CPUID says, in kHz", kilohertz, (uint64_t)second.ecx * second.ebx / second.eax / 1000);
    else
        check_absent(1);
    if (first.eax >= LEAF_FREQUENCY && cpuid_leaf(LEAF_FREQUENCY, 0).eax)
        check("counter: the processor's base frequency", cpuid_leaf(LEAF_FREQUENCY, 0).eax > 100, 1);
    else
        check_absent(1);
}
