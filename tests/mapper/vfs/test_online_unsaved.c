/* What becomes of bytes that do not reach the server: none is lost, none is invented, and all of
 * them are named, with what to do. */
#include "fixture.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define OLD_BYTES 300000

struct seen {
    unsigned count;
    char path[64];
    char file[200];
    char reason[512];
};

static void see(void *payload, const struct online_vfs_unsaved *unsaved)
{
    struct seen *seen = payload;

    seen->count++;
    snprintf(seen->path, sizeof(seen->path), "%s:%s", unsaved->key, unsaved->path);
    snprintf(seen->file, sizeof(seen->file), "%s", unsaved->spool_file);
    snprintf(seen->reason, sizeof(seen->reason), "%s", unsaved->reason);
}

/* The one file that is named as unsaved. */
static struct seen look(struct online_vfs *online)
{
    struct seen seen = {0};

    assert_int_equal(online_vfs_visit_unsaved(online, see, &seen, NULL), 0);
    assert_int_equal(seen.count, 1);
    return seen;
}

static void assert_reason(const struct seen *seen, const char *part)
{
    if (!strstr(seen->reason, part)) {
        fail_msg("'%s' does not say '%s'", seen->reason, part);
    }
}

static void kept_bytes(const struct seen *seen, void *data, size_t size, long offset)
{
    FILE *file = fopen(seen->file, "rb");

    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fread(data, 1, size, file), size);
    fclose(file);
}

static struct vfs_file *create_file(struct fixture *f, const char *name, const char *text)
{
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(
        vfs_create(f->vfs, &file, &attr, f->root, name, VFS_READ | VFS_WRITE, NULL, NULL), 0);
    vfs_forget(f->vfs, attr.id, 1);
    fixture_write_at(f, file, text, 0);
    return file;
}

static void put_old(struct fixture *f, const char *name, int letter)
{
    unsigned char *old = malloc(OLD_BYTES);

    memset(old, letter, OLD_BYTES);
    fake_put(f->fake, name, old, OLD_BYTES);
    free(old);
}

/* --- a base version that is gone --- */

static void online_flush__names_the_bytes_of_the_old_version_that_are_gone(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct seen seen;
    char data[8];

    put_old(f, "a", 'o');
    file = fixture_open(f, "a", VFS_WRITE);
    fixture_write_at(f, file, "patch", 100000);
    fake_put_text(f->fake, "a", "theirs");
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_CHANGED);
    vfs_close(f->vfs, file);
    seen = look(f->online);
    assert_reason(&seen, "someone else saved it meanwhile");
    kept_bytes(&seen, data, 5, 100000);
    assert_memory_equal(data, "patch", 5);
    kept_bytes(&seen, data, 1, 99999);
    if (data[0] != 'o') {
        assert_reason(&seen, "99999 and others could not be had");
    }
    assert_true(fake_has_text(f->fake, "a", "theirs"));
    fixture_restart(f);
    seen = look(f->online);
    assert_string_equal(seen.path, "library:a");
    assert_reason(&seen, "could not be had");
}

static void online_flush__says_when_bytes_may_be_of_the_newer_version(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct seen seen;
    char data[16];
    size_t got = 0;

    fake_put_large(f->fake, "a", 3000000);
    file = fixture_open(f, "a", VFS_READ | VFS_WRITE);
    assert_int_equal(vfs_read(f->vfs, file, data, 16, 2000000, &got, NULL, NULL), 0);
    fixture_write_at(f, file, "patch", 100000);
    fake_put_large(f->fake, "a", 3000000); /* as long as the old one, and believed to be it */
    fake_set_etags(f->fake, false); /* a server that gives none: found out by the save alone */
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_CHANGED);
    vfs_close(f->vfs, file);
    seen = look(f->online);
    assert_reason(&seen, "bytes 0-2999999 came late and may be of the newer version");
}

