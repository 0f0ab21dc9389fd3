#include <ambilink/start.h>
#include <hostlink/start_stack.h>
#include <rtld/elf.h>
#include <string.h>

#define WORDS_MAX (2 * IMAGE_ARGUMENTS_MAX + 48)

void start_stack_service(struct start_stack *stack, const struct archive *archive, const struct image_service *service)
{
    stack->argument_count = service->argument_count;
    for (uint32_t i = 0; i < service->argument_count; i++)
        stack->argument[i] = archive_string(archive, service->argument[i]);
    stack->environment_count = service->environment_count;
    for (uint32_t i = 0; i < service->environment_count; i++)
        stack->environment[i] = archive_string(archive, service->environment[i]);
}

static uint64_t string_size(const char *text)
{
    return shared_area_rounded(strlen(text) + 1);
}

uint64_t start_stack_write(const struct shared_area *area, const struct start_stack *stack)
{
    uint64_t strings = shared_area_rounded(sizeof stack->random) + string_size(stack->name);
    strings += stack->path ? string_size(stack->path) : 0;
    for (uint32_t i = 0; i < stack->argument_count; i++)
        strings += string_size(stack->argument[i]);
    for (uint32_t i = 0; i < stack->environment_count; i++)
        strings += string_size(stack->environment[i]);
    uint64_t words[WORDS_MAX];
    if (strings + sizeof words > area->size / 2)
        return 0;

    struct shared_area top = *area;
    uint64_t bottom = top.used = (area->size - strings) & ~15ull;
    size_t count = 0;
    uint64_t random = shared_area_put(&top, stack->random, sizeof stack->random);
    uint64_t name = shared_area_put_string(&top, stack->name);
    uint64_t path = stack->path ? shared_area_put_string(&top, stack->path) : name;
    words[count++] = stack->argument_count + 1;
    words[count++] = name;
    for (uint32_t i = 0; i < stack->argument_count; i++)
        words[count++] = shared_area_put_string(&top, stack->argument[i]);
    words[count++] = 0;
    for (uint32_t i = 0; i < stack->environment_count; i++)
        words[count++] = shared_area_put_string(&top, stack->environment[i]);
    words[count++] = 0;
    /* Nobody is a user here, and nobody gains rights by starting a program. */
    const uint64_t vector[] = {
        AT_PHDR, stack->program_headers,
        AT_PHENT, sizeof(struct elf_segment),
        AT_PHNUM, stack->program_header_count,
        AT_PAGESZ, AMBILINK_PAGE_SIZE,
        AT_BASE, stack->base,
        AT_ENTRY, stack->entry,
        AT_UID, 0, AT_EUID, 0, AT_GID, 0, AT_EGID, 0,
        AT_SECURE, 0,
        AT_RANDOM, random,
        AT_EXECFN, path,
        stack->start_info ? AT_START : AT_IGNORE, stack->start_info,
        AT_NULL, 0,
    };
    _Static_assert(sizeof vector / sizeof *vector + 2 * IMAGE_ARGUMENTS_MAX + 4 <= WORDS_MAX, "words");
    memcpy(words + count, vector, sizeof vector);
    count += sizeof vector / sizeof *vector;
    uint64_t at = bottom - shared_area_rounded(count * sizeof *words);
    memcpy(area->here + at, words, count * sizeof *words);
    return area->there + at;
}
