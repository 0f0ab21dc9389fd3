#include "image/image.h"

#include "base/log.h"
#include "base/record.h"
#include "base/work.h"
#include "cpu.h"
#include "image/trust.h"
#include "memory/area.h"
#include "memory/frames.h"
#include "memory/guard.h"

_Static_assert(TREE_INTACT == GUARD_INTACT, "the tree's states are the guard's");

#define CHECKED_EARLY 32 /* pages of a mapping, up to which comparing all costs less than the faults of those that are used */

#define KERNEL_DAMAGED "boot image refused: the kernel is damaged, or not the one that was packed"

struct boot_image boot_image;

static void log_damage(uint64_t page)
{
    const struct image_file *file = boot_image_file_at(page * PAGE_SIZE);
    boot_image.damaged = true;
    if (file)
        log_format("kernel: %s: page %u is damaged: the boot image was altered\n", boot_image_name(file),
                   (unsigned)(page - file->offset / PAGE_SIZE));
    else
        log_format("kernel: page %u of the boot image is damaged\n", (unsigned)page);
}

/* What comparing a page costs, in units of base/work.h. */
#define WORK_OF_CHECKSUM 2
#define WORK_OF_HASH WORK_OF_ENTRY /* one in an entry */

static inline bool is_hashed(void)
{
    return boot_image.tree.kind != IMAGE_DIGEST_CRC32C;
}

/* A hash is computed in registers that hold the state of the thread that was here last. */
static __attribute__((noinline)) bool compare_hash(uint64_t page)
{
    static uint8_t fpu[FPU_STATE_SIZE] __attribute__((aligned(16)));
    cpu_fpu_save(fpu);
    bool good = tree_check_page(&boot_image.tree, page);
    cpu_fpu_load(fpu);
    return good;
}

/* Of a damaged page it is logged the first time. */
static bool is_intact(uint64_t page)
{
    if (boot_image.tree.state[page] != TREE_UNKNOWN)
        return boot_image.tree.state[page] == TREE_INTACT;
    const bool hashed = is_hashed();
    work_did(hashed ? WORK_OF_HASH : WORK_OF_CHECKSUM);
    if (hashed ? compare_hash(page) : tree_check_page(&boot_image.tree, page))
        return true;
    boot_image.tree.state[page] = TREE_DAMAGED;
    log_damage(page);
    return false;
}

/* One page is hashed in a step: those of the tree that lead to a page come before it. */
static bool is_next(uint64_t page)
{
    const uint64_t next = tree_next_page(&boot_image.tree, page);
    return next == page || !is_intact(next);
}

static bool frame_is_next(uint64_t frame)
{
    return is_next((frame - image_place.address) / PAGE_SIZE);
}

bool boot_image_check(uint64_t offset, uint64_t size)
{
    for (uint64_t page = offset / PAGE_SIZE, end = PAGE_UP(offset + size) / PAGE_SIZE; page < end; page++) {
        while (is_hashed() && !is_next(page))
            work_pause();
        if (!is_intact(page))
            return false;
        work_pause();
    }
    return true;
}

bool boot_image_check_file(const struct image_file *file)
{
    uint64_t at = 0;
    for (unsigned i = 0; i < IMAGE_UNREAD_RUNS; i++) {
        const struct image_run *run = &file->unread[i];
        if (!boot_image_check(file->offset + at, (uint64_t)run->page * PAGE_SIZE - at))
            return false;
        at = (run->page + (uint64_t)run->pages) * PAGE_SIZE;
    }
    return boot_image_check(file->offset + at, PAGE_UP(file->size) - at);
}

static bool check_frame(uint64_t frame)
{
    return is_intact((frame - image_place.address) / PAGE_SIZE);
}

static void check_frames(uint64_t frame, uint64_t count)
{
    for (; count--; frame += PAGE_SIZE)
        check_frame(frame);
}

static void *find_archive(void)
{
    if (!image_place.size || image_place.address % PAGE_SIZE ||
        !frames_exist(image_place.address, image_place.address + image_place.size))
        panic("no boot image in memory: the machine is too small for it, or the kernel was not packed");
    return physical_pointer(image_place.address);
}

/* The code of Ed25519 and BLAKE3 is a tenth of the kernel, and most images need none of it. */
static void check_signing(const struct image_header *header)
{
    if (!trust_wants_signature() && header->digest_kind != IMAGE_DIGEST_BLAKE3)
        return;
    if (header->signing_checksum != kernel_sum_of_signing())
        panic(KERNEL_DAMAGED);
}

static void open_tree(const void *bytes)
{
    const struct image_header *header = bytes;
    const char *rule = tree_check_header(bytes, image_place.size);
    if (header->magic == IMAGE_MAGIC && header->version != IMAGE_VERSION)
        panic("boot image refused: its archive has version %u, this kernel reads version %u", header->version,
              IMAGE_VERSION);
    if (rule)
        panic("boot image refused: %s", rule);
    trust_check_signer(header);
    check_signing(header);
    trust_check_signature(header);
    uint8_t *state = kernel_alloc(PAGE_UP(image_place.size / PAGE_SIZE));
    if (!state)
        panic("no memory for the boot image's directory");
    tree_init(&boot_image.tree, bytes, state);
}

static void open_directory(const void *bytes)
{
    const struct image_header *header = bytes;
    uint64_t page;
    if (!tree_check_range(&boot_image.tree, 0, header->directory_size, &page))
        panic("boot image refused: page %u, of its directory, is damaged", (unsigned)page);
    const char *rule = archive_open(&boot_image.archive, bytes, image_place.size);
    if (rule)
        panic("boot image refused: %s", rule);
}

void boot_image_open(uint32_t kernel_sum)
{
    const struct image_header *header = find_archive();
    open_tree(header);
    if (header->kernel_checksum != kernel_sum)
        panic(KERNEL_DAMAGED);
    open_directory(header);
    kernel_record.image_address = image_place.address;
    kernel_record.image_size = image_place.size;
    page_guard = (struct page_guard){
        .start = image_place.address,
        .state = boot_image.tree.state,
        .check = check_frame,
        .check_early = check_frames,
        .is_next = is_hashed() ? frame_is_next : NULL,
        .early = is_hashed() ? 0 : CHECKED_EARLY, /* a hash costs too much before the page is needed */
    };
    boot_image.run = memory_create_run(image_place.address, image_place.size);
    if (!boot_image.run)
        panic("no memory for the boot image's directory");
}

void boot_image_compare_kernel(uint32_t kernel_sum)
{
    if (boot_image.archive.header->kernel_checksum ^ kernel_sum)
        panic("the kernel is damaged");
}

const char *boot_image_name(const struct image_file *file)
{
    return archive_string(&boot_image.archive, file->name);
}

const struct image_file *boot_image_file_at(uint64_t offset)
{
    const struct archive *archive = &boot_image.archive;
    for (uint32_t i = 0; i < archive->header->file_count; i++)
        if (offset - archive->files[i].offset < PAGE_UP(archive->files[i].size))
            return &archive->files[i];
    return NULL;
}