static void online_flush__keeps_the_old_bytes_that_were_read(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct seen seen;
    char data[16];
    size_t got = 0;

    fake_put_large(f->fake, "a", 3000000);
    file = fixture_open(f, "a", VFS_READ | VFS_WRITE);
    assert_int_equal(vfs_read(f->vfs, file, data, 16, 2000000, &got, NULL, NULL), 0);
    fixture_write_at(f, file, "patch", 2000000);
    fake_put_text(f->fake, "a", "theirs");
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_CHANGED);
    vfs_close(f->vfs, file);
    seen = look(f->online);
    kept_bytes(&seen, data, 8, 2000000);
    assert_memory_equal(data, "patch", 5);
    for (int i = 5; i < 8; i++) {
        assert_int_equal((unsigned char)data[i], fake_byte(2000000 + (uint64_t)i));
    }
}

static void online_read__of_a_file_that_became_shorter_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    char data[16];
    size_t got = 0;

    fake_put_large(f->fake, "a", 30000000);
    file = fixture_open(f, "a", VFS_READ);
    assert_int_equal(vfs_read(f->vfs, file, data, 16, 5000000, &got, NULL, NULL), 0);
    fake_put_text(f->fake, "a", "short");
    assert_int_equal(vfs_read(f->vfs, file, data, 16, 20000000, &got, NULL, NULL), ERR_CHANGED);
    vfs_close(f->vfs, file);
}

static void online_read__never_mixes_two_versions(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    char data[16];
    size_t got = 0;

    fake_put_large(f->fake, "a", 30000000);
    file = fixture_open(f, "a", VFS_READ);
    assert_int_equal(vfs_read(f->vfs, file, data, 16, 5000000, &got, NULL, NULL), 0);
    fake_rename(f->fake, "a", "b"); /* a new eTag, the same content */
    assert_int_equal(vfs_read(f->vfs, file, data, 16, 9000000, &got, NULL, NULL), 0);
    assert_int_equal((unsigned char)data[0], fake_byte(9000000));
    fake_put_large(f->fake, "b", 30000000); /* as long as before */
    assert_int_equal(vfs_read(f->vfs, file, data, 16, 20000000, &got, NULL, NULL), ERR_CHANGED);
    assert_int_equal(vfs_read(f->vfs, file, data, 16, 5000000, &got, NULL, NULL), 0);
    vfs_close(f->vfs, file);
}

/* --- reasons, and trying again --- */

static void online_flush__that_fails_says_what_to_do_and_tries_again(void **state)
{
    static const struct {
        int code;
        const char *advice;
    } cases[] = {{ERR_CHANGED, "compare the two"},      {ERR_LOCKED, "when it is free"},
                 {ERR_NO_SPACE, "make room"},           {ERR_SIGNED_OUT, "mooring login"},
                 {ERR_UNREACHABLE, "service answers"},  {ERR_TIMED_OUT, "service answers"},
                 {ERR_NOT_FOUND, "restore it"},         {ERR_SERVER, "service answers"},
                 {ERR_TOO_LARGE, "save again, or else"}};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct vfs_file *file = NULL;
        struct seen seen;
        char name[16];

        snprintf(name, sizeof(name), "file%zu", i);
        file = create_file(f, name, "precious");
        fake_fail(f->fake, FAKE_UPLOAD, cases[i].code, 0, 2);
        fake_reset(f->fake);
        assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), cases[i].code);
        assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), cases[i].code);
        assert_int_equal(fake_count(f->fake, FAKE_UPLOAD), 2);
        seen = look(f->online);
        assert_reason(&seen, "the test wants this to fail");
        assert_reason(&seen, cases[i].advice);
        assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
        assert_int_equal(fixture_unsaved(f), 0);
        vfs_close(f->vfs, file);
        assert_true(fake_has_text(f->fake, name, "precious"));
    }
    fixture_restart(f);
    assert_int_equal(fixture_unsaved(f), 0);
}

