/*
 * rounds.h - rounds of discovery against the table of fake_graph.h; each knows what the last one
 * found. Included once in a test program.
 */
#ifndef TEST_ROUNDS_H
#define TEST_ROUNDS_H

#include "sample.h"

#include <stdlib.h>

#include "fake_graph.h"

static struct fake fake;
static struct settings *settings;
static struct library_list known;
static struct discover_report report;

static inline int set_up(void **state)
{
    (void)state;
    settings = sample_settings();
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    library_list_clear(&known);
    fake_clear(&fake);
    settings_unref(settings);
    return 0;
}

static inline void put(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

/* One round; its result is what the next one knows. */
static inline int try_round(struct error *err)
{
    struct library_list out = {0};
    struct call call = {.priority = CALL_LISTING};
    int code;

    fake_reset_counters(&fake);
    code = discover_run(&out, &report, fake_account(&fake), settings, &known, &call, err);
    if (code == 0) {
        library_list_clear(&known);
        known = out;
    }
    return code;
}

static inline void next_round(void)
{
    struct error err = {0};

    if (try_round(&err) < 0) {
        fail_msg("%s", err.message);
    }
}

static inline size_t count_of(enum library_verdict verdict)
{
    size_t count = 0;

    for (size_t i = 0; i < known.count; i++) {
        count += known.items[i].verdict == verdict ? 1 : 0;
    }
    return count;
}

static inline struct library *at_url(const char *url)
{
    for (size_t i = 0; i < known.count; i++) {
        const char *rest = library_below(&known.items[i], url);

        if (rest && !*rest) {
            return &known.items[i];
        }
    }
    fail_msg("no library at '%s'", url);
    return NULL;
}

/* As if every library had been opened once. */
static inline void verify_all(void)
{
    for (size_t i = 0; i < known.count; i++) {
        known.items[i].is_verified = true;
    }
}

static inline void known_survives(size_t mapped)
{
    assert_int_equal(count_of(LIBRARY_WANTED), mapped);
    assert_int_equal(count_of(LIBRARY_REMOVED), 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

#endif
