#define _GNU_SOURCE
#include <search.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "subject.h"

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void sorts(void)
{
    static int values[1000];
    unsigned state = 1, sum = 0;
    for (int i = 0; i < 1000; i++)
        values[i] = (int)((state = state * 1103515245 + 12345) >> 16) % 300;
    qsort(values, 1000, sizeof *values, by_value);
    for (int i = 0; i < 1000; i++)
        sum = sum * 31 + (unsigned)values[i] + (i && values[i] < values[i - 1] ? 1000000 : 0);
    int key = values[500];
    int *found = bsearch(&key, values, 1000, sizeof key, by_value);
    note("%u %d", sum, found && *found == key);
}

static void hashes(void)
{
    ENTRY item = {.key = "one", .data = "1"}, other = {.key = "two", .data = "2"};
    note("%d ", hcreate(100) != 0);
    hsearch(item, ENTER);
    hsearch(other, ENTER);
    ENTRY *found = hsearch((ENTRY){.key = "two"}, FIND);
    note("%s ", found ? (char *)found->data : "-");
    note("%d", !hsearch((ENTRY){.key = "three"}, FIND));
    hdestroy();
}

static int visited;
static void visit(const void *node, VISIT order, int depth)
{
    (void)depth;
    if (order == postorder || order == leaf)
        visited = visited * 10 + **(int *const *)node;
}

static void trees(void)
{
    static int keys[] = {5, 3, 8, 1, 4, 9};
    void *root = 0;
    for (int i = 0; i < 6; i++)
        tsearch(&keys[i], &root, by_value);
    tdelete(&keys[1], &root, by_value);
    visited = 0;
    twalk(root, visit);
    note("%d ", visited);
    note("%d ", tfind(&keys[1], &root, by_value) != 0);
    note("%d", **(int **)tfind(&keys[3], &root, by_value));
}

struct link {
    struct link *next, *previous;
};

static void lists(void)
{
    struct link a, b, c;
    insque(&a, 0);
    insque(&b, &a);
    insque(&c, &a);
    note("%d%d%d ", a.next == &c, c.next == &b, b.previous == &c);
    remque(&c);
    int array[8] = {1, 2}, key = 3;
    size_t count = 2;
    lsearch(&key, array, &count, sizeof key, by_value);
    note("%d ", a.next == &b);
    note("%zu ", count);
    note("%d", lfind(&(int){7}, array, &count, sizeof key, by_value) == 0);
}

static jmp_buf place;
static void deeper(int depth)
{
    if (depth)
        deeper(depth - 1);
    longjmp(place, 7);
}

static void jumps(void)
{
    volatile int count = 0;
    int value = setjmp(place);
    count++;
    if (!value)
        deeper(20);
    note("%d %d ", value, count);
    if (!(value = setjmp(place)))
        longjmp(place, 0);
    note("%d", value);
}

static void environments(void)
{
    setenv("SUBJECT", "1", 1);
    setenv("SUBJECT", "2", 0);
    note("%s ", getenv("SUBJECT"));
    static char own[] = "SUBJECT=3";
    putenv(own);
    strcpy(own + 8, "4");
    note("%s ", getenv("SUBJECT"));
    note("%d ", setenv("", "x", 1));
    note("%d ", setenv("a=b", "x", 1));
    unsetenv("SUBJECT");
    note("%d ", !getenv("SUBJECT"));
    clearenv();
    note("%d", !getenv("PATH"));
}

static void options(void)
{
    char *words[] = {"program", "-a", "-bvalue", "-c", "other", "--", "-d", 0};
    int letter;
    optind = 1;
    opterr = 0;
    while ((letter = getopt(7, words, "ab:c:")) != -1)
        note("%c%s ", letter, optarg ? optarg : "");
    note("%s", words[optind]);
}

static void allocations(void)
{
    unsigned char *blocks[50];
    for (unsigned i = 0; i < 50; i++) {
        blocks[i] = malloc(i * i * 7 % 5000 + 1);
        memset(blocks[i], (int)i, i * i * 7 % 5000 + 1);
    }
    unsigned bad = 0;
    for (unsigned i = 0; i < 50; i++) {
        blocks[i] = realloc(blocks[i], 6000);
        for (unsigned j = 0; j < i * i * 7 % 5000 + 1; j++)
            bad += blocks[i][j] != i;
        free(blocks[i]);
    }
    void *one = malloc(0), *two = malloc(0), *aligned = 0;
    note("%u %d ", bad, one && two && one != two);
    note("%d ", posix_memalign(&aligned, 4096, 100));
    note("%d ", (int)((size_t)aligned % 4096));
    note("%d", calloc((size_t)-1 / 2, 4) == 0);
    free(one);
    free(two);
    free(aligned);
}

const struct subject search_subjects[] = {
    {"qsort", sorts}, {"search_hsearch", hashes}, {"search_tsearch", trees}, {"search_insque", lists}, {"setjmp", jumps},
    {"env", environments}, {"getopt", options}, {"malloc-0", allocations}, {0, 0}};