static void online_flush__finds_what_arrived_without_an_answer(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = create_file(f, "a", "first");

    fake_lose_uploads(f->fake, 1);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_TIMED_OUT);
    assert_int_equal(fixture_unsaved(f), 1);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    assert_int_equal(fixture_unsaved(f), 0);
    assert_int_equal(fake_versions(f->fake, "a"), 1);
    fixture_write_at(f, file, "other", 0);
    fake_lose_uploads(f->fake, 1);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_TIMED_OUT);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    assert_int_equal(fake_versions(f->fake, "a"), 2);
    fixture_write_at(f, file, "third", 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "a", "third"));
    assert_int_equal(fixture_unsaved(f), 0);
}

/* Two who make the same empty file exclusively must not both believe that they did. */
static void online_flush__of_a_taken_name_is_not_ours_by_its_bytes(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = create_file(f, "lock", "x");

    fake_put_text(f->fake, "lock", "x");
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_EXISTS);
    vfs_close(f->vfs, file);
}

static void online_flush__of_the_same_bytes_later_settles_an_unsaved_file(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a", "old");
    fake_fail(f->fake, FAKE_UPLOAD, ERR_LOCKED, 0, 2);
    assert_int_equal(fixture_write_text(f, "", "a", "mine"), ERR_LOCKED);
    assert_int_equal(fixture_write_text(f, "", "a", "more"), ERR_LOCKED);
    assert_int_equal(fixture_unsaved(f), 2);
    fixture_restart(f);
    assert_int_equal(fixture_write_text(f, "", "b", "mine"), 0);
    assert_int_equal(fixture_unsaved(f), 2);
    assert_int_equal(fixture_write_text(f, "", "a", "mine"), 0);
    assert_int_equal(fixture_unsaved(f), 1); /* "more" was never saved: it stays */
}

/* --- notes --- */

/* What a later agent finds when this one is killed: seen by a second one on a copy of the spool. */
static struct online_vfs *later_agent(struct fixture *f)
{
    struct online_vfs_options options = f->options;
    struct online_vfs *online = NULL;
    char cache[128];
    char spool[128];

    snprintf(cache, sizeof(cache), "%s/cache2", f->directory);
    snprintf(spool, sizeof(spool), "%s/spool2", f->directory);
    fixture_copy_spool(f, spool);
    options.cache_directory = cache;
    options.spool_directory = spool;
    assert_int_equal(online_vfs_new(&online, &options, NULL), 0);
    return online;
}

static void online_spool__names_what_was_open_when_the_agent_died(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct online_vfs *later = NULL;
    struct seen seen;

    put_old(f, "a", 'o');
    file = fixture_open(f, "a", VFS_WRITE);
    fixture_write_at(f, file, "patch", 5);
    later = later_agent(f);
    seen = look(later);
    assert_string_equal(seen.path, "library:a");
    assert_reason(&seen, "first 300000 bytes may be zeros");
    vfs_unref(online_vfs_vfs(later));
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    fixture_write_at(f, file, "again", 5);
    later = later_agent(f);
    seen = look(later);
    assert_string_equal(seen.path, "library:a");
    vfs_unref(online_vfs_vfs(later));
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    later = later_agent(f); /* saved and still open: nothing is unsaved */
    seen = (struct seen){0};
    assert_int_equal(online_vfs_visit_unsaved(later, see, &seen, NULL), 0);
    assert_int_equal(seen.count, 0);
    vfs_unref(online_vfs_vfs(later));
    vfs_close(f->vfs, file);
    assert_int_equal(fixture_unsaved(f), 0);
}

/* The name of the spool's file that ends so, below f->spool. */
static void spool_entry(struct fixture *f, const char *ending, char *out, size_t size)
{
    DIR *dir = opendir(f->spool);
    const struct dirent *entry = NULL;

    *out = '\0';
    while ((entry = readdir(dir)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');

        if (dot && strcmp(dot, ending) == 0) {
            snprintf(out, size, "%s/%s", f->spool, entry->d_name);
        }
    }
    closedir(dir);
}

static void online_spool__names_a_file_whose_note_could_not_be_written(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = create_file(f, "a", "precious");
    struct seen seen;
    char note[512];

    spool_entry(f, ".note", note, sizeof(note));
    assert_int_equal(remove(note), 0);
    assert_int_equal(mkdir(note, 0700), 0); /* nothing can replace it */
    fake_fail(f->fake, FAKE_UPLOAD, ERR_LOCKED, 0, 9);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), ERR_LOCKED);
    seen = look(f->online);
    assert_reason(&seen, "when it is free");
    vfs_close(f->vfs, file);
    look(f->online);
    fixture_restart(f);
    look(f->online);
}

