/* temp_dir.h - a folder of its own for each test, gone after it. */
#ifndef TEST_TEMP_DIR_H
#define TEST_TEMP_DIR_H

/* cmocka setup and teardown: *state is the path. */
int temp_dir_setup(void **state);
int temp_dir_teardown(void **state);

#endif
