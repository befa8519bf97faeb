/* Answers that overtake one another: what is shown in the end is what the server has. */
#include "fixture.h"

#include <string.h>
#include <unistd.h>

#include "base/thread.h"

/* One call of a program, on a thread of its own, whose answer is held back. */
struct caller {
    struct fixture *f;
    const char *path;
    const char *text;
    uint64_t folder;
    struct thread thread;
    int code;
    bool has_text;
};

static void start(struct caller *c, struct fixture *f, enum fake_call held, void *(*work)(void *))
{
    c->f = f;
    fake_hold(f->fake, held);
    assert_int_equal(thread_start(&c->thread, "caller", work, c, NULL), 0);
    fake_await_held(f->fake);
}

static void end(struct caller *c)
{
    fake_release(c->f->fake);
    thread_join(&c->thread);
}

static void *rename_a_to_b(void *payload)
{
    struct caller *c = payload;

    c->code = vfs_rename(c->f->vfs, c->folder, "a", c->folder, "b", 0, NULL, NULL);
    return NULL;
}

static void *delete_a(void *payload)
{
    struct caller *c = payload;

    c->code = vfs_unlink(c->f->vfs, c->folder, "a", NULL, NULL);
    return NULL;
}

static void *list(void *payload)
{
    struct caller *c = payload;

    c->code = (int)fixture_list(c->f, c->path);
    return NULL;
}

static void *make_folder(void *payload)
{
    struct caller *c = payload;
    struct vfs_attr attr;

    c->code = vfs_mkdir(c->f->vfs, &attr, c->f->root, c->path, NULL, NULL);
    if (c->code == 0) {
        vfs_forget(c->f->vfs, attr.id, 1);
    }
    return NULL;
}

static void *read_text(void *payload)
{
    struct caller *c = payload;

    c->has_text = fixture_has_text(c->f, c->path, c->text);
    return NULL;
}

/* "folder" with "a" in it, and "other" with "x": listed, and from now on followed at each look. */
static void begin(struct fixture *f, bool is_folder_listed)
{
    fake_put_text(f->fake, "folder/a", "one");
    fake_put_text(f->fake, "folder/z", "zzz");
    fake_put_text(f->fake, "other/x", "x");
    assert_int_equal(fixture_list(f, ""), 2);
    assert_int_equal(fixture_list(f, "other"), 1);
    if (is_folder_listed) {
        assert_int_equal(fixture_list(f, "folder"), 2);
    }
    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
}

static void order_rename__an_answer_that_was_overtaken_is_not_the_last_word(void **state)
{
    struct fixture *f = *state;
    struct caller c = {0};
    struct vfs_attr attr;

    begin(f, true);
    c.folder = fixture_find(f, "folder", NULL);
    start(&c, f, FAKE_UPDATE, rename_a_to_b);
    fake_put_text(f->fake, "folder/b", "somebody else's");
    assert_int_equal(fixture_list(f, "folder"), 2);
    assert_true(fixture_has_text(f, "folder/b", "somebody else's"));
    end(&c);
    assert_int_equal(c.code, 0);
    assert_int_not_equal(fixture_find(f, "folder/b", &attr), 0);
    assert_int_equal(attr.size_bytes, strlen("somebody else's"));
    assert_int_equal(fixture_list(f, "folder"), 2);
    assert_true(fixture_has_text(f, "folder/b", "somebody else's"));
}

static void order_delete__a_name_that_was_given_away_meanwhile_is_not_there(void **state)
{
    struct fixture *f = *state;
    struct caller c = {0};
    uint64_t id = 0;

    begin(f, false);
    c.folder = fixture_find(f, "folder", NULL);
    start(&c, f, FAKE_GET, delete_a); /* it looks for its name */
    assert_int_equal(vfs_rename(f->vfs, c.folder, "a", c.folder, "b", 0, NULL, NULL), 0);
    id = fixture_find(f, "folder/b", NULL);
    end(&c);
    assert_int_equal(c.code, ERR_NOT_FOUND);
    assert_int_equal(fixture_find(f, "folder/b", NULL), id); /* nobody's hold was given back */
    assert_true(fixture_has_text(f, "folder/b", "one"));
    assert_true(fake_has_text(f->fake, "folder/b", "one"));
}

static void order_list__a_late_page_brings_back_nothing_that_was_deleted(void **state)
{
    struct fixture *f = *state;
    struct caller c = {.path = "folder"};

    begin(f, false);
    start(&c, f, FAKE_LIST, list);
    fake_remove(f->fake, "folder/a");
    assert_int_equal(fixture_list(f, "other"), 1); /* the changes told of it, and nobody knew it */
    end(&c);
    assert_int_equal(fixture_list(f, "folder"), 1);
    assert_int_equal(fixture_find(f, "folder/a", NULL), 0);
}