static void online_spool__copes_with_notes_that_are_broken_or_hostile(void **state)
{
    static const char *const notes[] = {
        "",
        "mooring-unsaved 1\n",
        "mooring-unsaved 1\nkey %",
        "mooring-unsaved 1\nkey a\nkey b\npath ../../../etc/passwd%0a%1b[2J\nreason x\nbase -7\n",
        "mooring-unsaved 2\nkey a\n",
        "mooring-unsaved 1\nbase 99999999999999999999\nsince x\n",
        "\xff\xfe\n\n\n",
    };
    struct fixture *f = *state;
    size_t count = sizeof(notes) / sizeof(notes[0]);
    char path[200];

    for (size_t i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/0123456789abcdef-%zu.data", f->spool, i);
        assert_int_equal(file_write_atomic(path, "bytes", 5, NULL), 0);
        snprintf(path, sizeof(path), "%s/0123456789abcdef-%zu.note", f->spool, i);
        assert_int_equal(file_write_atomic(path, notes[i], strlen(notes[i]), NULL), 0);
    }
    assert_int_equal(fixture_unsaved(f), count);
    fixture_restart(f);
    assert_int_equal(fixture_unsaved(f), count);
}

/* What an agent that was killed kept for its next notes means nothing to anybody. */
static void online_start__removes_spare_files_of_another(void **state)
{
    struct fixture *f = *state;
    char path[200];

    snprintf(path, sizeof(path), "%s/0123456789abcdef-1.spare", f->spool);
    assert_int_equal(file_write_atomic(path, "mooring-unsaved 1\nkey a\n", 24, NULL), 0);
    fixture_restart(f);
    assert_false(file_exists(path));
    assert_int_equal(fixture_unsaved(f), 0);
}

/* --- opening that changes --- */

static void online_close__saves_what_was_made_only_to_be_read(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "new", VFS_READ, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    vfs_forget(f->vfs, attr.id, 1);
    assert_true(fake_has(f->fake, "new", "", 0));
    assert_int_equal(fixture_unsaved(f), 0);
}

/* What another handle could not save is still his. */
static void online_abandon__leaves_what_another_handle_could_not_save(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *writer = NULL;
    struct vfs_file *other = NULL;
    uint64_t id = 0;

    fake_put_text(f->fake, "doc", "old");
    id = fixture_find(f, "doc", NULL);
    assert_int_equal(vfs_open(f->vfs, &writer, id, VFS_WRITE, NULL, NULL), 0);
    assert_int_equal(vfs_open(f->vfs, &other, id, VFS_WRITE, NULL, NULL), 0);
    fixture_write_at(f, writer, "new", 0);
    fake_fail(f->fake, FAKE_UPLOAD, ERR_DENIED, 0, 1);
    assert_int_equal(vfs_flush(f->vfs, writer, NULL, NULL), ERR_DENIED);
    vfs_close(f->vfs, writer);
    vfs_abandon(f->vfs, other);
    assert_int_equal(fixture_unsaved(f), 1);
}

/* --- deletes and renames of what is being written --- */

