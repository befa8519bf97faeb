#include "transport_contract.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "mounted.h"
#include "test.h"

/* Names in a folder, sorted, with blanks between. */
static void list(char *out, size_t size, const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);

    assert_true(count >= 0);
    out[0] = '\0';
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        size_t length = strlen(out);

        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            snprintf(out + length, size - length, "%s%s", length ? " " : "", name);
        }
        free(entries[i]);
    }
    free(entries);
}

static void expect_list(const char *path, const char *want)
{
    char names[1024];

    list(names, sizeof(names), path);
    assert_string_equal(names, want);
}

static const char *below(struct mounted *m, const char *name)
{
    snprintf(m->path, sizeof(m->path), "%s/%s", m->root, name);
    return m->path;
}

static void transport_attach__shows_folders_letters_and_labels(void **state)
{
    struct mounted *m = *state;
    char target[64] = "";
    struct stat st;
    struct stat other;

    write_text(mounted_path(m, "file"), "hello");
    expect_list(m->root, "drives t");
    expect_list(below(m, "t/s"), "l");
    expect_list(m->lib, "file");
    assert_int_equal(lstat(below(m, "drives/H"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_true(readlink(below(m, "drives/H"), target, sizeof(target) - 1) > 0);
    assert_string_equal(target, "../t/s/l");
    expect_text(below(m, "drives/H/file"), "hello");
    expect_text(below(m, "T/S/label/FILE"), "hello");
    assert_int_equal(stat(below(m, "t/s/Label"), &st), 0);
    assert_int_equal(stat(below(m, "t/s/l"), &other), 0);
    assert_int_equal(st.st_ino, other.st_ino);
}

static void transport_stat__shows_the_owner_and_what_may_be_done(void **state)
{
    struct mounted *m = *state;
    struct stat st;

    write_text(mounted_path(m, "file"), "12345");
    assert_int_equal(stat(m->path, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(st.st_uid, getuid());
    assert_int_equal(st.st_gid, getgid());
    assert_int_equal(st.st_size, 5);
    assert_true(labs((long)(st.st_mtime - time(NULL))) < 60);
    assert_int_equal(stat(m->lib, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0700);
    assert_int_equal(stat(m->root, &st), 0);
    assert_int_equal(st.st_mode, S_IFDIR | 0500);
    assert_int_equal(access(mounted_path(m, "file"), R_OK | W_OK), 0);
    assert_int_equal(access(m->path, X_OK), -1);
    assert_int_equal(access(m->root, W_OK), -1);
}

static void transport_folders__above_the_libraries_cannot_be_changed(void **state)
{
    struct mounted *m = *state;

    assert_int_equal(mkdir(below(m, "new"), 0700), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(open(below(m, "t/new"), O_WRONLY | O_CREAT, 0600), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(rmdir(m->lib), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(unlink(below(m, "drives/H")), -1);
    assert_int_equal(errno, EACCES);
    assert_int_equal(mkdir(m->lib, 0700), -1);
    assert_int_equal(errno, EEXIST);
}

static void transport_calls__that_the_service_has_no_match_for(void **state)
{
    struct mounted *m = *state;
    char other[256];

    write_text(mounted_path(m, "file"), "x");
    snprintf(other, sizeof(other), "%s/other", m->lib);
    assert_int_equal(chmod(m->path, 0777), 0);
    assert_int_equal(chown(m->path, getuid(), getgid()), 0);
    assert_int_equal(link(m->path, other), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(symlink("file", other), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(mkfifo(other, 0600), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(mknod(other, S_IFREG | 0600, 0), 0);
    assert_int_equal(renameat2(AT_FDCWD, m->path, AT_FDCWD, other, RENAME_EXCHANGE), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(open(mounted_path(m, "a:b"), O_WRONLY | O_CREAT, 0600), -1);
    assert_int_equal(errno, EINVAL);
    expect_list(m->lib, "file other");
}

/* In a process of its own: one that serves a mount must not map a file of it, since the kernel
 * locks the whole memory of the mapping process while it waits for the server. */
static int map_and_write(const char *path)
{
    enum { SIZE = 20000 };
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    char *map = NULL;

    if (fd < 0 || ftruncate(fd, SIZE) < 0) {
        return 1;
    }
    map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return 2;
    }
    memcpy(map, "first", 5);
    if (msync(map, SIZE, MS_SYNC) < 0 || close(fd) < 0) {
        return 3;
    }
    memcpy(map + 15000, "after the close", 15);
    return munmap(map, SIZE) < 0 ? 4 : 0;
}

static void transport_mmap__writes_reach_the_file(void **state)
{
    struct mounted *m = *state;
    const char *path = mounted_path(m, "mapped");
    char data[20000];
    int status = 0;
    int fd = -1;
    pid_t child = fork();

    if (child == 0) {
        _exit(map_and_write(path));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, data, sizeof(data)), sizeof(data));
    close(fd);
    assert_memory_equal(data, "first", 5);
    assert_memory_equal(data + 15000, "after the close", 15);
}

static void transport_open__appends_and_truncates(void **state)
{
    struct mounted *m = *state;
    int fd = -1;

    write_text(mounted_path(m, "log"), "one ");
    for (int i = 0; i < 3; i++) {
        fd = open(m->path, O_WRONLY | O_APPEND | O_CLOEXEC);
        assert_int_equal(write(fd, "more ", 5), 5);
        assert_int_equal(close(fd), 0);
    }
    expect_text(m->path, "one more more more ");
    assert_int_equal(truncate(m->path, 3), 0);
    expect_text(m->path, "one");
    write_text(m->path, "new");
    expect_text(m->path, "new");
    fd = open(m->path, O_RDWR | O_CLOEXEC);
    assert_int_equal(posix_fallocate(fd, 0, 4), 0);
    assert_int_equal(lseek(fd, 0, SEEK_END), 4);
    assert_int_equal(posix_fallocate(fd, 0, 2), 0);
    assert_int_equal(lseek(fd, 0, SEEK_END), 4);
    assert_int_equal(close(fd), 0);
}

static void transport_unlink__leaves_what_is_open(void **state)
{
    struct mounted *m = *state;
    struct stat st;
    char data[8];
    int fd = open(mounted_path(m, "temp"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal(write(fd, "abc", 3), 3);
    assert_int_equal(unlink(m->path), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 3);
    assert_int_equal(pread(fd, data, 8, 0), 3);
    assert_int_equal(ftruncate(fd, 1), 0);
    assert_int_equal(futimens(fd, NULL), 0);
    assert_int_equal(close(fd), 0);
    expect_list(m->lib, "");
}

static void transport_rename__replaces_at_once(void **state)
{
    struct mounted *m = *state;
    char temp[256];

    snprintf(temp, sizeof(temp), "%s/save.tmp", m->lib);
    for (int i = 0; i < 20; i++) { /* as an editor saves, and reads what it saved */
        char text[32];

        snprintf(text, sizeof(text), "version %d", i);
        write_text(temp, text);
        assert_int_equal(rename(temp, mounted_path(m, "document")), 0);
        expect_text(m->path, text);
        assert_int_equal(truncate(m->path, 3), 0);
        expect_text(m->path, "ver");
    }
    expect_list(m->lib, "document");
}

/* A small tree, copied in and out by the tools that everybody uses. */
static void transport_cp__copies_a_tree_and_diff_finds_it_equal(void **state)
{
    struct mounted *m = *state;
    char source[128];
    char target[160];
    char path[256];
    const char *const copy[] = {"cp", "-a", source, m->lib, NULL};
    const char *const compare[] = {"diff", "-r", source, target, NULL};
    const char *const remove_target[] = {"rm", "-r", target, NULL};
    const char *const remove_source[] = {"rm", "-r", source, NULL};
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    struct stat st;

    snprintf(source, sizeof(source), "%s/tree", m->home);
    snprintf(target, sizeof(target), "%s/tree", m->lib);
    assert_int_equal(mkdir(source, 0700), 0);
    for (int i = 0; i < 12; i++) {
        snprintf(path, sizeof(path), "%s/folder %d", source, i);
        assert_int_equal(mkdir(path, 0700), 0);
        for (int j = 0; j < 8; j++) {
            snprintf(path, sizeof(path), "%s/folder %d/file %d.txt", source, i, j);
            write_text(path, j == 0 ? "" : path);
        }
    }
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    assert_int_equal(run_program(copy), 0);
    assert_int_equal(run_program(compare), 0);
    snprintf(path, sizeof(path), "%s/folder 11/file 7.txt", target);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mtime, 1000000000);
    assert_int_equal(run_program(remove_target), 0);
    assert_int_equal(run_program(remove_source), 0);
    expect_list(m->lib, "");
}

static void transport_readdir__lists_thousands_completely(void **state)
{
    enum { COUNT = 3000 };
    struct mounted *m = *state;
    char name[32];
    unsigned char seen[COUNT] = {0};
    const struct dirent *entry = NULL;
    DIR *dir = NULL;
    int dots = 0;

    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof(name), "file with a longer name %d", i);
        assert_int_equal(memfs_edit(m->memory, m->library, name, "", 0, NULL), 0);
    }
    dir = opendir(m->lib);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        int number = 0;

        assert_true(entry->d_ino != 0);
        if (sscanf(entry->d_name, "file with a longer name %d", &number) == 1) {
            assert_int_equal(entry->d_type, DT_REG);
            seen[number]++;
        } else {
            dots++;
        }
    }
    closedir(dir);
    assert_int_equal(dots, 2);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(seen[i], 1);
    }
}

static void transport_statfs__tells_the_space(void **state)
{
    struct mounted *m = *state;
    struct statvfs st;

    assert_int_equal(statvfs(m->lib, &st), 0);
    assert_int_equal((uint64_t)st.f_blocks * st.f_frsize, UINT64_C(1) << 30);
    assert_int_equal(statvfs(m->root, &st), 0); /* unknown is not "full" */
    assert_true(st.f_bavail > 0);
}

/* Waits until there is nothing at the path; the kernel is told without being waited for. */
static void await_missing(const char *path)
{
    int64_t until = clock_mono_ms(clock_system()) + 10000;
    struct stat st;

    while (stat(path, &st) == 0) {
        assert_true(clock_mono_ms(clock_system()) < until);
    }
}

static void transport_attach__and_detach_are_seen(void **state)
{
    struct mounted *m = *state;
    struct mapping more = {.path = "t/s/more", .root_id = m->library, .letter = 'K'};
    struct stat st;

    for (int i = 0; i < 10; i++) {
        assert_int_equal(transport_attach(m->transport, &more, NULL), 0);
        assert_int_equal(stat(below(m, "t/s/more"), &st), 0);
        expect_list(below(m, "drives"), "H K");
        expect_list(below(m, "t/s"), "l more");
        assert_int_equal(transport_detach(m->transport, "t/s/more", NULL), 0);
        expect_list(below(m, "drives"), "H");
        expect_list(below(m, "t/s"), "l");
        await_missing(below(m, "t/s/more"));
    }
    assert_int_equal(transport_detach(m->transport, "t/s/l", NULL), 0);
    expect_list(m->root, "");
    await_missing(m->lib);
}

static void transport_detach__lets_open_files_go_on(void **state)
{
    struct mounted *m = *state;
    struct vfs_attr attr;
    int fd = open(mounted_path(m, "file"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    assert_int_equal(write(fd, "begun", 5), 5);
    assert_int_equal(transport_detach(m->transport, "t/s/l", NULL), 0);
    assert_int_equal(write(fd, " and ended", 10), 10);
    assert_int_equal(close(fd), 0);
    assert_int_equal(vfs_lookup(m->memory, &attr, m->library, "file", NULL, NULL), 0);
    assert_int_equal(attr.size_bytes, 15);
    vfs_forget(m->memory, attr.id, 1);
}

/* Waits until the file has this content, or fails after a long time: telling the kernel is not
 * waited for by the one who edits. */
static void await_text(const char *path, const char *want)
{
    int64_t until = clock_mono_ms(clock_system()) + 10000;
    char data[64] = "";

    while (clock_mono_ms(clock_system()) < until) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = fd < 0 ? -1 : read(fd, data, sizeof(data) - 1);

        if (fd >= 0) {
            close(fd);
        }
        data[got > 0 ? got : 0] = '\0';
        if (strcmp(data, want) == 0) {
            return;
        }
    }
    assert_string_equal(data, want);
}

static void transport_changes__from_elsewhere_are_seen(void **state)
{
    struct mounted *m = *state;

    write_text(mounted_path(m, "file"), "mine");
    expect_text(m->path, "mine");
    for (int i = 0; i < 10; i++) {
        char text[32];

        snprintf(text, sizeof(text), "theirs, number %d", i);
        assert_int_equal(memfs_edit(m->memory, m->library, "file", text, strlen(text), NULL), 0);
        await_text(m->path, text);
    }
    assert_int_equal(memfs_edit(m->memory, m->library, "file", NULL, 0, NULL), 0);
    expect_list(m->lib, "");
}

static void fill(struct mounted *m, const char *name, char letter, size_t size)
{
    char *data = malloc(size);

    memset(data, letter, size);
    assert_int_equal(memfs_edit(m->memory, m->library, name, data, size, NULL), 0);
    free(data);
}

/* A file open to read here and there: the kernel is to read nothing ahead of us. */
static int open_random(struct mounted *m, const char *name)
{
    int fd = open(mounted_path(m, name), O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM), 0);
    return fd;
}

static void expect_all(int fd, char letter, size_t size, off_t from)
{
    char *data = malloc(size + 1);

    assert_int_equal(pread(fd, data, size + 1, from), size - (size_t)from);
    for (size_t i = 0; i < size - (size_t)from; i++) {
        if (data[i] != letter) {
            fail_msg("'%c' at %zu of a file of '%c'", data[i], (size_t)from + i, letter);
        }
    }
    free(data);
}

/* The system has one cache of a file for all who have it open. */
static void transport_open__gives_bytes_of_one_version(void **state)
{
    struct mounted *m = *state;
    char byte = 0;
    int old = 0;
    int new = 0;
    int newest = 0;

    fill(m, "file", 'a', 60000);
    old = open_random(m, "file");
    expect_all(old, 'a', 60000, 0);
    fill(m, "file", 'b', 60000);
    new = open_random(m, "file");
    assert_int_equal(pread(new, &byte, 1, 0), 1);
    expect_all(old, 'a', 60000, 8192);
    expect_all(new, 'b', 60000, 0);
    expect_all(old, 'a', 60000, 0);
    fill(m, "file", 'c', 20000);
    newest = open_random(m, "file");
    expect_all(newest, 'c', 20000, 0);
    expect_all(new, 'b', 60000, 0);
    expect_all(old, 'a', 60000, 0);
    expect_all(newest, 'c', 20000, 4096);
    close(old);
    close(new);
    fill(m, "file", 'd', 70000);
    old = open_random(m, "file");
    expect_all(old, 'd', 70000, 0);
    expect_all(newest, 'c', 20000, 0);
    close(old);
    close(newest);
}

static void count_mapping(void *payload, const struct mapping *mapping)
{
    int *count = payload;

    assert_string_equal(mapping->path, "t/s/l");
    assert_string_equal(mapping->label, "Label");
    assert_int_equal(mapping->letter, 'H');
    ++*count;
}

static void transport_enumerate__gives_what_is_attached(void **state)
{
    struct mounted *m = *state;
    int count = 0;

    assert_int_equal(transport_enumerate(m->transport, count_mapping, &count, NULL), 0);
    assert_int_equal(count, 1);
    assert_int_equal(transport_check(m->transport, NULL), 0);
}

int transport_contract_run(const char *name)
{
    const struct CMUnitTest tests[] = {
#define ROW(test) cmocka_unit_test_setup_teardown(test, mounted_setup, mounted_teardown)
        ROW(transport_attach__shows_folders_letters_and_labels),
        ROW(transport_stat__shows_the_owner_and_what_may_be_done),
        ROW(transport_folders__above_the_libraries_cannot_be_changed),
        ROW(transport_calls__that_the_service_has_no_match_for),
        ROW(transport_mmap__writes_reach_the_file),
        ROW(transport_open__appends_and_truncates),
        ROW(transport_unlink__leaves_what_is_open),
        ROW(transport_open__gives_bytes_of_one_version),
        ROW(transport_rename__replaces_at_once),
        ROW(transport_cp__copies_a_tree_and_diff_finds_it_equal),
        ROW(transport_readdir__lists_thousands_completely),
        ROW(transport_statfs__tells_the_space),
        ROW(transport_attach__and_detach_are_seen),
        ROW(transport_detach__lets_open_files_go_on),
        ROW(transport_changes__from_elsewhere_are_seen),
        ROW(transport_enumerate__gives_what_is_attached),
#undef ROW
    };

    mounted_transport = name;
    return cmocka_run_group_tests_name("the transport contract", tests, NULL, NULL);
}
