/* What libc must do on this system; the same source is linked in both forms. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <complex.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "check.h"

static void check_printf(void)
{
    char text[128];
    volatile size_t small = 4; /* volatile: the compiler would warn of what is cut off */
    CHECK(snprintf(text, sizeof text, "%d %s %5.2f %#x %c", -5, "abc", 3.14159, 255, 'z') == 19);
    CHECK(strcmp(text, "-5 abc  3.14 0xff z") == 0);
    CHECK(snprintf(text, small, "abcdef") == 6 && strcmp(text, "abc") == 0);
    CHECK(snprintf(text, sizeof text, "%Lg", 0.5L) == 3 && strcmp(text, "0.5") == 0);
    CHECK(snprintf(text, sizeof text, "%" PRIu64, UINT64_MAX) == 20);
    int a;
    double b;
    CHECK(sscanf("42 2.5", "%d %lf", &a, &b) == 2 && a == 42 && b == 2.5);
}

static void check_malloc(void)
{
    unsigned char *blocks[64];
    for (int i = 0; i < 64; i++) {
        size_t size = (size_t)(i * i * 17 + 1);
        blocks[i] = malloc(size);
        CHECK(blocks[i] != NULL);
        memset(blocks[i], i, size);
    }
    for (int i = 0; i < 64; i += 2)
        free(blocks[i]);
    for (int i = 1; i < 64; i += 2) {
        size_t size = (size_t)(i * i * 17 + 1);
        CHECK(blocks[i][0] == i && blocks[i][size - 1] == i);
        blocks[i] = realloc(blocks[i], size * 3);
        CHECK(blocks[i][size - 1] == i);
        free(blocks[i]);
    }
    unsigned char *large = calloc(1, 3 << 20);
    CHECK(large && !large[0] && !large[(3 << 20) - 1]);
    free(large);
    void *aligned = aligned_alloc(4096, 8192);
    CHECK(aligned && (uintptr_t)aligned % 4096 == 0);
    free(aligned);
    /* volatile: compilers assume that malloc succeeds, and that it leaves errno alone */
    volatile int *error = &errno;
    *error = 0;
    void *volatile too_much = malloc(SIZE_MAX / 4);
    CHECK(too_much == NULL && *error == ENOMEM);
}

static void check_strings(void)
{
    char text[64];
    CHECK(strlen("hello") == 5 && strcmp("a", "b") < 0 && strchr("hello", 'l')[1] == 'l');
    CHECK(strcmp(strstr("find the needle here", "needle"), "needle here") == 0);
    memcpy(text, "0123456789", 11);
    memmove(text + 3, text, 8);
    CHECK(memcmp(text, "01201234567", 11) == 0);
    memmove(text, text + 3, 8);
    CHECK(memcmp(text, "01234567", 8) == 0);
    CHECK(strtol("-0x1f", NULL, 0) == -31 && strtoull("18446744073709551615", NULL, 10) == UINT64_MAX);
    CHECK(strtod("1e-3", NULL) == 0.001 && toupper('q') == 'Q');
    CHECK(wcslen(L"wide") == 4);
    CHECK(strcmp(strerror(ENOENT), "No such file or directory") == 0);
}

static void check_math(void)
{
    CHECK(sqrt(2.0) > 1.41421356 && sqrt(2.0) < 1.41421357);
    CHECK(fabs(sin(1.0) - 0.8414709848078965) < 1e-15);
    CHECK(fabs(exp(log(10.0)) - 10.0) < 1e-14);
    CHECK(pow(2.0, 10.0) == 1024.0 && floor(-1.5) == -2.0 && fmod(7.5, 2.0) == 1.5);
    /* 64 bits of mantissa would allow 1e-18, but emulators compute x87's fpatan in double precision. */
    CHECK(fabsl(atanl(1.0L) * 4 - 3.14159265358979323846L) < 1e-15L);
    CHECK(sqrtl(2.0L) * sqrtl(2.0L) - 2.0L < 1e-18L);
    double complex product = (1.0 + 2.0 * I) * (3.0 - 1.0 * I);
    CHECK(creal(product) == 5.0 && cimag(product) == 5.0);
    CHECK(isinf(1.0 / 0.0) && isnan(0.0 / 0.0));
}

