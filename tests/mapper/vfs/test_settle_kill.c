/*
 * What a document still has to send when it is renamed away for its next version: the agent is
 * killed before each commit of the journal. Until the next version is in it, the document has to get
 * what was closed last; and what stays behind under a name of its own is sent under that. Likewise
 * when it is deleted, and then its folder.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "mapper/journal.h"
#include "waiting.h"

#define SCRATCH "~WRL0001.tmp"
#define SCRATCH_NEW "~WRD0000.tmp"

static struct {
    struct fixture *f; /* NULL: not armed */
    unsigned at;       /* which commit */
    unsigned count;
    bool is_full; /* it is refused instead, and so are all behind it */
    char image[160];
} dying;

int __real_journal_apply(struct journal *journal, const struct journal_change *changes,
                         size_t count, bool is_durable, struct error *err);
int __wrap_journal_apply(struct journal *journal, const struct journal_change *changes,
                         size_t count, bool is_durable, struct error *err);

int __wrap_journal_apply(struct journal *journal, const struct journal_change *changes,
                         size_t count, bool is_durable, struct error *err)
{
    if (dying.f && ++dying.count >= dying.at && dying.is_full) {
        return error_set(err, ERR_NO_SPACE, "the test's disk is full");
    }
    if (dying.f && dying.count == dying.at) {
        fixture_kill(dying.f, dying.image, sizeof(dying.image));
    }
    return __real_journal_apply(journal, changes, count, is_durable, err);
}

/* --- what is where --- */

struct search {
    const char *text;
    bool is_found;
};

static void compare(void *payload, const char *path, bool is_folder, const void *data,
                    uint64_t size)
{
    struct search *search = payload;

    (void)path;
    search->is_found |= !is_folder && size == strlen(search->text) &&
                        memcmp(data, search->text, strlen(search->text)) == 0;
}

static bool is_anywhere(struct fixture *f, const char *text)
{
    struct search search = {.text = text};

    fake_visit(f->fake, compare, &search);
    return search.is_found;
}

/* --- runs --- */

struct sequence {
    void (*prepare)(struct fixture *f); /* nobody dies */
    void (*run)(struct fixture *f);
    const char *aside; /* what "doc" is renamed to; NULL: a scratch name */
    bool is_closed;    /* "new" is in the journal before */
};

static struct str_list patterns;

/* "doc" has "old" on the server, and "unsent" in the journal. */
static void begin(struct fixture *f)
{
    fixture_prepare(f);
    f->options.saves_in_background = true;
    f->options.keeps_both = true;
    f->options.settle_ms = 3600000;
    f->options.upload_delay_ms = WAITING_NEVER_MS;
    f->options.local_only = &patterns;
    fixture_start(f);
    fake_put_text(f->fake, "doc", "old");
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fixture_write_text(f, "", "doc", "unsent"), 0);
}

static void send_all(struct fixture *f)
{
    for (int i = 0; i < WAITING_LONG_MS && waiting_left(f) > 0; i++) {
        struct waiting_seen seen = waiting_look_for(f, UPLOAD_WAITING);

        (void)online_vfs_retry_uploads(f->online, seen.count ? seen.id : NULL, NULL, NULL);
        usleep(1000);
    }
    assert_int_equal(waiting_left(f), 0);
}

static void finish(struct fixture *f)
{
    assert_int_equal(online_vfs_settle(f->online, WAITING_LONG_MS), 0);
    send_all(f);
}

static void assert_nothing_lost(struct fixture *f, const struct sequence *s, const char *id)
{
    bool is_new = fake_has_text(f->fake, "doc", "new");

    if (!is_new && !fake_has_text(f->fake, "doc", "unsent")) {
        fail_msg("before commit %u: the document is not what was closed", dying.at);
    }
    assert_string_equal(fake_id(f->fake, "doc"), id);
    if (s->aside && is_new && !fake_has_text(f->fake, s->aside, "unsent")) {
        fail_msg("before commit %u: what '%s' has to be is not on the server", dying.at, s->aside);
    }
    if (s->is_closed && !is_anywhere(f, "new")) {
        fail_msg("before commit %u: the next version is not on the server", dying.at);
    }
    fake_find_name(f->fake, "", "conflict", dying.image, sizeof(dying.image));
    assert_string_equal(dying.image, "");
    assert_null(fake_id(f->fake, SCRATCH));
    assert_null(fake_id(f->fake, SCRATCH_NEW));
}

