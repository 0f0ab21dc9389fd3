/* Looks at the running system from inside: programs and data of the image are read through the files service and
 * their digests compared with the directory's (libraries the loader compared before it mapped them), a program is started by name, and the loader is asked what is
 * loaded where. */
#include <ambilink/image.h>
#include <digest/blake2b.h>
#include <log/log.h>
#include <protocol/files.h>
#include <protocol/loader.h>
#include <protocol/names.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int digest_self_test_passed;

static int check_file(const struct files_entry *entry)
{
    static char buffer[32768];
    FILE *file = fopen(entry->name, "rb");
    if (!file) {
        log_line(LOG_ERROR, "%s cannot be opened", entry->name);
        return 1;
    }
    struct blake2b hash;
    uint8_t digest[BLAKE2B_SIZE];
    size_t count, total = 0;
    blake2b_init(&hash);
    setvbuf(file, NULL, _IONBF, 0);
    while ((count = fread(buffer, 1, sizeof buffer, file))) {
        blake2b_update(&hash, buffer, count);
        total += count;
    }
    fclose(file);
    blake2b_finish(&hash, digest);
    if (total == entry->size && memcmp(digest, entry->digest, sizeof digest) == 0)
        return 0;
    log_line(LOG_ERROR, "%s differs from its digest", entry->name);
    return 1;
}

static int check_files(void)
{
    int64_t files = names_lookup("files");
    if (files < 0) {
        log_line(LOG_ERROR, "no files service: status %lld", (long long)files);
        return 1;
    }
    int failures = 0;
    uint64_t count = 0, bytes = 0;
    struct files_entry entry;
    for (uint64_t i = 0; files_list((handle_t)files, i, &entry) == STATUS_OK; i++) {
        if (entry.kind == IMAGE_FILE_LIBRARY || entry.kind == IMAGE_FILE_INTERPRETER)
            continue;
        failures += check_file(&entry);
        bytes += entry.size;
        count++;
    }
    printf("%llu files, %llu bytes, %d damaged\n", (unsigned long long)count, (unsigned long long)bytes, failures);
    return failures || !count;
}

static int run(const char *service)
{
    int64_t process = loader_start(service);
    int64_t status = -1;
    if (process < 0 || loader_wait((uint64_t)process, &status) != STATUS_OK) {
        log_line(LOG_ERROR, "%s cannot be started: status %lld", service, (long long)process);
        return 1;
    }
    printf("%s ran as process %lld, exit status %lld\n", service, (long long)process, (long long)status);
    return status != 0;
}

/* One line a process: how much of it is the image's own pages, how much its own. */
static int report_processes(void)
{
    uint64_t process, index = 0;
    char name[LOADER_PROCESS_NAME_MAX];
    for (; loader_process(index, &process, name) == STATUS_OK; index++) {
        uint64_t read_only = 0, writable = 0, count = 0;
        struct loader_module module;
        for (; loader_module(process, count, &module) == STATUS_OK; count++) {
            read_only += module.read_only;
            writable += module.writable;
        }
        printf("%-10s %2llu objects, %5llu KiB read-only, %4llu KiB writable\n", name, (unsigned long long)count,
               (unsigned long long)read_only / 1024, (unsigned long long)writable / 1024);
    }
    return index == 0;
}

int main(void)
{
    if (!digest_self_test_passed) {
        log_line(LOG_ERROR, "constructors did not run");
        return EXIT_FAILURE;
    }
    int failed = check_files();
    failed |= run("fortune");
    failed |= report_processes();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
