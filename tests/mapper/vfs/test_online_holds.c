/* Who is removed from the tree, and who still has it in hand. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/thread.h"
#include "online.h"
#include "waiting.h"

/* What the service answers instead of the truth. */
static char *lie_id;  /* an answer about one item is of this one, and says that it is a file */
static bool lie_kind; /* a new folder is answered as a file */

int __real_graph_get_child(struct graph_item *out, struct account *account, const char *drive_id,
                           const char *folder_id, const char *name, const struct call *call,
                           struct error *err);
int __wrap_graph_get_child(struct graph_item *out, struct account *account, const char *drive_id,
                           const char *folder_id, const char *name, const struct call *call,
                           struct error *err);
int __real_graph_create_folder(struct graph_item *out, struct account *account,
                               const char *drive_id, const char *parent_id, const char *name,
                               const struct call *call, struct error *err);
int __wrap_graph_create_folder(struct graph_item *out, struct account *account,
                               const char *drive_id, const char *parent_id, const char *name,
                               const struct call *call, struct error *err);

int __wrap_graph_get_child(struct graph_item *out, struct account *account, const char *drive_id,
                           const char *folder_id, const char *name, const struct call *call,
                           struct error *err)
{
    int code = __real_graph_get_child(out, account, drive_id, folder_id, name, call, err);

    if (code == 0 && lie_id) {
        assert_int_equal(str_copy(&out->id, lie_id, err), 0);
        out->kind = GRAPH_FILE;
    }
    return code;
}

int __wrap_graph_create_folder(struct graph_item *out, struct account *account,
                               const char *drive_id, const char *parent_id, const char *name,
                               const struct call *call, struct error *err)
{
    int code = __real_graph_create_folder(out, account, drive_id, parent_id, name, call, err);

    if (code == 0 && lie_kind) {
        out->kind = GRAPH_FILE;
    }
    return code;
}

int __real_graph_update_item(struct graph_item *out, struct account *account, const char *drive_id,
                             const char *item_id, const struct graph_update *update,
                             const struct call *call, struct error *err);
int __wrap_graph_update_item(struct graph_item *out, struct account *account, const char *drive_id,
                             const char *item_id, const struct graph_update *update,
                             const struct call *call, struct error *err);

int __wrap_graph_update_item(struct graph_item *out, struct account *account, const char *drive_id,
                             const char *item_id, const struct graph_update *update,
                             const struct call *call, struct error *err)
{
    int code = __real_graph_update_item(out, account, drive_id, item_id, update, call, err);

    if (code == 0 && lie_id) {
        assert_int_equal(str_copy(&out->id, lie_id, err), 0);
    }
    return code;
}

static int teardown(void **state)
{
    str_free(&lie_id);
    lie_kind = false;
    return fixture_teardown(state);
}

/* From now on everything is asked for when somebody looks. */
static void make_impatient(struct fixture *f)
{
    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
}

/* --- an item comes out of a folder and takes its name --- */

static void begin_nested(struct fixture *f, bool has_delta)
{
    if (!has_delta) {
        fake_fail(f->fake, FAKE_DELTA, ERR_INVALID, 0, 1000);
    }
    fake_put_text(f->fake, "project/project/file", "x");
    fake_mkdir(f->fake, "aside");
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fixture_list(f, "project"), 1);
    assert_int_equal(fixture_list(f, "project/project"), 1);
}

/* As who unpacked an archive does: the folder in the folder is the one that is wanted. */
static void flatten(struct fixture *f)
{
    fake_move(f->fake, "project/project", "aside");
    fake_remove(f->fake, "project");
    fake_move(f->fake, "aside/project", "");
}

static void flat__by_a_look_up(void **state)
{
    struct fixture *f = *state;
    uint64_t inner = 0;

    begin_nested(f, false);
    inner = fixture_find(f, "project/project", NULL);
    make_impatient(f);
    flatten(f);
    assert_int_equal(fixture_find(f, "project", NULL), inner);
    assert_int_not_equal(fixture_find(f, "project/file", NULL), 0);
    assert_int_equal(fixture_find(f, "project/project", NULL), 0);
}

static void flat__by_a_listing_while_it_is_held(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    begin_nested(f, false);
    assert_int_equal(
        vfs_lookup(f->vfs, &attr, fixture_find(f, "project", NULL), "project", NULL, NULL), 0);
    make_impatient(f);
    flatten(f);
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fixture_find(f, "project", NULL), attr.id);
    assert_int_equal(fixture_list(f, "project"), 1);
    vfs_forget(f->vfs, attr.id, 1);
}

