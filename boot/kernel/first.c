/* The first process: the loader service, a static program that the boot image's directory names. */
#include <ambilink/start.h>
#include <bootimage/archive.h>
#include <rtld/elf.h>

#include "kernel.h"

#define STACK_SIZE (32 * PAGE_SIZE)
#define RANDOM_SIZE 16

/* One page that the process reads and cannot write. */
struct start_page {
    struct start_info info;
    uint8_t random[RANDOM_SIZE];
    char name[PROCESS_NAME_MAX];
    char command_line[256];
};
_Static_assert(sizeof(struct start_page) <= PAGE_SIZE, "one page");

static uint32_t grant(struct process *process, void *object, uint32_t rights)
{
    int64_t handle = handle_insert(process, object, rights, 0);
    if (handle < 0)
        panic("no handle for the first process: status %d", handle);
    return (uint32_t)handle;
}

static uint64_t map_fresh(struct process *process, uint64_t size, unsigned prot, struct memory **memory)
{
    *memory = memory_create(size);
    int64_t address = *memory ? process_map(process, *memory, 0, size, 0, prot) : STATUS_NO_MEMORY;
    if (address < 0)
        panic("no memory for the first process: status %d", address);
    object_release(*memory);
    return (uint64_t)address;
}

static void copy_string(char *to, const char *from, size_t size)
{
    while (--size && *from)
        *to++ = *from++;
    *to = 0;
}

static uint64_t make_start_page(struct process *process, struct memory *archive, const char *name, const char *command_line)
{
    struct memory *memory;
    uint64_t address = map_fresh(process, PAGE_SIZE, PROT_READ_ONLY, &memory);
    struct start_page *page = physical_pointer(memory_frame(memory, 0));
    page->info.magic = START_MAGIC;
    page->info.handle[START_HANDLE_SELF] = grant(process, process, RIGHT_MANAGE | RIGHT_DUPLICATE | RIGHT_TRANSFER);
    page->info.handle[START_HANDLE_SYSTEM] =
        grant(process, system_object_pointer(), RIGHT_LOG | RIGHT_POWER | RIGHT_DUPLICATE | RIGHT_TRANSFER);
    page->info.handle[START_HANDLE_IMAGE] =
        grant(process, archive, RIGHT_READ | RIGHT_EXECUTE | RIGHT_DUPLICATE | RIGHT_TRANSFER);
    page->info.image_size = archive->size;
    for (unsigned i = 0; i < RANDOM_SIZE; i += 8) {
        uint64_t word = random_next();
        memory_copy(page->random + i, &word, sizeof word);
    }
    copy_string(page->name, name, sizeof page->name);
    copy_string(page->command_line, command_line, sizeof page->command_line);
    return address;
}

/* The System V initial stack; returns the stack pointer. */
static uint64_t make_stack(struct process *process, const struct program *program, uint64_t start_page)
{
    uint64_t name = start_page + offsetof(struct start_page, name);
    uint64_t words[] = {
        2, name, start_page + offsetof(struct start_page, command_line), 0, /* argc, argv */
        0,                                                                  /* no environment */
        AT_PHDR, program->program_headers,
        AT_PHENT, sizeof(struct elf_segment),
        AT_PHNUM, program->program_header_count,
        AT_PAGESZ, PAGE_SIZE,
        AT_BASE, 0,
        AT_ENTRY, program->entry,
        AT_RANDOM, start_page + offsetof(struct start_page, random),
        AT_EXECFN, name,
        AT_START, start_page,
        AT_NULL, 0,
    };
    struct memory *memory;
    uint64_t bottom = map_fresh(process, STACK_SIZE, PROT_READ_WRITE, &memory);
    uint64_t pointer = (bottom + STACK_SIZE - sizeof words) & ~15ull;
    if (!user_write(process, pointer, words, sizeof words))
        panic("the first stack cannot be written");
    return pointer;
}

void first_process_start(const char *command_line)
{
    if (!image_place.size || image_place.address % PAGE_SIZE ||
        !frames_exist(image_place.address, image_place.address + image_place.size))
        panic("no boot image in memory: the machine is too small for it, or the kernel was not packed");
    struct archive archive;
    const char *rule = archive_open(&archive, physical_pointer(image_place.address), image_place.size);
    if (rule)
        panic("boot image refused: %s", rule);
    const struct image_file *file = archive_file(&archive, archive.header->loader_file);
    const char *name = archive_string(&archive, file->name);
    if (!archive_file_intact(&archive, file))
        panic("boot image refused: %s does not match its digest", name);
    kernel_record.image_address = image_place.address;
    kernel_record.image_size = image_place.size;

    struct memory *run = memory_create_run(image_place.address, image_place.size);
    struct process *process = run ? process_create("loader", 6) : NULL;
    if (!process)
        panic("no memory for the first process");
    struct program program;
    if (!elf_load(process, run, file->offset, file->size, &program, &rule))
        panic("%s refused: %s", name, rule);
    uint64_t start_page = make_start_page(process, run, name, command_line);
    uint64_t stack = make_stack(process, &program, start_page);
    if (!thread_create(process, program.entry, stack, 0))
        panic("no memory for the first thread");
}
