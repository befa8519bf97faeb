/*
 * What the kernel remembers of names after a listing, and that it never leads to the wrong item: not
 * by another spelling, not after a rename that replaces, not after a change by others. Nothing here
 * waits before it looks. Skipped (77) where nothing can be mounted.
 */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "mounted.h"
#include "watchdog.h"

#define ROUNDS 3         /* of what waits for about a second */
#define QUICK_ROUNDS 200 /* of what does not */

static char other_path[256];

static const char *second_path(struct mounted *m, const char *name)
{
    snprintf(other_path, sizeof(other_path), "%s/%s", m->lib, name);
    return other_path;
}

/* As `ls -l` and os.scandir() do; how many there are. */
static int list(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry = NULL;
    struct stat st;
    int count = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            assert_int_equal(fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW), 0);
            count++;
        }
    }
    closedir(dir);
    return count;
}

static void expect_none(struct mounted *m, const char *name)
{
    struct stat st;

    assert_int_equal(stat(mounted_path(m, name), &st), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(open(m->path, O_RDONLY | O_CLOEXEC), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(open(m->path, O_RDWR | O_CLOEXEC), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(truncate(m->path, 0), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(unlink(m->path), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(rename(m->path, second_path(m, "never")), -1);
    assert_int_equal(errno, ENOENT);
}

static void move(struct mounted *m, const char *from, const char *to)
{
    if (rename(mounted_path(m, from), second_path(m, to)) < 0) {
        fail_msg("'%s' to '%s': %s", from, to, strerror(errno));
    }
}

static void np_names__a_rename_by_another_spelling_ends_the_listed_one(void **state)
{
    struct mounted *m = *state;

    for (int i = 0; i < ROUNDS; i++) {
        write_text(mounted_path(m, "a.txt"), "one");
        list(m->lib);
        move(m, "A.TXT", "b.bak");
        write_text(mounted_path(m, "a.txt"), "two"); /* O_CREAT: a new one */
        expect_text(mounted_path(m, "b.bak"), "one");
        expect_text(mounted_path(m, "a.txt"), "two");
        assert_int_equal(unlink(m->path), 0);
        list(m->lib);
        move(m, "B.BAK", "c.txt");
        expect_none(m, "b.bak");
        expect_text(mounted_path(m, "c.txt"), "one");
        assert_int_equal(unlink(m->path), 0);
    }
}

static void np_names__a_delete_by_another_spelling_ends_the_listed_one(void **state)
{
    struct mounted *m = *state;

    for (int i = 0; i < ROUNDS; i++) {
        int fd = -1;

        write_text(mounted_path(m, "a.txt"), "one");
        fd = open(m->path, O_RDONLY | O_CLOEXEC); /* answers for what is gone */
        assert_true(fd >= 0);
        list(m->lib);
        assert_int_equal(unlink(mounted_path(m, "A.txt")), 0);
        expect_none(m, "a.txt");
        write_text(mounted_path(m, "a.txt"), "two");
        expect_text(m->path, "two");
        close(fd);
    }
}

static void np_names__a_replacement_by_another_spelling_shows(void **state)
{
    struct mounted *m = *state;
    struct stat before;
    struct stat after;

    for (int i = 0; i < ROUNDS; i++) {
        write_text(mounted_path(m, "doc"), "one");
        write_text(mounted_path(m, "tmp"), "second");
        assert_int_equal(stat(mounted_path(m, "doc"), &before), 0);
        list(m->lib);
        move(m, "tmp", "DOC");
        assert_int_equal(stat(mounted_path(m, "doc"), &after), 0);
        assert_int_equal(after.st_ino, before.st_ino);
        assert_int_equal(after.st_size, 6);
        expect_text(m->path, "second");
        expect_none(m, "tmp");
        assert_int_equal(unlink(mounted_path(m, "doc")), 0);
    }
}

/* The kernel moves the name by itself; the next one that is listed is another file. */
static void np_names__a_rename_in_the_listed_spelling_is_at_once(void **state)
{
    struct mounted *m = *state;

    for (int i = 0; i < QUICK_ROUNDS; i++) {
        write_text(mounted_path(m, "a.txt"), "one");
        list(m->lib);
        move(m, "a.txt", "b.bak");
        expect_none(m, "a.txt");
        write_text(mounted_path(m, "a.txt"), "two");
        expect_text(mounted_path(m, "b.bak"), "one");
        list(m->lib);
        move(m, "b.bak", "c.txt");
        expect_text(mounted_path(m, "c.txt"), "one");
        expect_text(mounted_path(m, "a.txt"), "two");
        list(m->lib);
        assert_int_equal(unlink(mounted_path(m, "c.txt")), 0);
        assert_int_equal(unlink(mounted_path(m, "a.txt")), 0);
        expect_none(m, "c.txt");
    }
}

/* What was moved in one spelling is remembered by its new name. */
static void np_names__a_moved_name_ends_with_another_spelling_of_it(void **state)
{
    struct mounted *m = *state;

    for (int i = 0; i < ROUNDS; i++) {
        write_text(mounted_path(m, "a.txt"), "one");
        list(m->lib);
        move(m, "a.txt", "b.txt");
        move(m, "B.TXT", "c.txt");
        write_text(mounted_path(m, "b.txt"), "two");
        expect_text(mounted_path(m, "c.txt"), "one");
        expect_text(mounted_path(m, "b.txt"), "two");
    }
}

/* The save of many programs, while somebody lists the folder. */
static void np_names__a_save_by_rename_keeps_the_number(void **state)
{
    struct mounted *m = *state;
    struct stat before;
    struct stat after;
    char text[32];

    write_text(mounted_path(m, "doc"), "0");
    assert_int_equal(stat(m->path, &before), 0);
    for (int i = 0; i < QUICK_ROUNDS; i++) {
        snprintf(text, sizeof(text), "version %d", i);
        write_text(mounted_path(m, "tmp"), text);
        list(m->lib);
        move(m, "tmp", "doc");
        assert_int_equal(stat(mounted_path(m, "doc"), &after), 0);
        assert_int_equal(after.st_ino, before.st_ino);
        assert_int_equal(after.st_size, strlen(text));
        expect_text(m->path, text);
        list(m->lib);
        assert_int_equal(stat(m->path, &after), 0);
        assert_int_equal(after.st_ino, before.st_ino);
        expect_none(m, "tmp");
    }
}

/* Some rename before they close. */
static void np_names__a_save_by_rename_keeps_the_number_while_it_is_open(void **state)
{
    struct mounted *m = *state;
    struct stat before;
    struct stat after;

    write_text(mounted_path(m, "doc"), "first");
    assert_int_equal(stat(m->path, &before), 0);
    for (int i = 0; i < QUICK_ROUNDS; i++) {
        int fd = open(mounted_path(m, "tmp"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, "second", 6), 6);
        list(m->lib);
        move(m, "tmp", "doc");
        assert_int_equal(stat(mounted_path(m, "doc"), &after), 0);
        assert_int_equal(after.st_ino, before.st_ino);
        assert_int_equal(fstat(fd, &after), 0);
        assert_int_equal(after.st_ino, before.st_ino);
        assert_int_equal(write(fd, " part", 5), 5);
        assert_int_equal(close(fd), 0);
        expect_text(mounted_path(m, "doc"), "second part");
    }
}

/* With the old version kept beside it. */
static void np_names__a_save_by_two_renames_leads_to_each(void **state)
{
    struct mounted *m = *state;
    char old[32] = "first";
    char text[32];

    write_text(mounted_path(m, "doc"), old);
    for (int i = 0; i < QUICK_ROUNDS; i++) {
        snprintf(text, sizeof(text), "version %d", i);
        write_text(mounted_path(m, "tmp"), text);
        list(m->lib);
        move(m, "doc", "doc.bak");
        list(m->lib);
        move(m, "tmp", "doc");
        expect_text(mounted_path(m, "doc"), text);
        expect_text(mounted_path(m, "doc.bak"), old);
        expect_none(m, "tmp");
        snprintf(old, sizeof(old), "%s", text);
    }
}

static void expect_text_at(int folder, const char *name, const char *want)
{
    char data[64] = "";
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_true(read(fd, data, sizeof(data) - 1) >= 0);
    close(fd);
    assert_string_equal(data, want);
}

static void np_names__of_folders_end_with_any_spelling(void **state)
{
    struct mounted *m = *state;
    struct stat st;

    for (int i = 0; i < QUICK_ROUNDS; i++) {
        int folder = -1;

        assert_int_equal(mkdir(mounted_path(m, "docs"), 0700), 0);
        write_text(mounted_path(m, "docs/x"), "one");
        list(m->lib);
        folder = open(mounted_path(m, "docs"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(folder >= 0);
        move(m, "DOCS", "old");
        assert_int_equal(stat(mounted_path(m, "docs/x"), &st), -1);
        assert_int_equal(errno, ENOENT);
        assert_int_equal(mkdir(mounted_path(m, "docs"), 0700), 0);
        write_text(mounted_path(m, "docs/x"), "two");
        expect_text(mounted_path(m, "old/x"), "one");
        expect_text_at(folder, "x", "one"); /* who is in it stays there */
        close(folder);
        list(m->lib);
        list(mounted_path(m, "docs"));
        assert_int_equal(unlink(mounted_path(m, "docs/x")), 0);
        assert_int_equal(rmdir(mounted_path(m, "Docs")), 0);
        assert_int_equal(stat(mounted_path(m, "docs"), &st), -1);
        assert_int_equal(errno, ENOENT);
        assert_int_equal(unlink(mounted_path(m, "OLD/x")), 0);
        assert_int_equal(rmdir(mounted_path(m, "old")), 0);
    }
}

/* Others are not waited for, so this looks until it shows; then it does in every way. */
static void np_names__what_others_delete_ends(void **state)
{
    struct mounted *m = *state;
    struct stat st;

    for (int i = 0; i < QUICK_ROUNDS; i++) {
        write_text(mounted_path(m, "a.txt"), "one");
        list(m->lib);
        assert_int_equal(memfs_edit(m->memory, m->library, "a.txt", NULL, 0, NULL), 0);
        write_text(mounted_path(m, "a.txt"), "two"); /* not into what is gone */
        expect_text(m->path, "two");
        list(m->lib);
        assert_int_equal(memfs_edit(m->memory, m->library, "a.txt", NULL, 0, NULL), 0);
        while (stat(m->path, &st) == 0) {
        }
        expect_none(m, "a.txt");
    }
}

/* Through another door, of which the kernel is told nothing. */
static void np_names__what_moved_elsewhere_ends_by_itself(void **state)
{
    struct mounted *m = *state;
    struct stat st;

    write_text(mounted_path(m, "a.txt"), "one");
    list(m->lib);
    assert_int_equal(vfs_rename(m->memory, m->library, "a.txt", m->library, "b.txt", 0, NULL, NULL),
                     0);
    while (stat(mounted_path(m, "a.txt"), &st) == 0) {
    }
    expect_none(m, "a.txt");
    write_text(mounted_path(m, "a.txt"), "two");
    expect_text(mounted_path(m, "b.txt"), "one");
}

static void np_names__of_a_library_end_when_it_is_detached(void **state)
{
    struct mounted *m = *state;
    struct mapping mapping = {.path = "t/s/l", .root_id = m->library};
    struct stat st;

    for (int i = 0; i < QUICK_ROUNDS; i++) {
        assert_int_equal(stat(m->lib, &st), 0);
        assert_int_equal(transport_detach(m->transport, "t/s/l", NULL), 0);
        assert_int_equal(stat(m->lib, &st), -1);
        assert_int_equal(errno, ENOENT);
        assert_int_equal(transport_attach(m->transport, &mapping, NULL), 0);
    }
}

/* --- what is asked for --- */

struct counting {
    struct vfs base; /* must stay first */
    struct vfs *inner;
    _Atomic unsigned lookups;
};

static int count_lookup(struct vfs *vfs, struct vfs_attr *out, uint64_t parent, const char *name,
                        const struct vfs_call *call, struct error *err)
{
    struct counting *c = (struct counting *)vfs;

    c->lookups++;
    return vfs_lookup(c->inner, out, parent, name, call, err);
}

static int count_getattr(struct vfs *vfs, struct vfs_attr *out, uint64_t id, struct vfs_file *file,
                         const struct vfs_call *call, struct error *err)
{
    struct counting *c = (struct counting *)vfs;

    return vfs_getattr(c->inner, out, id, file, call, err);
}

static void pass_forget(struct vfs *vfs, uint64_t id, uint64_t count)
{
    vfs_forget(((struct counting *)vfs)->inner, id, count);
}

static int pass_opendir(struct vfs *vfs, struct vfs_dir **out, uint64_t id,
                        const struct vfs_call *call, struct error *err)
{
    return vfs_opendir(((struct counting *)vfs)->inner, out, id, call, err);
}

static int pass_readdir(struct vfs *vfs, struct vfs_dir *dir, uint64_t cookie, vfs_entry_fn fill,
                        void *payload, const struct vfs_call *call, struct error *err)
{
    return vfs_readdir(((struct counting *)vfs)->inner, dir, cookie, fill, payload, call, err);
}

static void pass_closedir(struct vfs *vfs, struct vfs_dir *dir)
{
    vfs_closedir(((struct counting *)vfs)->inner, dir);
}

static void free_nothing(struct vfs *vfs)
{
    (void)vfs;
}

/* One look-up for each entry is the listing's own; one more would be the kernel's. */
static void np_names__that_were_listed_are_not_asked_for(void **state)
{
    static const struct vfs_ops ops = {
        .lookup = count_lookup,
        .getattr = count_getattr,
        .forget = pass_forget,
        .opendir = pass_opendir,
        .readdir = pass_readdir,
        .closedir = pass_closedir,
        .free = free_nothing,
    };
    enum { FILES = 700, TRIES = 50 };
    struct mounted *m = *state;
    static struct counting c; /* also when this fails, until the mount ends */
    unsigned asked = 0;
    char name[32];
    char path[300];

    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "file %d.txt", i);
        assert_int_equal(memfs_edit(m->memory, m->library, name, "x", 1, NULL), 0);
    }
    mounted_stop(m, 2000);
    c.inner = m->memory;
    vfs_init(&c.base, &ops);
    m->served = &c.base;
    mounted_start(m, NULL);
    snprintf(path, sizeof(path), "%s/.", m->lib);
    for (int i = 0; i < TRIES && asked != FILES; i++) { /* a machine that stands still forgets */
        list(path);
        c.lookups = 0;
        assert_int_equal(list(path), FILES);
        asked = c.lookups;
    }
    assert_int_equal(asked, FILES);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, mounted_setup, mounted_teardown)
        ROW(np_names__a_rename_by_another_spelling_ends_the_listed_one),
        ROW(np_names__a_delete_by_another_spelling_ends_the_listed_one),
        ROW(np_names__a_replacement_by_another_spelling_shows),
        ROW(np_names__a_rename_in_the_listed_spelling_is_at_once),
        ROW(np_names__a_moved_name_ends_with_another_spelling_of_it),
        ROW(np_names__a_save_by_rename_keeps_the_number),
        ROW(np_names__a_save_by_rename_keeps_the_number_while_it_is_open),
        ROW(np_names__a_save_by_two_renames_leads_to_each),
        ROW(np_names__of_folders_end_with_any_spelling),
        ROW(np_names__what_others_delete_ends),
        ROW(np_names__what_moved_elsewhere_ends_by_itself),
        ROW(np_names__of_a_library_end_when_it_is_detached),
        ROW(np_names__that_were_listed_are_not_asked_for),
#undef ROW
    };

    watchdog_start(100);
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    if (!mounted_is_possible()) {
        return 77;
    }
    return cmocka_run_group_tests_name("names that the kernel remembers", tests, NULL, NULL);
}
