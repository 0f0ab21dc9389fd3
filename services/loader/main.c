/* The loader service: the first process, and the one that links all others.
 *
 * The system starts it, with the boot image, the endpoint of this service and that of the registry. This service takes
 * over what the system started before it, then makes a process for each other service of the image's manifest, in
 * order: finds the program and the libraries that it needs, links them in the new process' address space, and starts
 * the first thread. Then it answers requests (protocol/loader.h) and, when every program of the manifest has ended,
 * gives the machine's verdict.
 *
 * All files here are policy; what they need of the system is in port.h. From the ground up: port, state < heap, log <
 * image_files < space < child < authority < start, adopt < packed, modules < wait < services, dlopen < serve < main. */
#include <stdlib.h>

#include "image_files.h"
#include "log.h"
#include "serve.h"
#include "services.h"
#include "space.h"
#include "wait.h"

/* The port has no more requests. */
static void give_back(struct loader *loader)
{
    wait_give_up(loader);
    while (loader->children) {
        struct child *child = loader->children;
        loader->children = child->next;
        child_destroy(child);
    }
    struct space none = {.loader = loader};
    linker_end(&loader->linker, &none);
    image_files_close(loader);
    port_close(loader->port);
}

int main(void)
{
    struct loader loader = {.last_child = &loader.children};
    loader.port = port_open(&loader.boot);
    loader.failed = loader.boot.failed;
    const char *rule = image_files_open(&loader);
    if (rule) {
        report(&loader, "%s", rule);
        port_verdict(loader.port, false);
        port_close(loader.port);
        return EXIT_FAILURE;
    }
    space_host_init(&loader);
    services_boot(&loader);
    serve(&loader);
    give_back(&loader);
    return EXIT_SUCCESS;
}
