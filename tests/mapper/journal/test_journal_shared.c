/*
 * Changes that come while a commit runs share the next one. The linker puts functions before those of
 * the store: the beginning of a commit waits until more threads are on their way, and a row with a
 * certain name is refused.
 */
#include "test.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/file.h"
#include "base/str.h"
#include "base/thread.h"
#include "mapper/journal.h"
#include "mapper/store.h"

#define THREADS 5
#define LAST (THREADS - 1)
#define ROUNDS 1000 /* until commits were shared: the first does, as a rule */
#define REFUSED "refused"

static struct {
    atomic_uint begun;   /* commits */
    atomic_uint on_call; /* threads that are about to call, or in the call */
    atomic_bool is_holding;
    bool is_refused; /* what is bound now; by who has the store */
} seen;

int __real_store_begin(struct store *store, bool is_durable, struct error *err);
int __wrap_store_begin(struct store *store, bool is_durable, struct error *err);
void __real_store_bind_text(struct store_query *query, int at, const char *text);
void __wrap_store_bind_text(struct store_query *query, int at, const char *text);
int __real_store_finish(struct store_query *query, struct error *err);
int __wrap_store_finish(struct store_query *query, struct error *err);

int __wrap_store_begin(struct store *store, bool is_durable, struct error *err)
{
    atomic_fetch_add(&seen.begun, 1);
    if (atomic_exchange(&seen.is_holding, false)) {
        while (atomic_load(&seen.on_call) < THREADS) {
            sched_yield();
        }
        for (int i = 0; i < 100; i++) {
            sched_yield();
        }
    }
    return __real_store_begin(store, is_durable, err);
}

void __wrap_store_bind_text(struct store_query *query, int at, const char *text)
{
    seen.is_refused = seen.is_refused || strcmp(text, REFUSED) == 0;
    __real_store_bind_text(query, at, text);
}

int __wrap_store_finish(struct store_query *query, struct error *err)
{
    if (seen.is_refused) {
        seen.is_refused = false;
        return error_set(err, ERR_NO_SPACE, "refused by the test");
    }
    return __real_store_finish(query, err);
}

struct adder {
    struct thread thread;
    struct journal *journal;
    struct journal_row row;
    struct error error;
    int code;
};

static void *add(void *payload)
{
    struct adder *adder = payload;
    struct journal_change change = {JOURNAL_ADD, &adder->row};

    atomic_fetch_add(&seen.on_call, 1);
    adder->code = journal_apply(adder->journal, &change, 1, true, &adder->error);
    return NULL;
}

static size_t count_rows(struct journal *journal)
{
    struct journal_rows rows = {0};
    size_t count = 0;

    assert_int_equal(journal_load(journal, &rows, NULL), 0);
    count = rows.count;
    journal_rows_clear(&rows);
    return count;
}

/* One row of ours, and while its commit runs one of each thread; with `is_refusing` that of the last
 * is refused. Returns how many commits there were. */
static unsigned add_together(struct journal *journal, bool is_refusing)
{
    struct journal_row row = {.kind = JOURNAL_UPLOAD, .state = JOURNAL_PENDING};
    struct journal_change change = {JOURNAL_ADD, &row};
    struct adder adders[THREADS] = {0};

    atomic_store(&seen.begun, 0);
    atomic_store(&seen.on_call, 0);
    atomic_store(&seen.is_holding, true);
    for (size_t i = 0; i < THREADS; i++) {
        adders[i].journal = journal;
        adders[i].row = (struct journal_row){.kind = JOURNAL_UPLOAD, .state = JOURNAL_PENDING};
        assert_int_equal(
            str_copy(&adders[i].row.name, is_refusing && i == LAST ? REFUSED : "good", NULL), 0);
        assert_int_equal(thread_start(&adders[i].thread, "adder", add, &adders[i], NULL), 0);
    }
    assert_int_equal(journal_apply(journal, &change, 1, true, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        thread_join(&adders[i].thread);
        assert_int_equal(adders[i].code, is_refusing && i == LAST ? ERR_NO_SPACE : 0);
        assert_true(adders[i].code == 0 ? adders[i].row.id > 0 : adders[i].row.id == 0);
        journal_row_clear(&adders[i].row);
    }
    assert_true(!is_refusing || str_equal(adders[LAST].error.message, "refused by the test"));
    return atomic_load(&seen.begun);
}

#define EACH_ALONE (THREADS + 1u) /* commits */

static char *directory;

static int setup(void **state)
{
    *state = NULL;
    return file_make_temporary_directory(&directory, "mooring-journal", NULL) < 0 ||
           journal_open((struct journal **)state, directory, NULL, NULL) < 0;
}

static int teardown(void **state)
{
    journal_close(*state);
    (void)file_remove_tree(directory, NULL);
    str_free(&directory);
    return 0;
}

static void journal_apply__shares_commits(void **state)
{
    struct journal *journal = *state;
    unsigned rounds = 0;
    unsigned commits = 0;

    do {
        commits = add_together(journal, false);
        rounds++;
        assert_in_range(commits, 2, EACH_ALONE);
        assert_int_equal(count_rows(journal), rounds * (THREADS + 1));
    } while (commits == EACH_ALONE && rounds < ROUNDS);
    assert_true(commits < EACH_ALONE);
    journal_close(journal);
    *state = NULL;
    assert_int_equal(journal_open((struct journal **)state, directory, NULL, NULL), 0);
    assert_int_equal(count_rows(*state), rounds * (THREADS + 1));
}

/* Only a shared commit that was made again for each takes more of them. The first thread's is often
 * the one that is held, alone, so the last one's is refused. */
static void journal_apply__fails_for_nobody_else(void **state)
{
    unsigned rounds = 0;
    unsigned commits = 0;

    do {
        commits = add_together(*state, true);
        rounds++;
        assert_int_equal(count_rows(*state), rounds * THREADS);
    } while (commits <= EACH_ALONE && rounds < ROUNDS);
    assert_true(commits > EACH_ALONE);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(journal_apply__shares_commits, setup, teardown),
    cmocka_unit_test_setup_teardown(journal_apply__fails_for_nobody_else, setup, teardown),
};

TEST_MAIN("commits that changes of several threads share", tests)
