/* What comes in on the first serial line (16550) are the machine's keys. The module `serial` sets the line up. */
#include <kernel/module.h>

#include "port.h"

#define LINE 4 /* of the interrupt controllers */
#define PORT 0x3f8
#define PORT_INTERRUPTS (PORT + 1)
#define PORT_MODEM (PORT + 4)
#define PORT_STATUS (PORT + 5)
#define INTERRUPT_RECEIVED 1
#define MODEM_READY 0x0b /* DTR, RTS, and OUT2: it lets interrupts through */
#define STATUS_RECEIVED 1

/* What does not fit stays in the line's own queue, and the sender waits. */
static void take(void)
{
    while (input_has_room() && in8(PORT_STATUS) & STATUS_RECEIVED)
        input_put(in8(PORT));
}

__attribute__((constructor)) static void start(void)
{
    input_source_set(take);
    interrupt_attach(LINE, take);
    out8(PORT_MODEM, MODEM_READY);
    out8(PORT_INTERRUPTS, INTERRUPT_RECEIVED);
    take();
}