static void flat__by_changes(void **state)
{
    struct fixture *f = *state;
    uint64_t inner = 0;

    begin_nested(f, true);
    inner = fixture_find(f, "project/project", NULL);
    make_impatient(f);
    flatten(f);
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fixture_find(f, "project", NULL), inner);
    assert_int_equal(fixture_list(f, "project"), 1);
    assert_int_not_equal(fixture_find(f, "project/file", NULL), 0);
}

/* --- answers that cannot be --- */

static void odd__a_folder_above_that_is_said_to_be_a_file_in_itself(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;
    uint64_t inner = 0;

    begin_nested(f, false);
    fake_put_text(f->fake, "project/project/odd", "x");
    inner = fixture_find(f, "project/project", NULL);
    make_impatient(f);
    assert_int_equal(str_copy(&lie_id, fake_id(f->fake, "project"), NULL), 0);
    assert_int_equal(vfs_lookup(f->vfs, &attr, inner, "odd", NULL, NULL), ERR_PROTOCOL);
    str_free(&lie_id);
    assert_int_equal(fixture_find(f, "project/project", NULL), inner);
    assert_int_not_equal(fixture_find(f, "project/project/odd", NULL), 0);
}

static void odd__a_change_that_is_said_to_be_of_a_folder_above(void **state)
{
    struct fixture *f = *state;
    struct vfs_set set = {.flags = VFS_SET_MODIFIED, .modified_ms = 1000};
    struct vfs_attr attr;
    uint64_t file = 0;

    begin_nested(f, false);
    file = fixture_find(f, "project/project/file", NULL);
    assert_int_equal(str_copy(&lie_id, fake_id(f->fake, "project"), NULL), 0);
    assert_int_equal(vfs_setattr(f->vfs, &attr, file, NULL, &set, NULL, NULL), ERR_PROTOCOL);
    assert_int_equal(fixture_find(f, "project/project/file", NULL), file);
}

static void odd__a_new_folder_that_is_said_to_be_a_file(void **state)
{
    struct fixture *f = *state;
    struct vfs_attr attr;

    lie_kind = true;
    assert_int_equal(vfs_mkdir(f->vfs, &attr, f->root, "new", NULL, NULL), ERR_PROTOCOL);
}

struct mover {
    struct fixture *f;
    uint64_t to;
    struct thread thread;
    int code;
};

static void *move_node(void *payload)
{
    struct mover *m = payload;

    m->code = vfs_rename(m->f->vfs, m->f->root, "node", m->to, "node", 0, NULL, NULL);
    return NULL;
}

/* Our move was first, and its answer comes last. */
static void odd__a_move_whose_answer_comes_after_others_turned_it_round(void **state)
{
    struct fixture *f = *state;
    struct mover m = {.f = f};

    fake_mkdir(f->fake, "node");
    fake_mkdir(f->fake, "to");
    fixture_list(f, "");
    fixture_list(f, "node");
    fixture_list(f, "to");
    m.to = fixture_find(f, "to", NULL);
    fake_hold(f->fake, FAKE_UPDATE);
    assert_int_equal(thread_start(&m.thread, "mover", move_node, &m, NULL), 0);
    fake_await_held(f->fake);
    make_impatient(f);
    fake_move(f->fake, "to/node", "");
    fake_move(f->fake, "to", "node");
    assert_int_equal(fixture_list(f, ""), 1); /* the changes are told */
    fake_release(f->fake);
    thread_join(&m.thread);
    assert_int_equal(m.code, 0); /* it was done, and turned round after it */
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fixture_find(f, "node/to", NULL), m.to);
}

/* --- two bodies of one file --- */

static int setup_settling(void **state)
{
    struct fixture *f = fixture_new_settling();

    fixture_start(f);
    *state = f;
    return 0;
}

static void close__of_an_old_version_leaves_the_newer_draft_in_its_place(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *reader = NULL;

    fake_put_text(f->fake, "doc", "one");
    fixture_list(f, "");
    reader = fixture_open(f, "doc", VFS_READ);
    fake_put_text(f->fake, "doc", "two");
    make_impatient(f);
    assert_true(fixture_has_text(f, "doc", "two"));
    fixture_cut_line(f, true);
    f->options.metadata_ms = 600000;
    online_vfs_configure(f->online, &f->options);
    assert_int_equal(fixture_rename(f, "doc", "doc.bak"), 0);
    assert_int_equal(fixture_write_text(f, "", "doc", "three"), 0);
    assert_true(fixture_has_text(f, "doc.bak", "two"));
    vfs_close(f->vfs, reader);
    assert_true(fixture_has_text(f, "doc.bak", "two")); /* is not on the server yet */
    fixture_cut_line(f, false);
    waiting_send_all(f);
    assert_true(fake_has_text(f->fake, "doc.bak", "two"));
    assert_true(fake_has_text(f->fake, "doc", "three"));
}

