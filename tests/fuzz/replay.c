/*
 * Runs a fuzzer's function over its corpus, for builds without libFuzzer: each argument is a file,
 * or a folder whose files are taken in the order of their names. Each input is also tried cut short
 * at a number of places, since a bounds error shows at an end most easily.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CUTS = 16, INPUT_LIMIT = 16 << 20 };

/* On a heap block of exactly its size, so that the address sanitizer sees a byte too far. */
static int run_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (!copy) {
        return -1;
    }
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

static int run_input(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < CUTS && size > CUTS; i++) {
        if (run_copy(data, size * i / CUTS) < 0) {
            return -1;
        }
    }
    return run_copy(data, size);
}

static int run_file(const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    int result = -1;

    if (file && fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= INPUT_LIMIT) {
        size_t size = (size_t)st.st_size;

        data = malloc(size + 1);
        if (data && fread(data, 1, size, file) == size) {
            result = run_input(data, size);
        }
    }
    if (result < 0) {
        fprintf(stderr, "cannot replay '%s'\n", path);
    }
    free(data);
    if (file) {
        fclose(file);
    }
    return result;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The number of files, or -1. */
static int run_folder(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_visible, alphasort);
    int result = count;

    for (int i = 0; i < count; i++) {
        char name[4096];

        snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        if (run_file(name) < 0) {
            result = -1;
        }
        free(entries[i]);
    }
    free(entries);
    return result;
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;
        int count = -1;

        if (stat(argv[i], &st) == 0) {
            count = S_ISDIR(st.st_mode) ? run_folder(argv[i]) : run_file(argv[i]) + 1;
        }
        if (count <= 0) {
            fprintf(stderr, "no inputs at '%s'\n", argv[i]);
            return 1;
        }
        total += count;
    }
    printf("%d inputs replayed\n", total);
    return total > 0 ? 0 : 1;
}