static void order_list__a_late_page_hides_nothing_that_was_moved(void **state)
{
    struct fixture *f = *state;
    struct caller c = {.path = "folder"};

    begin(f, false);
    start(&c, f, FAKE_LIST, list);
    fake_move(f->fake, "folder/a", "other");
    assert_int_equal(fixture_list(f, "other"), 2);
    end(&c);
    assert_int_equal(fixture_list(f, "folder"), 1);
    assert_int_equal(fixture_list(f, "other"), 2);
}

static void order_mkdir__a_new_folder_shows_what_others_put_there(void **state)
{
    struct fixture *f = *state;
    struct caller c = {.path = "new"};

    begin(f, true);
    start(&c, f, FAKE_MKDIR, make_folder);
    fake_put_text(f->fake, "new/theirs", "x");
    assert_int_equal(fixture_list(f, ""), 3);
    end(&c);
    assert_int_equal(c.code, 0);
    assert_int_equal(fixture_list(f, "new"), 1);
}

static void order_mkdir__a_new_folder_that_others_deleted_is_gone(void **state)
{
    struct fixture *f = *state;
    struct caller c = {.path = "new"};

    begin(f, true);
    start(&c, f, FAKE_MKDIR, make_folder);
    fake_remove(f->fake, "new");
    assert_int_equal(fixture_list(f, ""), 2);
    end(&c);
    assert_int_equal(fixture_list(f, ""), 2);
}

static void order_open__asks_again_when_the_answer_was_overtaken(void **state)
{
    struct fixture *f = *state;
    struct caller c = {.path = "folder/a", .text = "somebody else's"};

    begin(f, true);
    assert_true(fixture_has_text(f, "folder/a", "one"));
    start(&c, f, FAKE_GET, read_text);
    fake_put_text(f->fake, "folder/a", "somebody else's");
    assert_int_equal(fixture_list(f, "folder"), 2); /* now the size is known, and no version */
    end(&c);
    assert_true(c.has_text);
}

static void order_read__gives_no_other_version_than_was_opened(void **state)
{
    struct fixture *f = *state;
    struct vfs_file *file = NULL;
    struct vfs_attr attr;
    char data[64];
    size_t got = 0;

    fake_put_text(f->fake, "a", "one");
    assert_int_not_equal(fixture_find(f, "a", &attr), 0);
    assert_int_equal(vfs_open(f->vfs, &file, attr.id, VFS_READ, NULL, NULL), 0);
    fake_put_text(f->fake, "a", "somebody else's");
    assert_int_equal(vfs_read(f->vfs, file, data, sizeof(data), 0, &got, NULL, NULL), ERR_CHANGED);
    assert_int_equal(vfs_read(f->vfs, file, data, 3, 0, &got, NULL, NULL), ERR_CHANGED);
    vfs_close(f->vfs, file);
    f->options.metadata_ms = 0;
    online_vfs_configure(f->online, &f->options);
    assert_true(fixture_has_text(f, "a", "somebody else's"));
}

#define ORDER_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* The changes tell first: of an item whose new name a file has that is not on the server yet. */
static void order_rename__onto_a_waiting_file_is_shown_whoever_tells_first(void **state)
{
    struct fixture *f = *state;
    struct caller c = {0};
    unsigned told = 0;

    fixture_stop(f);
    f->options.saves_in_background = true;
    f->options.upload_delay_ms = 600000;
    f->options.metadata_ms = 600000; /* what was listed is believed */
    f->options.poll_ms = 1;
    fixture_start(f);
    fake_put_text(f->fake, "a", "what comes");
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fixture_write_text(f, "", "b", "waits"), 0);
    c.folder = f->root;
    start(&c, f, FAKE_UPDATE, rename_a_to_b);
    told = fake_count(f->fake, FAKE_DELTA);
    for (int i = 0; i < 20000 && fake_count(f->fake, FAKE_DELTA) < told + 3; i++) {
        usleep(1000);
    }
    assert_true(fake_count(f->fake, FAKE_DELTA) >= told + 3);
    end(&c);
    assert_int_equal(c.code, 0);
    assert_true(fixture_has_text(f, "b", "what comes"));
    assert_int_equal(fixture_find(f, "a", NULL), 0);
    assert_int_equal(fixture_list(f, ""), 1);
    assert_int_equal(fake_children(f->fake, ""), 1);
    assert_int_equal(fixture_unsaved(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ORDER_TEST(order_rename__an_answer_that_was_overtaken_is_not_the_last_word),
        ORDER_TEST(order_delete__a_name_that_was_given_away_meanwhile_is_not_there),
        ORDER_TEST(order_list__a_late_page_brings_back_nothing_that_was_deleted),
        ORDER_TEST(order_list__a_late_page_hides_nothing_that_was_moved),
        ORDER_TEST(order_mkdir__a_new_folder_shows_what_others_put_there),
        ORDER_TEST(order_mkdir__a_new_folder_that_others_deleted_is_gone),
        ORDER_TEST(order_open__asks_again_when_the_answer_was_overtaken),
        ORDER_TEST(order_read__gives_no_other_version_than_was_opened),
        ORDER_TEST(order_rename__onto_a_waiting_file_is_shown_whoever_tells_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
