#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "still_clock.h"

void fixture_prepare(struct fixture *f)
{
    *f = (struct fixture){0};
    assert_int_equal(file_make_temporary_directory(&f->directory, "mooring-vfs", NULL), 0);
    snprintf(f->cache, sizeof(f->cache), "%s/cache", f->directory);
    snprintf(f->spool, sizeof(f->spool), "%s/spool", f->directory);
    f->options = (struct online_vfs_options){
        .cache_bytes = 512u * 1024 * 1024, .cache_ms = 3600000, .metadata_ms = 60000};
    f->options.cache_directory = f->cache;
    f->options.spool_directory = f->spool;
    f->fake = fake_new();
}

void fixture_start(struct fixture *f)
{
    struct online_library library = {.account = fake_account(f->fake),
                                     .key = "library",
                                     .drive_id = "b!drive",
                                     .is_verified = true,
                                     .url = "https://contoso.sharepoint.com/sites/a/Documents"};
    struct error err = {0};

    if (online_vfs_new(&f->online, &f->options, &err) < 0) {
        fail_msg("%s", err.message);
    }
    f->vfs = online_vfs_vfs(f->online);
    assert_int_equal(online_vfs_add(f->online, &f->root, &library, &err), 0);
}

void fixture_begin(struct fixture *f)
{
    fixture_prepare(f);
    fixture_start(f);
}

void fixture_stop(struct fixture *f)
{
    vfs_unref(f->vfs);
    f->vfs = NULL;
    f->online = NULL;
}

void fixture_restart(struct fixture *f)
{
    fixture_stop(f);
    fixture_start(f);
}

void fixture_end(struct fixture *f)
{
    still_clock_end();
    vfs_unref(f->vfs);
    fake_free(f->fake);
    file_remove_tree(f->directory, NULL);
    str_free(&f->directory);
}

uint64_t fixture_find(struct fixture *f, const char *path, struct vfs_attr *attr)
{
    struct vfs_attr found = {.id = f->root};
    char name[256];
    uint64_t folder = 0;

    while (*path) {
        size_t length = strcspn(path, "/");

        snprintf(name, sizeof(name), "%.*s", (int)length, path);
        path += length + (path[length] == '/');
        folder = found.id;
        found.id = 0;
        if (vfs_lookup(f->vfs, &found, folder, name, NULL, NULL) < 0) {
            return 0;
        }
        vfs_forget(f->vfs, found.id, 1);
    }
    if (attr) {
        *attr = found;
    }
    return found.id;
}

struct vfs_file *fixture_open(struct fixture *f, const char *path, unsigned flags)
{
    struct vfs_file *file = NULL;

    assert_int_equal(vfs_open(f->vfs, &file, fixture_find(f, path, NULL), flags, NULL, NULL), 0);
    return file;
}

void fixture_write_at(struct fixture *f, struct vfs_file *file, const char *text, uint64_t offset)
{
    assert_int_equal(vfs_write(f->vfs, file, text, strlen(text), offset, NULL, NULL), 0);
}

int fixture_write(struct fixture *f, const char *folder, const char *name, const void *data,
                  size_t size)
{
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    uint64_t id = fixture_find(f, folder, NULL);
    int code = vfs_create(f->vfs, &file, &attr, id, name, VFS_WRITE | VFS_TRUNCATE, NULL, NULL);

    if (code < 0) {
        return code;
    }
    code = size ? vfs_write(f->vfs, file, data, size, 0, NULL, NULL) : 0;
    if (code == 0) {
        code = vfs_flush(f->vfs, file, NULL, NULL);
    }
    vfs_close(f->vfs, file);
    vfs_forget(f->vfs, attr.id, 1);
    return code;
}

int fixture_write_text(struct fixture *f, const char *folder, const char *name, const char *text)
{
    return fixture_write(f, folder, name, text, strlen(text));
}

int fixture_delete(struct fixture *f, const char *name)
{
    return vfs_unlink(f->vfs, f->root, name, NULL, NULL);
}

int fixture_rename(struct fixture *f, const char *name, const char *new_name)
{
    return vfs_rename(f->vfs, f->root, name, f->root, new_name, 0, NULL, NULL);
}

void fixture_cut_line(struct fixture *f, bool is_cut)
{
    static const enum fake_call calls[] = {FAKE_GET, FAKE_UPDATE, FAKE_DELETE, FAKE_UPLOAD};

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        fake_fail(f->fake, calls[i], is_cut ? ERR_UNREACHABLE : 0, 0, is_cut ? 100000 : 0);
    }
}

bool fixture_has_text(struct fixture *f, const char *path, const char *text)
{
    struct vfs_file *file = NULL;
    char data[4096] = {0};
    size_t got = 0;
    uint64_t id = fixture_find(f, path, NULL);
    bool has = id && vfs_open(f->vfs, &file, id, VFS_READ, NULL, NULL) == 0;

    if (has) {
        has = vfs_read(f->vfs, file, data, sizeof(data) - 1, 0, &got, NULL, NULL) == 0 &&
              got == strlen(text) && memcmp(data, text, got) == 0;
        vfs_close(f->vfs, file);
    }
    return has;
}

