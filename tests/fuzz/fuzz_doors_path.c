/*
 * fuzz_doors_path.c - what people call PATH: paths, UNC paths, letters, addresses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "doors_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

/* What stands below a share or a letter leads nowhere else. */
static void check_below(const char *path)
{
    while (*path) {
        size_t length = strcspn(path, "/");

        must(length > 0 && !(length == 1 && *path == '.'));
        must(!(length == 2 && strncmp(path, "..", 2) == 0));
        must(!memchr(path, '\\', length));
        path += length + (path[length] == '/');
    }
}

static void check_absolute(const char *text)
{
    char *path = NULL;

    if (door_path_absolute(&path, text, "/home/ana", NULL) == 0) {
        must(*path == '/');
        if (path[1]) {
            const char *at = path + 1;

            while (*at) {
                size_t length = strcspn(at, "/");

                must(length > 0 && strncmp(at, "../", 3) != 0 && strcmp(at, "..") != 0);
                at += length + (at[length] == '/');
            }
        }
    }
    free(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct door_path path = {0};
    char *text = malloc(size + 1);

    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    if (door_path_read(&path, text, "mooring", NULL) == 0) {
        must(path.text != NULL);
        must(str_is_utf8(path.text, strlen(path.text)));
        if (path.form == DOOR_URL) {
            must(str_starts_with(path.text, "https://"));
            (void)door_url_is_opaque(path.text);
        } else if (path.form != DOOR_FILE) {
            must(path.form != DOOR_LETTER || (path.letter >= 'A' && path.letter <= 'Z'));
            check_below(path.text);
        }
    } else {
        must(!path.text);
    }
    door_path_clear(&path);
    check_absolute(text);
    free(text);
    return 0;
}
