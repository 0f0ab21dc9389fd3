/* @name@: loads one program and waits for its end. A loader that serves requests calls loader_start for each, and keeps a
 * struct loader_process for each process that lives. */
#include "port.h"

int loader_main(const char *program)
{
    static struct loader loader;
    static struct loader_process process;
    loader_init(&loader, &port, NULL);
    if (!loader_start(&loader, &process, &(struct loader_program){.name = program}))
        return 1; /* logged, and all was given back */
    int status = port_wait(process.id);
    loader_end(&process);
    loader_finish(&loader);
    return status;
}
