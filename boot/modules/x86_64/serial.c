/* The first serial line (16550): the kernel's log goes there. */
#include <kernel/module.h>

#include "port.h"

#define PORT 0x3f8
#define PORT_INTERRUPTS (PORT + 1)
#define PORT_FIFO (PORT + 2)
#define PORT_LINE (PORT + 3)
#define PORT_STATUS (PORT + 5)
#define STATUS_EMPTY 0x20
#define LINE_DIVISOR 0x80
#define LINE_8N1 3

static void put(char c)
{
    while (!(in8(PORT_STATUS) & STATUS_EMPTY))
        ;
    out8(PORT, (uint8_t)c);
}

/* The conformance kernel, which loads no modules, calls it by name. */
__attribute__((constructor)) void serial_start(void)
{
    out8(PORT_INTERRUPTS, 0);
    out8(PORT_LINE, LINE_DIVISOR); /* 115200 baud */
    out8(PORT, 1);
    out8(PORT_INTERRUPTS, 0);
    out8(PORT_LINE, LINE_8N1);
    out8(PORT_FIFO, 7);            /* clear and use them */
    log_sink_set(put);
}
