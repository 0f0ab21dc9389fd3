/* The loader service: the first process, and the one that links all others.
 *
 * The kernel starts it, with handles to the boot image and to the endpoints of this service and of the registry, and
 * with a table of those services that it started itself (<ambilink/loaded.h>). This service makes a process for each
 * other service of the image's manifest, in order: finds the program and the libraries that it needs, links them
 * in the new process' address space, and starts the first thread. Then it answers requests (protocol/loader.h)
 * and, when every program of the manifest has ended, gives the machine's verdict. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <system/call.h>
#include <system/start.h>

#include "loader.h"

#define FIRST_CHILD 2 /* the kernel counts processes from 1, and 1 is this one */

struct loader loader = {.last = &loader.children, .next_number = FIRST_CHILD};

void say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("loader: ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

uint64_t random_word(void)
{
    /* SplitMix64, seeded by the kernel. */
    loader.random += 0x9e3779b97f4a7c15;
    uint64_t z = loader.random;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static _Noreturn void give_up(const char *why)
{
    say("%s", why);
    sys_machine_exit(sys_start_handle(START_HANDLE_SYSTEM), VERDICT_FAIL);
    exit(EXIT_FAILURE);
}

static void open_image(void)
{
    uint64_t size = sys_start_info()->image_size;
    int64_t mapped = sys_process_map(sys_start_handle(START_HANDLE_SELF), sys_start_handle(START_HANDLE_IMAGE), 0, size,
                                     0, PROT_READ_ONLY);
    if (mapped < 0)
        give_up("the boot image cannot be mapped");
    const char *rule = archive_open(&loader.archive, (const void *)mapped, size);
    if (rule)
        give_up(rule);
    loader.file_checked = calloc(loader.archive.header->file_count, sizeof *loader.file_checked);
    if (!loader.file_checked)
        give_up("no memory");
}

/* What the kernel started: their records, and which files it found intact. */
static void take_over_services(void)
{
    const struct loaded_table *table = (const struct loaded_table *)sys_start_info()->loaded;
    memcpy(loader.file_checked, (const void *)table->checked, loader.archive.header->file_count * sizeof(bool));
    loader.failed = table->failures != 0;
    for (uint32_t i = 0; i < table->process_count; i++)
        child_take_over(&table->process[i]);
}

static void start_services(void)
{
    for (uint32_t i = 0; i < loader.archive.header->service_count; i++) {
        const struct image_service *service = &loader.archive.services[i];
        bool is_kernels = service->linker == IMAGE_LINKER_KERNEL || service->linker == IMAGE_LINKER_INTERP;
        if (service->role == IMAGE_SERVICE_ON_DEMAND || is_kernels)
            continue;
        if (!child_start(service, true))
            loader.failed = true;
        else if (service->role == IMAGE_SERVICE_PROGRAM)
            loader.programs_running++;
    }
    /* Only the registry itself may go on receiving: when it dies, or never came, its callers must not wait. */
    int64_t callable = sys_handle_duplicate(loader.names, RIGHT_CALL | RIGHT_TRANSFER, 0);
    sys_handle_close(loader.names);
    loader.names = callable > 0 ? (handle_t)callable : 0;
}

int main(void)
{
    memcpy(&loader.random, (const void *)getauxval(AT_RANDOM), sizeof loader.random);
    open_image();
    loader.endpoint = sys_start_handle(START_HANDLE_LOADER);
    loader.names = sys_start_handle(START_HANDLE_NAMES);
    take_over_services();
    start_services();
    serve();
}
