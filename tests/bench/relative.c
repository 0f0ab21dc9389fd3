/* Relative relocations, 10^6 of them, in a shared object made here: nanoseconds each as DT_RELA and as DT_RELR, and
 * what copying as many bytes takes (the table that is read, the words that are written). */
#include <rtld/link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT 1000000ull
#define ROUNDS 15
#define PAGE 4096ull
#define COPY_SIZE (128ull << 20)

struct file {
    uint8_t *bytes;
    uint64_t size, table_size;
};

static uint64_t page_up(uint64_t size)
{
    return (size + PAGE - 1) & -PAGE;
}

/* Headers, dynamic section and table in one read-only segment, then the words in a writable one. */
static struct file make(bool packed)
{
    uint64_t bitmaps = (COUNT - 1 + 62) / 63;
    uint64_t table_size = packed ? (1 + bitmaps) * 8 : COUNT * sizeof(struct elf_rela);
    uint64_t table = PAGE, words = page_up(table + table_size), size = words + page_up(COUNT * 8);
    uint8_t *bytes = aligned_alloc(PAGE, size);
    memset(bytes, 0, size);
    struct elf_header *header = (void *)bytes;
    *header = (struct elf_header){
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof *header,
        .e_phentsize = sizeof(struct elf_segment),
        .e_phnum = 3,
    };
    struct elf_segment *segments = (void *)(bytes + sizeof *header);
    struct elf_dynamic *dynamic = (void *)(bytes + 0x200);
    segments[0] = (struct elf_segment){PT_LOAD, PF_R, 0, 0, 0, table + table_size, table + table_size, PAGE};
    segments[1] = (struct elf_segment){PT_LOAD, PF_R | PF_W, words, words, 0, COUNT * 8, COUNT * 8, PAGE};
    segments[2] = (struct elf_segment){PT_DYNAMIC, PF_R, 0x200, 0x200, 0, 0x100, 0x100, 8};
    dynamic[0] = (struct elf_dynamic){packed ? DT_RELR : DT_RELA, table};
    dynamic[1] = (struct elf_dynamic){packed ? DT_RELRSZ : DT_RELASZ, table_size};
    dynamic[2] = (struct elf_dynamic){packed ? DT_RELRENT : DT_RELAENT, packed ? 8 : sizeof(struct elf_rela)};
    if (packed) {
        uint64_t *entries = (void *)(bytes + table);
        entries[0] = words;
        for (uint64_t i = 0, left = COUNT - 1; i < bitmaps; i++, left -= left < 63 ? left : 63)
            entries[1 + i] = left >= 63 ? UINT64_MAX : ((1ull << left) - 1) << 1 | 1;
    } else {
        struct elf_rela *entries = (void *)(bytes + table);
        for (uint64_t i = 0; i < COUNT; i++)
            entries[i] = (struct elf_rela){words + i * 8, 8, (int64_t)(i * 16)};
    }
    return (struct file){bytes, size, table_size};
}

static uint8_t *staged;

static void *memory(void *context, uint64_t *size)
{
    (void)context;
    return malloc(*size);
}

static void release(void *context, void *block, uint64_t size)
{
    (void)context;
    (void)size;
    free(block);
}

static bool open_file(void *context, const struct module *referrer, const char *name, struct file_view *file)
{
    (void)context, (void)referrer, (void)name, (void)file;
    return false;
}

static bool place(void *context, const struct module *module, uint64_t *bias)
{
    (void)context;
    *bias = 0x10000000 - module->low;
    return true;
}

static void *stage(void *context, const struct module *module, const struct segment *segment, bool *filled)
{
    (void)context, (void)module, (void)segment;
    *filled = true;
    return staged;
}

static bool report(void *context, const struct report *about)
{
    char text[200];
    (void)context;
    report_text(about, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, compare);
    return values[ROUNDS / 2];
}

static double relocate(const struct file *file)
{
    const struct link_host host = {
        .memory = memory,
        .release = release,
        .open = open_file,
        .place = place,
        .stage = stage,
        .report = report,
    };
    double times[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        struct link link;
        struct file_view view = {file->bytes, file->size, 0, false};
        link_init(&link, &host);
        if (!link_load(&link, "relative", &view) || !link_place(&link))
            exit(1);
        double start = now();
        if (!link_relocate(&link))
            exit(1);
        times[i] = now() - start;
        link_end(&link);
    }
    uint64_t last;
    memcpy(&last, staged + (COUNT - 1) * 8, 8);
    if (last == 0)
        exit(1);
    return median(times);
}

/* Nanoseconds to copy `size` bytes, by copying as much as no cache holds. */
static double copy(uint64_t size)
{
    static uint8_t *from, *to;
    double times[ROUNDS];
    if (!from) {
        from = malloc(COPY_SIZE);
        to = malloc(COPY_SIZE);
        memset(from, 1, COPY_SIZE);
        memset(to, 2, COPY_SIZE);
    }
    for (int i = 0; i < ROUNDS; i++) {
        double start = now();
        memcpy(to, from, COPY_SIZE);
        times[i] = now() - start;
        __asm__ volatile("" : : "r"(to) : "memory");
    }
    return median(times) * (double)size / COPY_SIZE;
}

int main(void)
{
    staged = aligned_alloc(PAGE, page_up(COUNT * 8));
    memset(staged, 0, COUNT * 8);
    for (int packed = 0; packed < 2; packed++) {
        struct file file = make(packed);
        /* As a copy moves them: half of the traffic is read, half is written. RELR reads each word as well. */
        uint64_t moved = (file.table_size + COUNT * 8 * (packed ? 2 : 1)) / 2;
        printf("%s %.3f %.3f\n", packed ? "RELR" : "RELA", relocate(&file) / COUNT, copy(moved) / COUNT);
    }
}
