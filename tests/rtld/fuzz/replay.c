/* Runs the fuzzer's target (fuzz.c) on files, without a fuzzer. */
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *count, char ***names);

int main(int count, char **names)
{
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&count, &names);
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(names[i], "rb");
        if (!file) {
            perror(names[i]);
            return 2;
        }
        fseek(file, 0, SEEK_END);
        long size = ftell(file);
        rewind(file);
        unsigned char *data = malloc((size_t)size + 1);
        if (fread(data, 1, (size_t)size, file) != (size_t)size)
            return 2;
        fclose(file);
        printf("%s\n", names[i]);
        fflush(stdout);
        LLVMFuzzerTestOneInput(data, (size_t)size);
        free(data);
    }
}