/* --- counts that come to their end --- */

static void count__of_listings_is_not_spent_on_what_is_known(void **state)
{
    struct fixture *f = *state;

    fake_fail(f->fake, FAKE_DELTA, ERR_INVALID, 0, 1000);
    fake_put_text(f->fake, "a", "x");
    fake_put_text(f->fake, "b", "x");
    f->online->last_listing = UINT32_MAX - 8; /* as after months */
    assert_int_equal(fixture_list(f, ""), 2);
    for (int i = 0; i < 32; i++) {
        assert_int_equal(fixture_list(f, ""), 2);
    }
    make_impatient(f);
    fake_remove(f->fake, "a");
    assert_int_equal(fixture_list(f, ""), 1);
    f->options.metadata_ms = 60000;
    online_vfs_configure(f->online, &f->options);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fixture_find(f, "a", NULL), 0);
}

/* --- bytes that an upload has --- */

/* Both saves are in one file, the second behind the end of the first. */
static void discard__of_a_save_leaves_the_bytes_of_the_next_one_alone(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;

    fake_lose_uploads(f->fake, 1); /* then the next one follows it */
    fake_fail(f->fake, FAKE_UPLOAD, ERR_UNREACHABLE, 1, 100000);
    assert_int_equal(vfs_create(f->vfs, &file, &attr, f->root, "new", VFS_WRITE, NULL, NULL), 0);
    fixture_write_at(f, file, "one", 0);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    waiting_until_sent(f);
    fixture_write_at(f, file, " two", 3);
    assert_int_equal(vfs_flush(f->vfs, file, NULL, NULL), 0);
    assert_int_equal(waiting_look(f).count, 2);
    assert_int_equal(online_vfs_discard_upload(f->online, waiting_look(f).id, NULL), 0);
    fixture_write_at(f, file, "NEW", 0);
    fake_fail(f->fake, FAKE_UPLOAD, 0, 0, 0);
    waiting_send_all(f);
    assert_true(fake_ever_held(f->fake, "one two", 7));
    vfs_close(f->vfs, file);
    vfs_forget(f->vfs, attr.id, 1);
}

/* --- making room --- */

/* A row of a dead agent whose file cannot be had is shown for a moment at each look, and that makes
 * room for it. */
static void room__that_is_made_by_a_look_hides_nothing_of_the_folder(void **state)
{
    struct fixture *f = *state;
    char spool[320];
    char path[32];
    struct waiting_seen left;

    assert_int_equal(fixture_list(f, ""), 0);
    fixture_cut_line(f, true);
    assert_int_equal(fixture_write_text(f, "", "left", "x"), 0);
    left = waiting_look(f);
    for (int i = 0; i < 8; i++) {
        snprintf(path, sizeof(path), "file%d", i);
        fake_put_text(f->fake, path, "x");
    }
    f->options.max_items = 4;
    fixture_restart(f);
    snprintf(spool, sizeof(spool), "%s/%s.data", f->spool, left.id);
    assert_int_equal(file_remove(spool, NULL), 0);
    assert_false(file_exists(spool));
    assert_int_equal(fixture_list(f, ""), 8);
    fixture_cut_line(f, false);
    for (int i = 0; i < 8; i++) {
        snprintf(path, sizeof(path), "file%d", i);
        assert_int_not_equal(fixture_find(f, path, NULL), 0);
    }
}

#define HOLDS_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)

static const struct CMUnitTest tests[] = {
    HOLDS_TEST(flat__by_a_look_up),
    HOLDS_TEST(flat__by_a_listing_while_it_is_held),
    HOLDS_TEST(flat__by_changes),
    HOLDS_TEST(odd__a_folder_above_that_is_said_to_be_a_file_in_itself),
    HOLDS_TEST(odd__a_change_that_is_said_to_be_of_a_folder_above),
    HOLDS_TEST(odd__a_new_folder_that_is_said_to_be_a_file),
    HOLDS_TEST(odd__a_move_whose_answer_comes_after_others_turned_it_round),
    cmocka_unit_test_setup_teardown(close__of_an_old_version_leaves_the_newer_draft_in_its_place,
                                    setup_settling, teardown),
    HOLDS_TEST(count__of_listings_is_not_spent_on_what_is_known),
    cmocka_unit_test_setup_teardown(discard__of_a_save_leaves_the_bytes_of_the_next_one_alone,
                                    fixture_setup_background, teardown),
    cmocka_unit_test_setup_teardown(room__that_is_made_by_a_look_hides_nothing_of_the_folder,
                                    fixture_setup_background, teardown),
};

TEST_MAIN("what is in whose hand", tests)