/* False: there are fewer commits than that. */
static bool die_at(const struct sequence *s, unsigned at)
{
    struct fixture f;
    char id[64];
    bool has_died = false;

    begin(&f);
    snprintf(id, sizeof(id), "%s", fake_id(f.fake, "doc"));
    s->prepare(&f);
    dying.at = at;
    dying.count = 0;
    dying.f = &f;
    s->run(&f);
    dying.f = NULL;
    has_died = dying.count >= at;
    if (has_died) {
        fixture_begin_next(&f, dying.image, false);
    }
    finish(&f);
    assert_nothing_lost(&f, s, id);
    if (!has_died) {
        assert_true(fake_has_text(f.fake, "doc", "new"));
        assert_int_equal(fake_children(f.fake, ""), s->aside ? 2 : 1);
        assert_int_equal(fake_versions(f.fake, "doc"), 2);
        assert_int_equal(fixture_unsaved(&f), 0);
        assert_true(fixture_has_text(&f, "doc", "new"));
        assert_true(!s->aside || fixture_has_text(&f, s->aside, "unsent"));
    }
    fixture_end(&f);
    return has_died;
}

static void die_everywhere(const struct sequence *s)
{
    unsigned at = 1;

    while (die_at(s, at)) {
        at++;
    }
    assert_in_range(at, 3, 100);
}

/* --- a new file is made in its place --- */

static void prepare_nothing(struct fixture *f)
{
    (void)f;
}

static void step_aside_and_write(struct fixture *f, const char *aside)
{
    assert_int_equal(fixture_rename(f, "doc", aside), 0);
    assert_int_equal(fixture_write_text(f, "", "doc", "new"), 0);
}

static void write_beside_backup(struct fixture *f)
{
    step_aside_and_write(f, "doc.bak");
}

static void write_beside_temporary(struct fixture *f)
{
    step_aside_and_write(f, "doc~");
}

static void write_beside_scratch(struct fixture *f)
{
    step_aside_and_write(f, SCRATCH);
}

static void adopt_crash__of_a_file_made_anew_beside_its_backup(void **state)
{
    (void)state;
    die_everywhere(&(struct sequence){prepare_nothing, write_beside_backup, "doc.bak", false});
}

static void adopt_crash__of_a_file_made_anew_beside_a_temporary_one(void **state)
{
    (void)state;
    die_everywhere(&(struct sequence){prepare_nothing, write_beside_temporary, "doc~", false});
}

static void adopt_crash__of_a_file_made_anew_beside_a_scratch_file(void **state)
{
    (void)state;
    die_everywhere(&(struct sequence){prepare_nothing, write_beside_scratch, NULL, false});
}

/* --- what was closed under another name takes its place --- */

static void prepare_fresh(struct fixture *f)
{
    assert_int_equal(fixture_write_text(f, "", "fresh", "new"), 0);
}

static void put_fresh_beside_backup(struct fixture *f)
{
    assert_int_equal(fixture_rename(f, "doc", "doc.bak"), 0);
    assert_int_equal(fixture_rename(f, "fresh", "doc"), 0);
}

static void put_fresh_beside_scratch(struct fixture *f)
{
    assert_int_equal(fixture_rename(f, "doc", SCRATCH), 0);
    assert_int_equal(fixture_rename(f, "fresh", "doc"), 0);
}

static void adopt_crash__of_a_closed_file_beside_the_backup(void **state)
{
    (void)state;
    die_everywhere(&(struct sequence){prepare_fresh, put_fresh_beside_backup, "doc.bak", true});
}

static void adopt_crash__of_a_closed_file_beside_a_scratch_file(void **state)
{
    (void)state;
    die_everywhere(&(struct sequence){prepare_fresh, put_fresh_beside_scratch, NULL, true});
}

static void prepare_scratch(struct fixture *f)
{
    assert_int_equal(fixture_write_text(f, "", SCRATCH_NEW, "new"), 0);
}

static void put_scratch_beside_scratch(struct fixture *f)
{
    assert_int_equal(fixture_rename(f, "doc", SCRATCH), 0);
    assert_int_equal(fixture_rename(f, SCRATCH_NEW, "doc"), 0);
    assert_int_equal(fixture_delete(f, SCRATCH), 0);
}

