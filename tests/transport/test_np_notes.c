/* Changes on their way to the system: in order, beside those who tell of them, and never too many. */
#include "test.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "np/notes.h"

#define WAIT_MS 30000

struct told {
    struct np_notes notes;
    struct mutex lock; /* guards what follows */
    struct cond changed;
    char text[128]; /* "parent/name=id " each */
    size_t count;
    bool is_held; /* telling waits */
};

static void tell(void *payload, uint64_t parent, const char *name, uint64_t id)
{
    struct told *told = payload;
    size_t length;

    mutex_lock(&told->lock);
    length = strlen(told->text);
    snprintf(told->text + length, sizeof(told->text) - length, "%d/%s=%d ", (int)parent,
             name ? name : "", (int)id);
    told->count++;
    cond_broadcast(&told->changed);
    while (told->is_held) {
        cond_wait(&told->changed, &told->lock);
    }
    mutex_unlock(&told->lock);
}

static void begin(struct told *told)
{
    *told = (struct told){.count = 0};
    mutex_init(&told->lock);
    cond_init(&told->changed);
    np_notes_init(&told->notes, tell, told);
}

static void wait_for(struct told *told, size_t count)
{
    int64_t end_ms = clock_mono_ms(clock_system()) + WAIT_MS;

    mutex_lock(&told->lock);
    while (told->count < count) {
        assert_true(clock_mono_ms(clock_system()) < end_ms);
        cond_wait_ms(&told->changed, &told->lock, 1000);
    }
    mutex_unlock(&told->lock);
}

static void end(struct told *told)
{
    np_notes_clear(&told->notes);
    cond_clear(&told->changed);
    mutex_clear(&told->lock);
}

static void np_notes_add__tells_in_order(void **state)
{
    struct told told;

    (void)state;
    begin(&told);
    np_notes_add(&told.notes, 1, "before", 0);
    assert_int_equal(np_notes_start(&told.notes, NULL), 0);
    np_notes_add(&told.notes, 2, "name", 3);
    np_notes_add(&told.notes, 0, NULL, 4);
    wait_for(&told, 3);
    end(&told);
    assert_string_equal(told.text, "1/before=0 2/name=3 0/=4 ");
}

/* Who tells of a change may be who the system waits for. */
static void np_notes_add__waits_for_nobody(void **state)
{
    struct told told;

    (void)state;
    begin(&told);
    told.is_held = true;
    assert_int_equal(np_notes_start(&told.notes, NULL), 0);
    np_notes_add(&told.notes, 1, "a", 0);
    wait_for(&told, 1);
    np_notes_add(&told.notes, 2, "b", 0); /* while the first is told */
    mutex_lock(&told.lock);
    assert_int_equal(told.count, 1);
    told.is_held = false;
    cond_broadcast(&told.changed);
    mutex_unlock(&told.lock);
    wait_for(&told, 2);
    end(&told);
    assert_string_equal(told.text, "1/a=0 2/b=0 ");
}

static void *let_go(void *payload)
{
    struct told *told = payload;

    wait_for(told, 1);
    mutex_lock(&told->lock);
    told->is_held = false;
    cond_broadcast(&told->changed);
    mutex_unlock(&told->lock);
    return NULL;
}

static void np_notes_wait__returns_when_all_is_told(void **state)
{
    struct thread helper = {.is_running = false};
    struct told told;

    (void)state;
    begin(&told);
    np_notes_wait(&told.notes, WAIT_MS); /* nothing is under way */
    told.is_held = true;
    assert_int_equal(np_notes_start(&told.notes, NULL), 0);
    np_notes_add(&told.notes, 1, "a", 0);
    np_notes_add(&told.notes, 2, "b", 0);
    np_notes_wait(&told.notes, 20); /* it is not told, and this returns */
    assert_int_equal(thread_start(&helper, "let-go", let_go, &told, NULL), 0);
    np_notes_wait(&told.notes, WAIT_MS);
    assert_int_equal(told.count, 2);
    thread_join(&helper);
    end(&told);
}

static void np_notes_add__loses_what_is_too_much(void **state)
{
    struct told told;

    (void)state;
    begin(&told);
    for (int i = 0; i < NP_NOTES_MAX + 100; i++) {
        np_notes_add(&told.notes, 1, "name", 0);
    }
    assert_int_equal(told.notes.count, NP_NOTES_MAX);
    assert_int_equal(np_notes_start(&told.notes, NULL), 0);
    wait_for(&told, NP_NOTES_MAX);
    np_notes_add(&told.notes, 1, "there is room again", 0);
    wait_for(&told, NP_NOTES_MAX + 1);
    end(&told);
    assert_int_equal(told.count, NP_NOTES_MAX + 1);
}

static void np_notes_clear__forgets_what_was_not_told(void **state)
{
    struct told told;

    (void)state;
    begin(&told);
    np_notes_add(&told.notes, 1, "name", 0);
    np_notes_add(&told.notes, 0, NULL, 2);
    end(&told);
    assert_int_equal(told.count, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(np_notes_add__tells_in_order),
    cmocka_unit_test(np_notes_add__waits_for_nobody),
    cmocka_unit_test(np_notes_wait__returns_when_all_is_told),
    cmocka_unit_test(np_notes_add__loses_what_is_too_much),
    cmocka_unit_test(np_notes_clear__forgets_what_was_not_told),
};

TEST_MAIN("transport/np/notes", tests)
