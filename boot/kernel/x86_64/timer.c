/* The 8254: its third channel counts on and on, and is read; its first one interrupts once, when it was armed. Both are
 * driven by one clock, so that nothing is calibrated, and what one is armed with, in counts, the other shows. */
#include "timer.h"

#include "port.h"

#define PORT_CHANNEL_0 0x40
#define PORT_CHANNEL_2 0x42
#define PORT_CONTROL 0x43
#define PORT_GATE 0x61 /* bit 0: of the third channel; bit 1: the speaker hears it */
#define COUNTS_ON 0xb4 /* channel 2, low byte then high byte, rate generator */
#define LATCH 0x80     /* channel 2 */
#define ONCE 0x30      /* channel 0, low byte then high byte, interrupt on terminal count */

static uint64_t counts; /* since timer_init, when it was read last */
static uint16_t shown;  /* by the channel, which counts down, then */

static uint16_t read_channel(void)
{
    out8(PORT_CONTROL, LATCH);
    const uint8_t low = in8(PORT_CHANNEL_2);
    return (uint16_t)(low | in8(PORT_CHANNEL_2) << 8);
}

void timer_init(void)
{
    out8(PORT_GATE, (uint8_t)((in8(PORT_GATE) & ~2u) | 1));
    out8(PORT_CONTROL, COUNTS_ON);
    out8(PORT_CHANNEL_2, 0);
    out8(PORT_CHANNEL_2, 0);
    shown = read_channel();
}

uint64_t timer_counts(void)
{
    const uint16_t now = read_channel();
    counts += (uint16_t)(shown - now);
    shown = now;
    return counts;
}

void timer_arm(uint64_t span)
{
    const uint16_t count = (uint16_t)(span < TIMER_SPAN_MAX ? span : TIMER_SPAN_MAX);
    out8(PORT_CONTROL, ONCE);
    out8(PORT_CHANNEL_0, count & 0xff);
    out8(PORT_CHANNEL_0, (uint8_t)(count >> 8));
}