static void adopt_crash__of_scratch_files_alone(void **state)
{
    (void)state;
    die_everywhere(&(struct sequence){prepare_scratch, put_scratch_beside_scratch, NULL, false});
}

/* --- its folder goes --- */

static int remove_folder(struct fixture *f)
{
    return vfs_rmdir(f->vfs, f->root, "folder", NULL, NULL);
}

static int replace_folder(struct fixture *f)
{
    return fixture_rename(f, "other", "folder");
}

/* Nothing is left that waits for ever: the file is deleted, or has what was closed. */
static bool die_with_folder(int (*run)(struct fixture *f), unsigned at)
{
    struct fixture f;
    bool has_died = false;
    int code = 0;

    begin(&f);
    fake_put_text(f.fake, "folder/file", "old");
    fake_mkdir(f.fake, "other");
    fixture_restart(&f);
    send_all(&f);
    assert_int_equal(fixture_list(&f, "folder"), 1);
    assert_int_equal(fixture_write_text(&f, "folder", "file", "not sent"), 0);
    assert_int_equal(vfs_unlink(f.vfs, fixture_find(&f, "folder", NULL), "file", NULL, NULL), 0);
    dying.at = at;
    dying.count = 0;
    dying.f = &f;
    code = run(&f);
    dying.f = NULL;
    has_died = dying.count >= at;
    if (has_died) {
        fixture_begin_next(&f, dying.image, false);
    } else {
        assert_int_equal(code, 0);
    }
    finish(&f);
    assert_int_equal(fixture_unsaved(&f), 0);
    if (fake_id(f.fake, "folder/file")) {
        assert_true(has_died);
        assert_true(fake_has_text(f.fake, "folder/file", "not sent"));
    } else {
        assert_false(fake_ever_held(f.fake, "not sent", 8));
    }
    fixture_end(&f);
    return has_died;
}

static void die_everywhere_with_folder(int (*run)(struct fixture *f))
{
    unsigned at = 1;

    while (die_with_folder(run, at)) {
        at++;
    }
    assert_in_range(at, 2, 100);
}

static void folder_crash__of_one_that_is_deleted_leaves_nothing(void **state)
{
    (void)state;
    die_everywhere_with_folder(remove_folder);
}

static void folder_crash__of_one_that_is_replaced_leaves_nothing(void **state)
{
    (void)state;
    die_everywhere_with_folder(replace_folder);
}

/* --- what takes a name that a new file has --- */

/* "placed" is new, empty and closed, so that it waits whether it gets another name. */
static void prepare_placed(struct fixture *f, const char *source)
{
    assert_int_equal(fixture_write(f, "", "placed", "", 0), 0);
    if (strcmp(source, "doc") != 0) {
        assert_int_equal(fixture_write_text(f, "", source, "new"), 0);
    }
}

/* The name is never without a file. */
static bool die_at_replace(const char *source, const char *text, unsigned at)
{
    struct fixture f;
    bool has_died = false;
    int code = 0;

    begin(&f);
    prepare_placed(&f, source);
    dying.at = at;
    dying.count = 0;
    dying.f = &f;
    code = fixture_rename(&f, source, "placed");
    dying.f = NULL;
    has_died = dying.count >= at;
    if (has_died) {
        fixture_begin_next(&f, dying.image, false);
    } else {
        assert_int_equal(code, 0);
    }
    finish(&f);
    if (!fake_has_text(f.fake, "placed", text) &&
        !(fake_has_text(f.fake, "placed", "") && is_anywhere(&f, text))) {
        fail_msg("'%s', before commit %u: one of both is lost", source, at);
    }
    fake_find_name(f.fake, "", "conflict", dying.image, sizeof(dying.image));
    assert_string_equal(dying.image, "");
    fixture_end(&f);
    return has_died;
}

static void replace_crash__of_a_new_file_that_waits_loses_neither(void **state)
{
    static const char *const sources[] = {"doc", "fresh", "1A2B3C4D"};

    (void)state;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        unsigned at = 1;

        while (die_at_replace(sources[i], i == 0 ? "unsent" : "new", at)) {
            at++;
        }
        assert_in_range(at, 2, 100);
    }
}