static void online_close__after_an_unlink_brings_no_name_back(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_file *older = NULL;

    put_old(f, "a", 'o');
    older = fixture_open(f, "a", VFS_WRITE);
    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
    put_old(f, "a", 'n');
    vfs_close(f->vfs, fixture_open(f, "a", VFS_READ)); /* sees the new version */
    file = fixture_open(f, "a", VFS_WRITE);
    fixture_write_at(f, file, "x", 0);
    fixture_write_at(f, older, "y", 0);
    assert_int_equal(vfs_unlink(f->vfs, f->root, "a", NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    assert_true(vfs_flush(f->vfs, older, NULL, NULL) < 0);
    vfs_close(f->vfs, file);
    vfs_close(f->vfs, older);
    assert_null(fake_id(f->fake, "a"));
    assert_int_equal(fake_children(f->fake, ""), 0);
}

static void online_close__after_a_rename_saves_under_the_new_name(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = create_file(f, "a", "text");
    struct vfs_attr attr;
    uint64_t folder = 0;

    fake_mkdir(f->fake, "old");
    folder = fixture_find(f, "old", &attr);
    assert_int_not_equal(folder, 0);
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", folder, "b", 0, NULL, NULL), 0);
    assert_int_equal(vfs_rename(f->vfs, f->root, "old", f->root, "new", 0, NULL, NULL), 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "new/b", "text"));
    assert_int_equal(fake_children(f->fake, ""), 1);
}

/* Somebody moves the file out and back while we list: no reason to fail its save. */
static void online_flush__of_a_file_that_a_listing_missed_saves_it(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;

    fake_put_text(f->fake, "a", "old");
    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
    file = fixture_open(f, "a", VFS_WRITE);
    fixture_write_at(f, file, "new", 0);
    fake_hide(f->fake, "a", true);
    assert_int_equal(fixture_list(f, ""), 0);
    fake_hide(f->fake, "a", false);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_has_text(f->fake, "a", "new"));
    assert_int_equal(fixture_unsaved(f), 0);
    assert_true(fixture_has_text(f, "a", "new"));
}

/* What a colleague saved into the source must not vanish with it. */
static void online_rename__sends_the_newest_source(void **state)
{
    struct fixture *f = *state;

    fake_put_text(f->fake, "a", "older");
    fake_put_text(f->fake, "b", "target");
    assert_true(fixture_has_text(f, "a", "older"));
    usleep(1000); /* nothing depends on it: the tree's clock has whole seconds */
    fake_put_text(f->fake, "a", "newer");
    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
    assert_int_equal(vfs_rename(f->vfs, f->root, "a", f->root, "b", 0, NULL, NULL), 0);
    assert_true(fake_has_text(f->fake, "b", "newer"));
}

static bool gave_up(void *payload)
{
    return fake_count(payload, FAKE_UPDATE) > 0;
}

static void online_rename__that_is_given_up_halfway_goes_back(void **state)
{
    struct fixture *f = *state;
    struct vfs_call call = {.is_cancelled = gave_up, .payload = f->fake};

    fake_put_large(f->fake, "large", 200u * 1024 * 1024);
    fake_put_text(f->fake, "target", "old");
    fixture_list(f, "");
    fake_set_latency(f->fake, 60);
    assert_true(vfs_rename(f->vfs, f->root, "large", f->root, "target", 0, &call, NULL) < 0);
    assert_true(fake_has_text(f->fake, "target", "old"));
    assert_non_null(fake_id(f->fake, "large"));
    fake_set_latency(f->fake, 0);
    assert_true(fixture_has_text(f, "target", "old"));
}

/* --- the disk --- */

static void limit_files(uint64_t bytes)
{
    struct rlimit limit = {0};

    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN);
}

static void online_write__that_the_disk_refuses_leaves_the_saved_file_alone(void **state)
{
    struct fixture *f = *state;
    unsigned char *data = malloc(100000);
    unsigned char *back = malloc(100000);
    struct vfs_file *file = NULL;
    size_t got = 0;

    memset(data, 'o', 100000);
    assert_int_equal(fixture_write(f, "", "a", data, 50000), 0);
    file = fixture_open(f, "a", VFS_READ | VFS_WRITE);
    limit_files(60000);
    memset(data, 'n', 100000);
    assert_true(vfs_write(f->vfs, file, data, 100000, 50000, NULL, NULL) < 0);
    limit_files(RLIM_INFINITY);
    fixture_write_at(f, file, "end", 70000);
    assert_int_equal(vfs_read(f->vfs, file, back, 100000, 0, &got, NULL, NULL), 0);
    assert_int_equal(got, 70003);
    for (size_t i = 50000; i < 70000; i++) {
        assert_int_equal(back[i], 0); /* a hole: nothing of what failed */
    }
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_has(f->fake, "a", back, 70003));
    free(data);
    free(back);
}

