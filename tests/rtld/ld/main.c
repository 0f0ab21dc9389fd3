/* From the kernel's entry to the program's. */
#include <rtld/self.h>

#include "ld.h"

#include <string.h>

#define SURPLUS 1664 /* as glibc has it */

struct ld ld;

extern const struct elf_dynamic _DYNAMIC[] HIDDEN;
extern const struct elf_header __ehdr_start HIDDEN;
HIDDEN uint64_t ld_main(uint64_t *stack);

static const char *variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (strlen(*environment) > length && memcmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

static uint64_t *auxiliary(uint64_t *vector, uint64_t type)
{
    for (; *vector; vector += 2)
        if (*vector == type)
            return vector + 1;
    system_say("ld: the kernel's auxiliary vector lacks an entry\n");
    system_exit(127);
}

/* The words of LD_PRELOAD, cut in place. */
static void take_preload(char *words)
{
    static const char *names[8];
    ld.link.settings.preload = names;
    while (*words && ld.link.settings.preload_count < 8) {
        names[ld.link.settings.preload_count++] = words;
        while (*words && *words != ':' && *words != ' ')
            words++;
        if (*words)
            *words++ = 0;
    }
}

static bool load_program(const char *path)
{
    struct link *link = &ld.link;
    struct file_view file;
    if (!ld_view(path, &file)) {
        system_say("ld: cannot read ");
        system_say(path);
        system_say("\n");
        return false;
    }
    link->settings.tls_surplus = SURPLUS;
    link->settings.tls_descriptors = (struct link_tls_descriptors){
        (uint64_t)ld_descriptor_fixed, (uint64_t)ld_descriptor_dynamic, (uint64_t)ld_descriptor_absent};
    return link_load(link, path, &file) && link_place(link) && link_relocate(link) && link_order(link);
}

uint64_t ld_main(uint64_t *stack)
{
    ld.base = (uint64_t)&__ehdr_start;
    relocate_self(ld.base, _DYNAMIC);
    uint64_t count = stack[0];
    char **arguments = (char **)(stack + 1), **environment = arguments + count + 1, **end = environment;
    while (*end)
        end++;
    uint64_t *vector = (uint64_t *)end + 1;
    bool is_command = *auxiliary(vector, AT_ENTRY) == ld.base + __ehdr_start.e_entry;
    const char *path = (const char *)*auxiliary(vector, AT_EXECFN);
    if (is_command) {
        if (count < 2) {
            system_say("usage: ld PROGRAM [ARGUMENT...]\n");
            system_exit(127);
        }
        path = arguments[1];
        /* The program finds its own arguments, everything after them moved down by a word. */
        uint64_t *word = stack + 2, *last = vector;
        while (*last)
            last += 2;
        memmove(stack + 1, word, (uint64_t)(last + 2 - word) * sizeof *word);
        stack[0] = count - 1;
        environment--;
        vector--;
    }
    ld.argument_count = (int)stack[0];
    ld.arguments = (char **)(stack + 1);
    ld.environment = environment;
    ld.library_path = variable(environment, "LD_LIBRARY_PATH");
    ld.trace = variable(environment, "LD_TRACE");
    ld_host(&ld.host);
    link_init(&ld.link, &ld.host);
    const char *own_path = "/proc/self/exe";
    if (!is_command) {
        /* The kernel mapped the program: its headers' address tells where. */
        uint64_t headers = *auxiliary(vector, AT_PHDR), number = *auxiliary(vector, AT_PHNUM);
        const struct elf_segment *end_of_headers = (const struct elf_segment *)headers + number;
        for (const struct elf_segment *header = (const void *)headers; header < end_of_headers; header++)
            if (header->p_type == PT_PHDR)
                ld.program_base = headers - header->p_vaddr;
        for (const struct elf_segment *header = (const void *)headers; header < end_of_headers; header++)
            if (header->p_type == PT_INTERP)
                own_path = (const char *)(ld.program_base + header->p_vaddr);
        ld.program_is_mapped = true;
    }
    if (!ld_view(own_path, &ld.itself)) {
        system_say("ld: cannot read its own file\n");
        system_exit(127);
    }
    ld.itself.in_place = true;
    ld.itself.file_id = 1;
    char *preload = (char *)variable(environment, "LD_PRELOAD");
    if (preload)
        take_preload(preload);
    if (!load_program(path))
        system_exit(127);
    struct link *link = &ld.link;
    link_set_debugger(link, (uint64_t)__extension__({ extern char _r_debug[]; _r_debug; }));
    ld_protect(link->results.first);
    if (is_command) {
        *auxiliary(vector, AT_PHDR) = link->results.first->bias + link->results.first->headers_address;
        *auxiliary(vector, AT_PHNUM) = link->results.first->header_count;
        *auxiliary(vector, AT_ENTRY) = link_entry(link);
    }
    ld_thread_start();
    uint64_t entry = link_entry(link);
    link_commit(link);
    ld_tell_debugger(1);
    ld_tell_debugger(0);
    ld.quiet = true;
    /* As everywhere on Linux, the program's own constructors are for its start code to call. */
    ld_call_all(link->results.initializers, link->results.initializer_count - link->results.own_initializer_count);
    return entry;
}
