#include "scratch.h"

#include "base/file.h"
#include "base/str.h"
#include "test.h"

static char *scratch;

int make_scratch(void **state)
{
    (void)state;
    return file_make_temporary_directory(&scratch, "mooring-test", NULL);
}

int remove_scratch(void **state)
{
    (void)state;
    file_remove_tree(scratch, NULL);
    str_free(&scratch);
    return 0;
}

char *in_scratch(const char *name)
{
    char *path = NULL;

    assert_int_equal(str_format(&path, NULL, "%s/%s", scratch, name), 0);
    return path;
}
