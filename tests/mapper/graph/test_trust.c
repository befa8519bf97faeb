/* When the system's folder of CAs stands for its file of them all. */
#include "graph/trust.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temp_dir.h"
#include "test.h"

struct place {
    char folder[128];
    char file[160];
};

static void make(const char *folder, const char *name)
{
    char path[192];
    int fd = -1;

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static void set_time(const char *path, time_t seconds, long nanoseconds)
{
    struct timespec times[2] = {{seconds, nanoseconds}, {seconds, nanoseconds}};

    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* As update-ca-certificates leaves it, with `link` among the names. */
static struct place place_of(void **state, const char *link)
{
    struct place place;

    snprintf(place.folder, sizeof(place.folder), "%s/certs", (const char *)*state);
    snprintf(place.file, sizeof(place.file), "%s/ca-certificates.crt", place.folder);
    assert_int_equal(mkdir(place.folder, 0700), 0);
    make(place.folder, "ca-certificates.crt");
    make(place.folder, "Contoso_Root.pem");
    make(place.folder, link);
    set_time(place.file, 1000000, 500);
    set_time(place.folder, 1000000, 500);
    return place;
}

static void trust_folder__stands_for_a_file_that_is_no_newer(void **state)
{
    struct place place = place_of(state, "4042bcee.0");

    assert_true(trust_folder_is_current(place.folder, place.file));
    set_time(place.folder, 1000001, 0);
    assert_true(trust_folder_is_current(place.folder, place.file));
}

static void trust_folder__knows_nothing_of_what_was_appended(void **state)
{
    struct place place = place_of(state, "4042bcee.0");

    set_time(place.file, 1000000, 501);
    assert_false(trust_folder_is_current(place.folder, place.file));
    set_time(place.file, 1000001, 0);
    assert_false(trust_folder_is_current(place.folder, place.file));
}

static void trust_folder__is_of_no_use_without_hashes(void **state)
{
    struct place place = place_of(state, "4042bceg.0");

    assert_false(trust_folder_is_current(place.folder, place.file));
    make(place.folder, "4042bcee0");
    make(place.folder, "4042bcee.pem");
    make(place.folder, "4042bceee.0");
    set_time(place.folder, 1000001, 0);
    assert_false(trust_folder_is_current(place.folder, place.file));
}

static void trust_folder__may_be_all_there_is(void **state)
{
    struct place place = place_of(state, "4042bcee.1");

    assert_true(trust_folder_is_current(place.folder, NULL));
    assert_int_equal(unlink(place.file), 0);
    assert_true(trust_folder_is_current(place.folder, place.file));
    assert_false(trust_folder_is_current(place.file, NULL));
    assert_false(trust_folder_is_current(NULL, place.file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(trust_folder__stands_for_a_file_that_is_no_newer,
                                        temp_dir_setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(trust_folder__knows_nothing_of_what_was_appended,
                                        temp_dir_setup, temp_dir_teardown),
        cmocka_unit_test_setup_teardown(trust_folder__is_of_no_use_without_hashes, temp_dir_setup,
                                        temp_dir_teardown),
        cmocka_unit_test_setup_teardown(trust_folder__may_be_all_there_is, temp_dir_setup,
                                        temp_dir_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
