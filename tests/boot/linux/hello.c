/* Built for Linux by an ordinary toolchain: nothing in it knows of another kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

const char *greet(const char *who, char *text, int size);
int calls_so_far(void);

static __attribute__((constructor)) void before_main(void)
{
    puts("hello: a constructor ran");
}

int main(int argc, char **argv)
{
    char text[64], line[64] = "";
    greet(getenv("WHO"), text, sizeof text);
    printf("hello: %s, %d, %.2f, %s\n", text, calls_so_far(), 2.5, argc > 1 ? argv[1] : "");
    FILE *file = fopen("/etc/motd", "r");
    if (!file || !fgets(line, sizeof line, file))
        return 1;
    printf("hello: /etc/motd begins with %s", line);
    if (fopen("/etc/nothing", "r"))
        return 2;
    unsigned char *large = malloc(1 << 20);
    memset(large, 7, 1 << 20);
    int sum = large[0] + large[(1 << 20) - 1];
    free(large);
    if (sum != 14 || time(NULL) < 1700000000)
        return 3;
    printf("hello: phdr %d, base %d, entry %d, page size %lu, secure %lu, vdso %lu, executable %s\n",
           getauxval(AT_PHDR) != 0, getauxval(AT_BASE) != 0, getauxval(AT_ENTRY) != 0, getauxval(AT_PAGESZ),
           getauxval(AT_SECURE), getauxval(AT_SYSINFO_EHDR), (const char *)getauxval(AT_EXECFN));
    return 0;
}