static void replace_refused__leaves_the_new_file_that_waits(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    prepare_placed(&f, "doc");
    fixture_cut_line(&f, true);
    assert_int_equal(fixture_rename(&f, "doc", "placed"), ERR_UNREACHABLE);
    assert_true(fixture_has_text(&f, "placed", ""));
    assert_true(fixture_has_text(&f, "doc", "unsent"));
    fixture_cut_line(&f, false);
    finish(&f);
    assert_true(fake_has_text(f.fake, "placed", ""));
    assert_true(fake_has_text(f.fake, "doc", "unsent"));
    fixture_end(&f);
}

/* --- there is no room for a row --- */

/* "doc" gets another name, and new content under that: its commits fail from the `at`-th on. Then the
 * agent is killed. */
static bool fill_disk_at(const char *below, unsigned at)
{
    struct fixture f;
    bool was_refused = false;
    int code = 0;

    begin(&f);
    fake_put_text(f.fake, below, "below");
    fixture_restart(&f);
    send_all(&f);
    assert_int_equal(fixture_list(&f, ""), 2);
    assert_int_equal(fixture_rename(&f, "doc", "doc~"), 0);
    assert_int_equal(fixture_delete(&f, below), 0);
    assert_int_equal(fixture_rename(&f, "doc~", below), 0);
    dying.at = at;
    dying.count = 0;
    dying.is_full = true;
    dying.f = &f;
    code = fixture_write_text(&f, "", below, "new");
    dying.f = NULL;
    dying.is_full = false;
    was_refused = dying.count >= at;
    assert_true(code == 0 || (was_refused && code == ERR_NO_SPACE));
    fixture_crash(&f, false);
    finish(&f);
    if (code == 0) {
        assert_true(fake_has_text(f.fake, below, "new"));
        assert_null(fake_id(f.fake, "doc"));
        assert_int_equal(fake_children(f.fake, ""), 1);
    } else if (fake_id(f.fake, "doc")) { /* as it was */
        assert_true(fake_has_text(f.fake, "doc", "unsent"));
        assert_true(fake_has_text(f.fake, below, "below"));
    } else {
        assert_true(fake_has_text(f.fake, below, "unsent"));
    }
    assert_true(code == 0 || fixture_unsaved(&f) > 0 || fake_ever_held(f.fake, "new", 3));
    fixture_end(&f);
    return was_refused;
}

static void promise_full__fails_the_save_that_needs_the_name(void **state)
{
    unsigned at = 1;

    (void)state;
    while (fill_disk_at("doc.bak", at)) {
        at++;
    }
    assert_in_range(at, 3, 100);
}

/* What a delete or rename alone says is not promised: it goes on without its row, and says so. */
static void promise_full__does_not_fail_what_a_crash_may_forget(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    dying.at = 1;
    dying.count = 0;
    dying.is_full = true;
    dying.f = &f;
    assert_int_equal(fixture_delete(&f, "doc"), 0);
    dying.f = NULL;
    dying.is_full = false;
    assert_int_equal(waiting_look_for(&f, UPLOAD_SETTLING).count, 1);
    assert_non_null(strstr(waiting_look_for(&f, UPLOAD_SETTLING).reason, "no room"));
    fixture_crash(&f, false);
    finish(&f);
    assert_true(fake_has_text(f.fake, "doc", "unsent"));
    fixture_end(&f);
}

struct named {
    const char *path;
    char id[64];
};

static void find_id(void *payload, const struct online_vfs_upload *upload)
{
    struct named *named = payload;

    if (upload->state == UPLOAD_SETTLING && str_equal(upload->path, named->path)) {
        snprintf(named->id, sizeof(named->id), "%s", upload->id);
    }
}

/* What `path` is listed by. */
static struct named id_of(struct fixture *f, const char *path)
{
    struct named named = {.path = path};

    assert_int_equal(online_vfs_visit_uploads(f->online, find_id, &named, NULL), 0);
    assert_true(*named.id);
    return named;
}