static void online_write__scattered_all_over_a_new_file_works(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = create_file(f, "a", "");
    unsigned char *want = calloc(1, 200001);

    for (uint64_t i = 0; i <= 200000; i += 2) {
        want[i] = 'x';
        fixture_write_at(f, file, "x", i);
    }
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    vfs_close(f->vfs, file);
    assert_true(fake_has(f->fake, "a", want, 200001));
    free(want);
}

static void check_reads(struct fixture *f, const char *name)
{
    unsigned char *data = malloc(OLD_BYTES);
    struct vfs_file *file = fixture_open(f, name, VFS_READ);
    uint64_t done = 0;

    while (done < OLD_BYTES) {
        size_t got = 0;

        assert_int_equal(vfs_read(f->vfs, file, data, 70000, done, &got, NULL, NULL), 0);
        assert_true(got > 0);
        for (size_t i = 0; i < got; i++) {
            assert_int_equal(data[i], fake_byte(done + i));
        }
        done += got;
    }
    vfs_close(f->vfs, file);
    free(data);
}

static void online_read__needs_no_disk(void **state)
{
    struct fixture *f = *state;

    fake_put_large(f->fake, "a", OLD_BYTES);
    fake_put_large(f->fake, "b", OLD_BYTES);
    limit_files(40000); /* the cache takes the first blocks */
    check_reads(f, "a");
    limit_files(RLIM_INFINITY);
    assert_int_equal(online_vfs_wipe_cache(f->online, NULL), 0);
    assert_int_equal(rmdir(f->cache), 0);
    check_reads(f, "b");
    assert_int_equal(mkdir(f->cache, 0700), 0);
}

#define ONLINE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ONLINE_TEST(online_flush__names_the_bytes_of_the_old_version_that_are_gone),
    ONLINE_TEST(online_flush__says_when_bytes_may_be_of_the_newer_version),
    ONLINE_TEST(online_flush__keeps_the_old_bytes_that_were_read),
    ONLINE_TEST(online_read__of_a_file_that_became_shorter_is_an_error),
    ONLINE_TEST(online_read__never_mixes_two_versions),
    ONLINE_TEST(online_flush__that_fails_says_what_to_do_and_tries_again),
    ONLINE_TEST(online_flush__finds_what_arrived_without_an_answer),
    ONLINE_TEST(online_flush__of_a_taken_name_is_not_ours_by_its_bytes),
    ONLINE_TEST(online_flush__of_the_same_bytes_later_settles_an_unsaved_file),
    ONLINE_TEST(online_spool__names_what_was_open_when_the_agent_died),
    ONLINE_TEST(online_spool__names_a_file_whose_note_could_not_be_written),
    ONLINE_TEST(online_spool__copes_with_notes_that_are_broken_or_hostile),
    ONLINE_TEST(online_start__removes_spare_files_of_another),
    ONLINE_TEST(online_close__saves_what_was_made_only_to_be_read),
    ONLINE_TEST(online_abandon__leaves_what_another_handle_could_not_save),
    ONLINE_TEST(online_close__after_an_unlink_brings_no_name_back),
    ONLINE_TEST(online_close__after_a_rename_saves_under_the_new_name),
    ONLINE_TEST(online_flush__of_a_file_that_a_listing_missed_saves_it),
    ONLINE_TEST(online_rename__sends_the_newest_source),
    ONLINE_TEST(online_rename__that_is_given_up_halfway_goes_back),
    ONLINE_TEST(online_write__that_the_disk_refuses_leaves_the_saved_file_alone),
    ONLINE_TEST(online_write__scattered_all_over_a_new_file_works),
    ONLINE_TEST(online_read__needs_no_disk),
};

TEST_MAIN("bytes that do not reach the server", tests)
