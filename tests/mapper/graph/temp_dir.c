#include "temp_dir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int temp_dir_setup(void **state)
{
    const char *base = getenv("TMPDIR");
    size_t size = strlen(base ? base : "/tmp") + sizeof("/mooring-test-XXXXXX");
    char *path = malloc(size);

    if (!path) {
        return -1;
    }
    snprintf(path, size, "%s/mooring-test-XXXXXX", base ? base : "/tmp");
    *state = path;
    return mkdtemp(path) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

int temp_dir_teardown(void **state)
{
    int code = nftw(*state, remove_one, 16, FTW_DEPTH | FTW_PHYS);

    free(*state);
    return code;
}
