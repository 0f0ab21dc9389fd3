#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "subject.h"

static void memory_streams(void)
{
    char *text = 0;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    fprintf(stream, "hello %d", 5);
    fflush(stream);
    note("%s %zu ", text, size);
    fseek(stream, 2, SEEK_SET);
    fputs("LL", stream);
    fclose(stream);
    note("%s %zu ", text, size);
    free(text);
    char given[16] = "abcdef";
    stream = fmemopen(given, 6, "r+");
    note("%c", fgetc(stream));
    fseek(stream, 0, SEEK_CUR);
    fputs("XY", stream);
    fclose(stream);
    note(" %s", given);
}

static void put_back(void)
{
    char given[] = "xyz";
    FILE *stream = fmemopen(given, 3, "r");
    int first = fgetc(stream);
    note("%d", ungetc('q', stream) == 'q');
    note("%c", fgetc(stream));
    note("%c ", first);
    ungetc('r', stream);
    fseek(stream, 0, SEEK_SET);
    note("%c ", fgetc(stream));
    note("%d ", ungetc(EOF, stream) == EOF);
    while (fgetc(stream) != EOF)
        ;
    note("%d ", feof(stream) != 0);
    ungetc('e', stream);
    note("%d", feof(stream) != 0);
    note("%c", fgetc(stream));
    fclose(stream);
}

static void ends_of_lines(void)
{
    char given[] = "one\ntwo\n\nlast", line[8], *grown = 0;
    size_t size = 0;
    FILE *stream = fmemopen(given, sizeof given - 1, "r");
    note("%s|", fgets(line, 3, stream));
    note("%s|", fgets(line, 8, stream));
    note("%zd", getline(&grown, &size, stream));
    note("%s|", grown);
    note("%zd|", getdelim(&grown, &size, 't', stream));
    note("%s|", fgets(line, 8, stream) ? "more" : "end");
    note("%d ", fgets(line, 8, stream) == 0);
    note("%d", line[0] != 0);
    rewind(stream);
    note(" %d", feof(stream));
    note("%d", ferror(stream));
    free(grown);
    fclose(stream);
}

static void numbers_in_streams(void)
{
    char given[] = "12 3.5 word 0x10 %";
    int a = 0, b = 0;
    float f = 0;
    char word[8] = "";
    FILE *stream = fmemopen(given, sizeof given - 1, "r");
    note("%d ", fscanf(stream, "%d %f %7s %x %%", &a, &f, word, (unsigned *)&b));
    note("%d ", a);
    note("%g ", f);
    note("%s ", word);
    note("%d ", b);
    note("%d", fscanf(stream, "%d", &a));
    fclose(stream);
}

static void files(void)
{
    char name[] = "/tmp/subject-XXXXXX", text[20] = "";
    int number = mkstemp(name);
    note("%d ", number >= 0);
    if (number < 0)
        return;
    FILE *stream = fdopen(number, "w+");
    fputs("line 1\nline 2\n", stream);
    fseek(stream, 5, SEEK_SET);
    note("%c ", fgetc(stream));
    note("%ld ", ftell(stream));
    rewind(stream);
    note("%s ", fgets(text, 20, stream));
    note("%d ", fclose(stream));
    stream = fopen(name, "a+");
    fputs("end", stream);
    note("%ld ", ftell(stream));
    fclose(stream);
    note("%d ", unlink(name));
    note("%d", access(name, F_OK));
}

static void temporary(void)
{
    FILE *stream = tmpfile();
    note("%d ", stream != 0);
    if (!stream)
        return;
    fprintf(stream, "%d %s", 7, "seven");
    rewind(stream);
    int number = 0;
    char word[8] = "";
    note("%d ", fscanf(stream, "%d %7s", &number, word));
    note("%d %s", number, word);
    fclose(stream);
}

static void refused_names(void)
{
    char bad[] = "/tmp/subject-XXXX", folder[] = "/none/such-XXXXXX", kept[] = "/none/such-XXXXXX";
    errno = 0;
    note("%d ", mkstemp(bad));
    note("%d ", errno == EINVAL);
    errno = 0;
    note("%d ", mkdtemp(folder) == 0);
    note("%d ", errno == ENOENT);
    errno = 0;
    note("%d ", mkstemp(kept));
    note("%d ", errno == ENOENT);
    note("%d ", fopen("/none/such", "r") == 0);
    note("%d ", errno == ENOENT);
    note("%d", fopen("/none", "?") == 0);
}

static void buffers(void)
{
    char given[] = "abc", own[64];
    FILE *stream = fmemopen(given, 3, "r");
    note("%d ", setvbuf(stream, own, _IOFBF, sizeof own));
    note("%c", fgetc(stream));
    ungetc('1', stream);
    note("%c", fgetc(stream));
    note("%c", fgetc(stream));
    note("%c ", fgetc(stream));
    note("%d ", fgetc(stream));
    fclose(stream);
    note("%d", fflush(0));
}

const struct subject stdio_subjects[] = {
    {"memstream", memory_streams}, {"ungetc", put_back}, {"fgets-eof", ends_of_lines}, {"fscanf", numbers_in_streams},
    {"fdopen", files}, {"tmpfile", temporary}, {"mkstemp-failure", refused_names}, {"setvbuf-unget", buffers},
    {0, 0}};