/* Those without a row are given up one by one; also by that name when they have a row by then. */
static void promise_full__leaves_each_a_name_of_its_own(void **state)
{
    struct fixture f;
    struct named doc;
    struct named other;

    (void)state;
    begin(&f);
    fake_put_text(f.fake, "other", "other");
    fixture_restart(&f);
    send_all(&f);
    assert_int_equal(fixture_list(&f, ""), 2);
    dying.at = 1;
    dying.count = 0;
    dying.is_full = true;
    dying.f = &f;
    assert_int_equal(fixture_delete(&f, "doc"), 0);
    assert_int_equal(fixture_rename(&f, "other", "other~"), 0);
    doc = id_of(&f, "doc");
    other = id_of(&f, "other");
    assert_string_not_equal(doc.id, other.id);
    assert_int_equal(online_vfs_discard_upload(f.online, other.id, NULL), 0);
    dying.f = NULL;
    dying.is_full = false;
    assert_true(fixture_has_text(&f, "other", "other"));
    assert_int_equal(waiting_look_for(&f, UPLOAD_SETTLING).count, 1);
    waiting_decide_in_vain(&f);
    assert_string_not_equal(id_of(&f, "doc").id, doc.id); /* its row's */
    assert_int_equal(online_vfs_discard_upload(f.online, doc.id, NULL), 0);
    fixture_cut_line(&f, false);
    assert_true(fixture_has_text(&f, "doc", "unsent"));
    assert_int_equal(waiting_look_for(&f, UPLOAD_SETTLING).count, 0);
    fixture_end(&f);
}

/* --- nobody dies --- */

/* What steps aside is read and written on, while what was closed of it is the document's. */
static void adopt_aside__has_a_file_of_its_own(void **state)
{
    struct fixture f;
    struct vfs_file *aside = NULL;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    (void)state;
    begin(&f);
    assert_int_equal(fixture_rename(&f, "doc", SCRATCH), 0);
    aside = fixture_open(&f, SCRATCH, VFS_READ | VFS_WRITE);
    assert_int_equal(
        vfs_create(f.vfs, &file, &attr, f.root, "doc", VFS_READ | VFS_WRITE, NULL, NULL), 0);
    fixture_write_at(&f, aside, "??", 0);
    assert_true(fixture_has_text(&f, SCRATCH, "??sent"));
    send_all(&f);
    assert_true(fake_has_text(f.fake, "doc", "unsent"));
    assert_true(fixture_has_text(&f, SCRATCH, "??sent"));
    fixture_write_at(&f, file, "new", 0);
    assert_int_equal(vfs_flush(f.vfs, file, NULL, NULL), 0);
    vfs_close(f.vfs, file);
    vfs_close(f.vfs, aside);
    vfs_forget(f.vfs, attr.id, 1);
    finish(&f);
    assert_true(fake_has_text(f.fake, "doc", "new"));
    assert_int_equal(fake_versions(f.fake, "doc"), 3);
    assert_int_equal(fake_children(f.fake, ""), 1);
    assert_true(fixture_has_text(&f, SCRATCH, "??sent"));
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adopt_crash__of_a_file_made_anew_beside_its_backup),
        cmocka_unit_test(adopt_crash__of_a_file_made_anew_beside_a_temporary_one),
        cmocka_unit_test(adopt_crash__of_a_file_made_anew_beside_a_scratch_file),
        cmocka_unit_test(adopt_crash__of_a_closed_file_beside_the_backup),
        cmocka_unit_test(adopt_crash__of_a_closed_file_beside_a_scratch_file),
        cmocka_unit_test(adopt_crash__of_scratch_files_alone),
        cmocka_unit_test(folder_crash__of_one_that_is_deleted_leaves_nothing),
        cmocka_unit_test(folder_crash__of_one_that_is_replaced_leaves_nothing),
        cmocka_unit_test(replace_crash__of_a_new_file_that_waits_loses_neither),
        cmocka_unit_test(replace_refused__leaves_the_new_file_that_waits),
        cmocka_unit_test(promise_full__fails_the_save_that_needs_the_name),
        cmocka_unit_test(promise_full__does_not_fail_what_a_crash_may_forget),
        cmocka_unit_test(promise_full__leaves_each_a_name_of_its_own),
        cmocka_unit_test(adopt_aside__has_a_file_of_its_own),
    };
    int failed = 0;

    assert_int_equal(str_list_add(&patterns, "~WR*.tmp", NULL), 0);
    failed = cmocka_run_group_tests_name("agents that are killed while a document changes", tests,
                                         NULL, NULL);
    str_list_clear(&patterns);
    return failed ? 1 : 0;
}
