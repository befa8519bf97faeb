/*
 * A closed file takes the place of a document that was renamed away or deleted, and that fails: there
 * is no memory for it, at each allocation in turn, or no room for one more scratch file. What the
 * program is told has to be what the journal says, also when the agent is killed then.
 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "failing_alloc.h"
#include "waiting.h"

#define SCRATCH "~WRL0001.tmp"
#define SCRATCH_MAX 4096 /* local_only.h */

static struct str_list patterns;

/* "doc" has "old" on the server and "unsent" in the journal; "fresh" is in the journal, too. */
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
    assert_int_equal(fixture_write_text(f, "", "fresh", "new"), 0);
}

/* `aside` NULL: it was deleted. */
static void step_aside(struct fixture *f, const char *aside)
{
    assert_int_equal(aside ? fixture_rename(f, "doc", aside) : fixture_delete(f, "doc"), 0);
}

/* "fresh" is what it was, and so is what stepped aside. */
static void assert_as_before(struct fixture *f, const char *aside)
{
    assert_true(fixture_has_text(f, "fresh", "new"));
    assert_int_equal(fixture_find(f, "doc", NULL), 0);
    assert_true(!aside || fixture_has_text(f, aside, "unsent"));
}

static void assert_on_server(struct fixture *f, const char *id, int code)
{
    assert_string_equal(fake_id(f->fake, "doc"), id);
    assert_true(fake_has_text(f->fake, "doc", code == 0 ? "new" : "unsent"));
    assert_true(code == 0 || fake_has_text(f->fake, "fresh", "new"));
    assert_true(code < 0 || !fake_id(f->fake, "fresh"));
    assert_null(fake_id(f->fake, SCRATCH));
}

static void send_all(struct fixture *f)
{
    for (int i = 0; i < WAITING_LONG_MS && waiting_left(f) > 0; i++) {
        assert_int_equal(online_vfs_retry_uploads(f->online, NULL, NULL, NULL), 0);
        usleep(1000);
    }
    assert_int_equal(waiting_left(f), 0);
}

/* --- memory --- */

/* False: there are fewer allocations than that. */
static bool refuse_memory_at(const char *aside, long at)
{
    struct fixture f = {0};
    char id[64];
    bool was_refused = false;
    int code = 0;

    begin(&f);
    snprintf(id, sizeof(id), "%s", fake_id(f.fake, "doc"));
    step_aside(&f, aside);
    failing_alloc_at = at;
    code = fixture_rename(&f, "fresh", "doc");
    was_refused = failing_alloc_at == 0;
    failing_alloc_at = 0;
    assert_true(code == 0 || was_refused);
    if (code == 0) {
        assert_true(fixture_has_text(&f, "doc", "new"));
    } else {
        assert_as_before(&f, aside);
    }
    fixture_crash(&f, false);
    send_all(&f);
    assert_on_server(&f, id, code);
    fixture_end(&f);
    return was_refused;
}

static void refuse_memory_everywhere(const char *aside)
{
    long at = 1;

    while (refuse_memory_at(aside, at)) {
        at++;
    }
    assert_in_range(at, 10, 10000);
}

static void adopt_memory__beside_a_backup(void **state)
{
    (void)state;
    refuse_memory_everywhere("doc.bak");
}

static void adopt_memory__beside_a_scratch_file(void **state)
{
    (void)state;
    refuse_memory_everywhere(SCRATCH);
}

static void adopt_memory__of_what_was_deleted(void **state)
{
    (void)state;
    refuse_memory_everywhere(NULL);
}

/* --- scratch files --- */

static void make_scratch_files(struct fixture *f, unsigned count)
{
    char name[32];

    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "~WRD%04x.tmp", i);
        assert_int_equal(fixture_write_text(f, "", name, ""), 0);
    }
}

static void adopt_scratch__beyond_the_limit_changes_nothing(void **state)
{
    struct fixture f = {0};
    char id[64];

    (void)state;
    begin(&f);
    snprintf(id, sizeof(id), "%s", fake_id(f.fake, "doc"));
    make_scratch_files(&f, SCRATCH_MAX);
    step_aside(&f, SCRATCH);
    assert_int_equal(fixture_rename(&f, "fresh", "doc"), ERR_LIMIT);
    assert_as_before(&f, SCRATCH);
    assert_int_equal(fixture_delete(&f, "~WRD0000.tmp"), 0);
    assert_int_equal(fixture_rename(&f, "fresh", "doc"), 0);
    assert_true(fixture_has_text(&f, SCRATCH, "unsent"));
    assert_int_equal(fixture_write_text(&f, "", "~WRDmore.tmp", ""), ERR_LIMIT);
    assert_int_equal(fixture_delete(&f, SCRATCH), 0);
    assert_int_equal(fixture_write_text(&f, "", "~WRDmore.tmp", ""), 0);
    fixture_crash(&f, false);
    send_all(&f);
    assert_on_server(&f, id, 0);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adopt_memory__beside_a_backup),
        cmocka_unit_test(adopt_memory__beside_a_scratch_file),
        cmocka_unit_test(adopt_memory__of_what_was_deleted),
        cmocka_unit_test(adopt_scratch__beyond_the_limit_changes_nothing),
    };
    int failed = 0;

    assert_int_equal(str_list_add(&patterns, "~WR*.tmp", NULL), 0);
    failed =
        cmocka_run_group_tests_name("a document's place that cannot be taken", tests, NULL, NULL);
    str_list_clear(&patterns);
    return failed ? 1 : 0;
}
