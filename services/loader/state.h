/* The state of the loader service. main() owns it and passes it down; there is no other state. */
#ifndef STATE_H
#define STATE_H
#include <bootimage/archive.h>
#include <hostlink/target.h>

#include "port.h"

struct child;
struct wait;

struct loader {
    struct port *port;
    struct port_boot boot;
    struct archive archive;
    struct file_view image;      /* the whole archive, as a file to map from */
    uint8_t *file_checked;       /* by index of file: what a linker reads of it is intact */
    struct target_host host;     /* what the link library is given: functions of the port */
    struct linker linker;
    struct child *children, **last_child; /* in the order of their start */
    struct wait *waits;          /* requests that are answered later */
    unsigned programs_running;   /* of those started at boot that must end with status 0 */
    bool failed;                 /* what makes the machine's verdict a failure happened */
};
#endif
