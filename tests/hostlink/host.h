/* A host of libs/hostlink whose address space is plain memory, and that keeps accounts of all that it gives. */
#ifndef HOST_H
#define HOST_H
#include <hostlink/split_mix.h>
#include <hostlink/target.h>

#define RECORDS_MAX 4096

/* HOST_LIVES_THERE: the target is this very memory. HOST_MOVES: mapping staging memory takes it away. */
enum host_mode { HOST_STAGES, HOST_LIVES_THERE, HOST_MOVES };

/* A piece of the memory that Python provides; never used twice, so that late use shows. */
struct piece {
    uint8_t *bytes;
    uint64_t size;
    uint64_t users; /* staging memory: its view, and each mapping of it */
};

struct mapped {
    uint64_t address, size;
    unsigned prot;
    const uint8_t *bytes;
    struct piece *piece; /* of staging memory; NULL: a file's, or fresh */
};

struct host_file {
    const char *name;
    const uint8_t *bytes;
    uint64_t size;
};

struct host {
    /* Set by Python. */
    uint8_t *memory;
    uint64_t memory_size;
    const struct host_file *files; /* the first one is the program */
    uint64_t file_count;
    uint64_t mode;
    uint64_t fail_at;              /* this call, counted from 1, fails; 0: none */

    /* Read by Python. */
    uint64_t calls;                /* that can fail */
    uint64_t allocations, stagings, mappings, ranges; /* alive */
    uint64_t messages;             /* lines that were logged */
    char problem[256];             /* the first rule that the library broke */
    char message[512];             /* the last line */

    /* The host's own. */
    uint64_t memory_used, random;
    struct piece pieces[RECORDS_MAX];
    uint64_t piece_count;
    struct mapped mapped[RECORDS_MAX];
    struct linker linker;
    struct target target;
};

void host_problem(struct host *host, const char *text);
bool host_fails(struct host *host);
/* Zeroed; NULL: this call is to fail, or there is no more. */
struct piece *host_piece(struct host *host, uint64_t size, uint64_t align);
void host_unuse(struct host *host, struct piece *piece);

/* Memory of the table. */
void *host_allocate(void *context, uint64_t *size);
void host_release(void *context, void *block, uint64_t size);
bool host_stage(void *context, struct staging *staging);
void host_unstage(void *context, const struct staging *staging);
uint64_t host_reserve(void *context, uint64_t size, uint64_t align);
void host_unreserve(void *context, uint64_t address, uint64_t size);
size_t host_map(void *context, const struct target_mapping *mappings, size_t count);
void host_unmap(void *context, uint64_t address, uint64_t size);
bool host_protect(void *context, uint64_t address, uint64_t size, unsigned prot);
#endif