static void check_wide_division(void)
{
    unsigned __int128 number = 1;
    int wrong = 0;
    for (int i = 0; i < 2000; i++) {
        number = number * ((unsigned __int128)0x2360ed051fc65da4 << 64 | 0x4385df649fccf645) + 0x5851f42d4c957f2d;
        volatile unsigned __int128 value = number >> (i * 7 % 128), divisor = (number ^ number << 31) >> (i * 13 % 127) | 1;
        unsigned __int128 quotient = value / divisor, rest = value % divisor;
        wrong += rest >= divisor || quotient * divisor + rest != value;
        volatile __int128 signed_value = (__int128)value, signed_divisor = (__int128)divisor;
        __int128 signed_quotient = signed_value / signed_divisor, signed_rest = signed_value % signed_divisor;
        wrong += signed_quotient * signed_divisor + signed_rest != signed_value;
        wrong += signed_rest && (signed_rest < 0) != (signed_value < 0);
    }
    CHECK(wrong == 0);
}

static int compare_numbers(const void *left, const void *right)
{
    return *(const int *)left - *(const int *)right;
}

static void check_sort(void)
{
    int numbers[100];
    for (int i = 0; i < 100; i++)
        numbers[i] = i * 37 % 101;
    qsort(numbers, 100, sizeof *numbers, compare_numbers);
    int sorted = 1;
    for (int i = 1; i < 100; i++)
        sorted &= numbers[i - 1] <= numbers[i];
    CHECK(sorted);
    int key = 37, *found = bsearch(&key, numbers, 100, sizeof *numbers, compare_numbers);
    CHECK(found && *found == 37);
}

static jmp_buf back;

static void check_setjmp(void)
{
    volatile int rounds = 0;
    int value = setjmp(back);
    if (value < 3) {
        rounds++;
        longjmp(back, value + 1);
    }
    CHECK(value == 3 && rounds == 3);
}