static void copy_file(const char *from, const char *to)
{
    char data[65536];
    FILE *in = fopen(from, "rb");
    FILE *out = in ? fopen(to, "wb") : NULL;
    size_t got = 0;

    if (in && !out) {
        fail_msg("cannot write '%s'", to);
    }
    while (in && (got = fread(data, 1, sizeof(data), in)) > 0) {
        assert_int_equal(fwrite(data, 1, got, out), got);
    }
    if (in) { /* else it went away meanwhile */
        fclose(in);
        assert_int_equal(fclose(out), 0);
    }
}

static bool is_same_file(const char *path, const char *other_path)
{
    static char data[2][65536];
    FILE *files[2] = {fopen(path, "rb"), fopen(other_path, "rb")};
    bool is_same = files[0] && files[1];
    size_t got = 1;

    while (is_same && got > 0) {
        got = fread(data[0], 1, sizeof(data[0]), files[0]);
        is_same = fread(data[1], 1, sizeof(data[1]), files[1]) == got &&
                  memcmp(data[0], data[1], got) == 0;
    }
    for (size_t i = 0; i < 2; i++) {
        if (files[i]) {
            fclose(files[i]);
        }
    }
    return is_same;
}

/* All files of a folder, beside those of another: copied there, or only looked at. How many there are;
 * -1: one is not the same there. */
static int walk_files(const char *from, const char *to, bool copies)
{
    DIR *dir = opendir(from);
    const struct dirent *entry = NULL;
    int count = 0;

    assert_non_null(dir);
    while (count >= 0 && (entry = readdir(dir)) != NULL) {
        char path[600];
        char other[600];

        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof(path), "%s/%s", from, entry->d_name);
        snprintf(other, sizeof(other), "%s/%s", to, entry->d_name);
        if (copies) {
            copy_file(path, other);
        }
        count = copies || is_same_file(path, other) ? count + 1 : -1;
    }
    closedir(dir);
    return count;
}

void fixture_copy_spool(struct fixture *f, const char *to)
{
    bool is_moment = false;
    int count = 0;

    /* Uploads may end meanwhile: what is the same when all is copied was so at one moment. */
    for (int i = 0; i < 1000 && !is_moment; i++) {
        file_remove_tree(to, NULL);
        assert_int_equal(file_make_directories(to, NULL), 0);
        (void)walk_files(f->spool, to, true);
        count = walk_files(f->spool, to, false);
        is_moment = count >= 0 && walk_files(to, f->spool, false) == count;
    }
    assert_true(is_moment);
}

void fixture_kill(struct fixture *f, char *image, size_t size)
{
    snprintf(image, size, "%s/image", f->directory);
    fixture_copy_spool(f, image);
    fixture_cut_line(f, true);
}

void fixture_begin_next(struct fixture *f, const char *image, bool is_cut)
{
    fixture_stop(f);
    fixture_cut_line(f, is_cut);
    snprintf(f->spool, sizeof(f->spool), "%s", image);
    fixture_start(f);
}

void fixture_crash(struct fixture *f, bool is_cut)
{
    char image[160];

    fixture_kill(f, image, sizeof(image));
    fixture_begin_next(f, image, is_cut);
}

struct window {
    unsigned room;
    uint64_t last;
    int64_t count;
};

static bool take(void *payload, const char *name, const struct vfs_attr *attr, uint64_t cookie)
{
    struct window *window = payload;

    (void)name;
    (void)attr;
    if (window->room == 0) {
        return false;
    }
    window->room--;
    window->count++;
    window->last = cookie;
    return true;
}

int64_t fixture_list(struct fixture *f, const char *path)
{
    struct window window = {0};
    struct vfs_dir *dir = NULL;
    int code = vfs_opendir(f->vfs, &dir, fixture_find(f, path, NULL), NULL, NULL);
    int64_t before = -1;

    if (code < 0) {
        return code;
    }
    while (code == 0 && window.count != before) {
        before = window.count;
        window.room = 100;
        code = vfs_readdir(f->vfs, dir, window.last, take, &window, NULL, NULL);
    }
    vfs_closedir(f->vfs, dir);
    return code < 0 ? code : window.count;
}

static void count_one(void *payload, const struct online_vfs_unsaved *unsaved)
{
    unsigned *count = payload;

    (void)unsaved;
    (*count)++;
}

unsigned fixture_unsaved(struct fixture *f)
{
    unsigned count = 0;

    assert_int_equal(online_vfs_visit_unsaved(f->online, count_one, &count, NULL), 0);
    return count;
}

struct fixture *fixture_new(void)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    fixture_prepare(f);
    return f;
}

struct fixture *fixture_new_settling(void)
{
    struct fixture *f = fixture_new();

    f->options.saves_in_background = true;
    f->options.keeps_both = true;
    f->options.settle_ms = 3600000;
    return f;
}

int fixture_setup(void **state)
{
    struct fixture *f = fixture_new();

    fixture_start(f);
    *state = f;
    return 0;
}

int fixture_setup_background(void **state)
{
    struct fixture *f = fixture_new();

    f->options.saves_in_background = true;
    f->options.keeps_both = true;
    fixture_start(f);
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture_end(*state);
    free(*state);
    return 0;
}
