#include "temp_dir.h"

#include <stdlib.h>

#include "base/file.h"

int temp_dir_setup(void **state)
{
    return file_make_temporary_directory((char **)state, "mooring-test", NULL);
}

int temp_dir_teardown(void **state)
{
    int code = file_remove_tree(*state, NULL);

    free(*state);
    return code;
}