static void check_time(void)
{
    struct timespec before, after, pause = {.tv_nsec = 20000000};
    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    CHECK(nanosleep(&pause, NULL) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    long long passed = (after.tv_sec - before.tv_sec) * 1000000000ll + after.tv_nsec - before.tv_nsec;
    CHECK(passed >= 20000000 && passed < 1000000000);
    time_t now = time(NULL);
    CHECK(now > 1700000000);
    struct tm calendar;
    time_t moment = 86400 * 365;
    CHECK(gmtime_r(&moment, &calendar) && calendar.tm_year == 71);
    char text[32];
    CHECK(strftime(text, sizeof text, "%Y-%m-%d", &calendar) == 10 && strcmp(text, "1971-01-01") == 0);
}

static void check_environment(int argc, char **argv)
{
    CHECK(argc == 3 && strcmp(argv[1], "first") == 0 && strcmp(argv[2], "second word") == 0 && !argv[3]);
    CHECK(getenv("GIVEN") && strcmp(getenv("GIVEN"), "value") == 0);
    CHECK(!getenv("ABSENT"));
    CHECK(setenv("NEW", "1", 1) == 0 && strcmp(getenv("NEW"), "1") == 0);
    struct utsname name;
    CHECK(uname(&name) == 0 && strcmp(name.sysname, "Ambilink") == 0);
    char folder[8];
    CHECK(getcwd(folder, sizeof folder) && strcmp(folder, "/") == 0);
}

static void check_files(void)
{
    FILE *file = fopen("etc/numbers", "r");
    CHECK(file != NULL);
    if (!file)
        return;
    int sum = 0, number, count = 0;
    while (fscanf(file, "%d", &number) == 1) {
        sum += number;
        count++;
    }
    CHECK(count == 2000 && sum == 1999000);
    CHECK(feof(file) && !ferror(file));
    CHECK(fseek(file, 2, SEEK_SET) == 0 && fgetc(file) == '1' && ftell(file) == 3);
    fclose(file);
    int descriptor = open("/etc/numbers", O_RDONLY);
    struct stat status;
    CHECK(descriptor > 2 && fstat(descriptor, &status) == 0 && status.st_size == 8890 && S_ISREG(status.st_mode));
    char bytes[4];
    CHECK(lseek(descriptor, -2, SEEK_END) == 8888 && read(descriptor, bytes, 4) == 2 && bytes[0] == '9');
    CHECK(read(descriptor, bytes, 4) == 0);
    CHECK(pread(descriptor, bytes, 3, 0) == 3 && memcmp(bytes, "0\n1", 3) == 0);
    CHECK(close(descriptor) == 0 && close(descriptor) == -1 && errno == EBADF);
    CHECK(open("etc/absent", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(open("etc/numbers", O_WRONLY) == -1 && errno == EROFS);
    CHECK(access("etc/numbers", R_OK) == 0 && access("etc/absent", R_OK) == -1);
    CHECK(isatty(1) == 1);
}

/* Paths as POSIX has them, where the image's root is root and working folder. */
static void check_paths(void)
{
    const char *good[] = {"etc//numbers", "//etc/numbers", "/./etc/./numbers", "etc/../etc/numbers", "../../etc/numbers",
                          "lib/../etc/numbers", "./././etc/../lib/.././etc//numbers"};
    struct stat status;
    for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
        int descriptor = open(good[i], O_RDONLY);
        CHECK(descriptor > 2 && fstat(descriptor, &status) == 0 && status.st_size == 8890);
        CHECK(stat(good[i], &status) == 0 && S_ISREG(status.st_mode) && close(descriptor) == 0);
    }
    CHECK(open("etc/numbers/", O_RDONLY) == -1 && errno == ENOTDIR);
    CHECK(open("etc/numbers/.", O_RDONLY) == -1 && errno == ENOTDIR);
    CHECK(open("etc/numbers/../numbers", O_RDONLY) == -1 && errno == ENOTDIR);
    CHECK(open("absent/../etc/numbers", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(open("", O_RDONLY) == -1 && errno == ENOENT);
    CHECK(open("lib/libc.so", O_RDONLY) == -1 && (errno == EACCES || errno == ENOENT)); /* which the manifest does not list */
    static char path[5000];
    memset(path, '/', sizeof path - 1);
    CHECK(open(path, O_RDONLY) == -1 && errno == ENAMETOOLONG);
    strcpy(path + 4000, "etc/numbers");
    int descriptor = open(path, O_RDONLY), folder = open("etc", O_RDONLY | O_DIRECTORY);
    CHECK(descriptor > 2 && close(descriptor) == 0);
    CHECK(folder > 2 && read(folder, path, 1) == -1 && errno == EISDIR && close(folder) == 0);
    CHECK(open("etc/numbers", O_RDONLY | O_DIRECTORY) == -1 && errno == ENOTDIR);
    CHECK(stat("/", &status) == 0 && S_ISDIR(status.st_mode) && stat("etc/..", &status) == 0 && access("etc", X_OK) == 0);
    /* A duplicate keeps the file. */
    int first = open("etc/numbers", O_RDONLY), second = dup(first);
    CHECK(second > first && close(first) == 0 && read(second, path, 1) == 1 && path[0] == '0' && close(second) == 0);
    for (int i = 0; i < 200; i++)
        if (stat("etc/numbers", &status) != 0 || (first = open("etc/numbers", O_RDONLY)) < 0 || close(first) != 0)
            CHECK(!"descriptors are given back");
}

static void check_memory(void)
{
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(page != MAP_FAILED && page[8191] == 0);
    page[0] = 1;
    CHECK(mprotect(page, 4096, PROT_READ) == 0 && page[0] == 1);
    CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == -1 && errno == EACCES);
    CHECK(munmap(page, 8192) == 0);
    CHECK(fork() == -1 && errno == ENOSYS);
}

int main(int argc, char **argv)
{
    check_printf();
    check_malloc();
    check_strings();
    check_math();
    check_wide_division();
    check_sort();
    check_setjmp();
    check_time();
    check_environment(argc, argv);
    check_files();
    check_paths();
    check_memory();
    return checks_finish("libc");
}
