#include <ambilink/start.h>
#include <hostlink/start_stack.h>
#include <rtld/elf.h>
#include <string.h>

#define AUXILIARY_SLOTS 30

static uint64_t string_size(const char *text)
{
    return shared_area_rounded(strlen(text) + 1);
}

static uint64_t strings_size(const struct start_stack *stack)
{
    uint64_t strings = shared_area_rounded(sizeof stack->random) + string_size(stack->name);
    strings += stack->path ? string_size(stack->path) : 0;
    for (uint64_t i = 0; i < stack->argument_count; i++)
        strings += string_size(stack->arguments[i]);
    for (uint64_t i = 0; i < stack->environment_count; i++)
        strings += string_size(stack->environment[i]);
    return strings;
}

static uint64_t slots_size(const struct start_stack *stack)
{
    /* argc and the name, arguments, environment, each with a NULL at its end, then the auxiliary vector. */
    return shared_area_rounded((4 + stack->argument_count + stack->environment_count + AUXILIARY_SLOTS) * sizeof(uint64_t));
}

uint64_t start_stack_size(const struct start_stack *stack)
{
    return strings_size(stack) + slots_size(stack);
}

uint64_t start_stack_write(const struct shared_area *area, const struct start_stack *stack)
{
    const uint64_t strings = strings_size(stack), slots = slots_size(stack);
    if (strings + slots > area->size / 2)
        return 0;

    struct shared_area top = *area;
    uint64_t bottom = top.used = (area->size - strings) & ~15ull;
    uint64_t at = bottom - slots;
    uint64_t *slot = (uint64_t *)(area->here + at);
    uint64_t random = shared_area_put(&top, stack->random, sizeof stack->random);
    uint64_t name = shared_area_put_string(&top, stack->name);
    uint64_t path = stack->path ? shared_area_put_string(&top, stack->path) : name;
    *slot++ = stack->argument_count + 1;
    *slot++ = name;
    for (uint64_t i = 0; i < stack->argument_count; i++)
        *slot++ = shared_area_put_string(&top, stack->arguments[i]);
    *slot++ = 0;
    for (uint64_t i = 0; i < stack->environment_count; i++)
        *slot++ = shared_area_put_string(&top, stack->environment[i]);
    *slot++ = 0;
    /* There are no users, and starting a program gains no rights. */
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
    _Static_assert(sizeof vector == AUXILIARY_SLOTS * sizeof *vector, "room");
    memcpy(slot, vector, sizeof vector);
    return area->there + at;
}
