/* For hosts whose files are those of our boot image. The library itself knows nothing of it. */
#ifndef HOSTLINK_ARCHIVE_H
#define HOSTLINK_ARCHIVE_H
#include <bootimage/archive.h>
#include <hostlink/host.h>
#include <hostlink/start_stack.h>

/* A file of the image as the linker sees it; its file id is its offset in the image, from where its pages are mapped. */
static inline struct file_view archive_view(const struct archive *archive, const struct image_file *file)
{
    return (struct file_view){.bytes = archive_contents(archive, file), .size = file->size, .file_id = file->offset};
}

/* Arguments and environment that the image's manifest gives to a service. */
struct archive_arguments {
    const char *argument[IMAGE_ARGUMENTS_MAX], *environment[IMAGE_ARGUMENTS_MAX];
};

/* `arguments` must live as long as `stack` is used. */
static inline void archive_fill_stack(const struct archive *archive, const struct image_service *service,
                                      struct archive_arguments *arguments, struct start_stack *stack)
{
    stack->arguments = arguments->argument;
    stack->argument_count = service->argument_count;
    for (uint32_t i = 0; i < service->argument_count; i++)
        arguments->argument[i] = archive_string(archive, service->argument[i]);
    stack->environment = arguments->environment;
    stack->environment_count = service->environment_count;
    for (uint32_t i = 0; i < service->environment_count; i++)
        arguments->environment[i] = archive_string(archive, service->environment[i]);
}
#endif
