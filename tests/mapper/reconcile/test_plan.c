#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mapper/plan.h"

/* --- a world to act on: mappings that exist, and what was written down of them --- */

struct world {
    struct plan_mapping_list present;
    struct plan_mapping_list recorded;
    char log[4096];           /* "-path +path *path", in order */
    const char *failing_path; /* attach, update and detach of it fail */
    bool recording_fails;
    bool dies; /* after the next action, before its record: everything fails from then on */
    bool is_dead;
};

static struct plan_mapping *find(struct plan_mapping_list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal_nocase(list->items[i].path, path)) {
            return &list->items[i];
        }
    }
    return NULL;
}

static void drop(struct plan_mapping_list *list, const char *path)
{
    struct plan_mapping *there = find(list, path);

    if (there) {
        plan_mapping_clear(there);
        *there = list->items[--list->count];
    }
}

static void set(struct plan_mapping_list *list, const struct plan_mapping *mapping)
{
    drop(list, mapping->path);
    assert_int_equal(plan_mapping_list_add(list, mapping, NULL), 0);
}

static void log_step(struct world *world, char what, const struct plan_mapping *mapping)
{
    size_t used = strlen(world->log);

    if (used < sizeof(world->log) - 100) {
        snprintf(world->log + used, sizeof(world->log) - used, "%s%c%s", used ? " " : "", what,
                 mapping->path);
        used = strlen(world->log);
        if (mapping->letter) {
            snprintf(world->log + used, sizeof(world->log) - used, ":%c", mapping->letter);
        }
    }
}

/* A letter belongs to one mapping at a time, always. */
static void check_letter_is_free(struct world *world, const struct plan_mapping *mapping)
{
    for (size_t i = 0; mapping->letter && i < world->present.count; i++) {
        const struct plan_mapping *other = &world->present.items[i];

        if (other->letter == mapping->letter && !str_equal_nocase(other->path, mapping->path)) {
            fail_msg("'%s' takes %c: from '%s'", mapping->path, mapping->letter, other->path);
        }
    }
}

static int refuse(struct world *world, const struct plan_mapping *mapping, struct error *err)
{
    if (world->is_dead || (world->failing_path && str_equal(world->failing_path, mapping->path))) {
        return error_set(err, ERR_IO, "'%s' fails", mapping->path);
    }
    world->is_dead = world->dies;
    return 0;
}

/* What exists must be in the books before it does. */
static void check_is_recorded(struct world *world, const struct plan_mapping *mapping)
{
    const struct plan_mapping *there = find(&world->recorded, mapping->path);

    assert_non_null(there);
    assert_string_equal(there->path, mapping->path);
    assert_int_equal(there->letter, mapping->letter);
}

static int attach(void *payload, const struct plan_mapping *mapping, struct error *err)
{
    struct world *world = payload;

    if (refuse(world, mapping, err) < 0) {
        return ERR_IO;
    }
    if (find(&world->present, mapping->path)) {
        fail_msg("'%s' is attached twice", mapping->path);
    }
    check_letter_is_free(world, mapping);
    check_is_recorded(world, mapping);
    set(&world->present, mapping);
    log_step(world, '+', mapping);
    return 0;
}

static int update(void *payload, const struct plan_mapping *mapping, struct error *err)
{
    struct world *world = payload;
    const struct plan_mapping *there = find(&world->present, mapping->path);

    if (refuse(world, mapping, err) < 0) {
        return ERR_IO;
    }
    assert_non_null(there);
    assert_string_equal(there->key, mapping->key);
    assert_true(there->letter == mapping->letter || !there->letter || !mapping->letter);
    check_letter_is_free(world, mapping);
    if (mapping->letter) {
        check_is_recorded(world, mapping);
    }
    set(&world->present, mapping);
    log_step(world, '*', mapping);
    return 0;
}

static int detach(void *payload, const struct plan_mapping *mapping, struct error *err)
{
    struct world *world = payload;

    if (refuse(world, mapping, err) < 0) {
        return ERR_IO;
    }
    drop(&world->present, mapping->path);
    log_step(world, '-', mapping);
    return 0;
}

static int record(void *payload, const struct plan_step *step, struct error *err)
{
    struct world *world = payload;

    if (world->recording_fails || world->is_dead) {
        return error_set(err, ERR_NO_SPACE, "no space");
    }
    if (step->kind == PLAN_DETACH) {
        drop(&world->recorded, step->mapping.path);
    } else {
        set(&world->recorded, &step->mapping);
    }
    return 0;
}

static void world_clear(struct world *world)
{
    plan_mapping_list_clear(&world->present);
    plan_mapping_list_clear(&world->recorded);
}

/* --- lists in short: "path=key:letter:label" --- */

static void fill(struct plan_mapping_list *list, const char *const *rows)
{
    for (; *rows; rows++) {
        char text[200];
        char *key;
        struct plan_mapping mapping = {0};

        snprintf(text, sizeof(text), "%s", *rows);
        key = strchr(text, '=');
        *key++ = '\0';
        mapping.path = text;
        mapping.key = key;
        mapping.label = key;
        if (strchr(key, ':')) {
            char *letter = strchr(key, ':');

            *letter++ = '\0';
            mapping.letter = *letter == '-' ? '\0' : *letter;
            mapping.label = letter[0] && letter[1] == ':' ? letter + 2 : key;
        }
        assert_int_equal(plan_mapping_list_add(list, &mapping, NULL), 0);
    }
}
#define ROWS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static struct plan_actions actions_of(struct world *world)
{
    return (struct plan_actions){
        .attach = attach, .update = update, .detach = detach, .record = record, .payload = world};
}

static void copy_list(struct plan_mapping_list *to, const struct plan_mapping_list *from)
{
    for (size_t i = 0; i < from->count; i++) {
        assert_int_equal(plan_mapping_list_add(to, &from->items[i], NULL), 0);
    }
}

/* What the caller remembers is what there is. */
static void check_same(struct plan_mapping_list *remembered, struct plan_mapping_list *present)
{
    assert_int_equal(remembered->count, present->count);
    for (size_t i = 0; i < present->count; i++) {
        const struct plan_mapping *a = &present->items[i];
        const struct plan_mapping *b = find(remembered, a->path);

        assert_non_null(b);
        assert_true(str_equal(a->path, b->path) && str_equal(a->key, b->key) &&
                    str_equal(a->label, b->label) && a->letter == b->letter &&
                    a->is_read_only == b->is_read_only);
    }
}

/* Plans and applies; returns what plan_apply() does. */
static size_t run(struct world *world, const struct plan_mapping_list *want)
{
    struct plan plan = {0};
    struct plan_actions actions = actions_of(world);
    struct plan_mapping_list have = {0};
    struct error first = {0};
    size_t failed;

    copy_list(&have, &world->present);
    assert_int_equal(plan_build(&plan, want, &have, NULL), 0);
    failed = plan_apply(&plan, &actions, &first);
    assert_int_equal(failed > 0, first.code < 0);
    assert_int_equal(plan_take_over(&have, &plan, NULL), 0);
    check_same(&have, &world->present);
    plan_clear(&plan);
    plan_mapping_list_clear(&have);
    return failed;
}

static void check_law(const struct plan_mapping_list *want, const struct plan_mapping_list *have)
{
    struct plan plan = {0};

    assert_int_equal(plan_build(&plan, want, have, NULL), 0);
    assert_int_equal(plan.count, 0);
    plan_clear(&plan);
}

/* From `have` to `want`, and the steps that must come out. */
static void check(const char *const *want_rows, const char *const *have_rows, const char *steps)
{
    struct plan_mapping_list want = {0};
    struct world world = {0};

    fill(&want, want_rows);
    fill(&world.present, have_rows);
    fill(&world.recorded, have_rows);
    assert_int_equal(run(&world, &want), 0);
    assert_string_equal(world.log, steps);
    check_law(&want, &world.present);
    check_law(&want, &world.recorded);
    world_clear(&world);
    plan_mapping_list_clear(&want);
}

/* --- one test per line of the table --- */

static void plan_build__detaches_what_is_not_wanted(void **state)
{
    (void)state;
    check(ROWS(), ROWS("a=1:P"), "-a:P");
}

static void plan_build__attaches_what_is_missing(void **state)
{
    (void)state;
    check(ROWS("a=1:P"), ROWS(), "+a:P");
}

static void plan_build__leaves_alone_what_is_right(void **state)
{
    (void)state;
    check(ROWS("a=1:P", "b=2"), ROWS("b=2", "a=1:P"), "");
}

static void plan_build__updates_what_differs(void **state)
{
    struct plan_mapping_list want = {0};
    struct plan_mapping_list have = {0};
    struct plan plan = {0};

    (void)state;
    check(ROWS("a=1:P:new"), ROWS("a=1:P:old"), "*a:P");
    check(ROWS("a=1:P"), ROWS("a=1"), "*a:P");
    fill(&want, ROWS("a=1"));
    fill(&have, ROWS("a=1"));
    want.items[0].is_read_only = true;
    assert_int_equal(plan_build(&plan, &want, &have, NULL), 0);
    assert_int_equal(plan.count, 1);
    assert_int_equal(plan.steps[0].kind, PLAN_UPDATE);
    assert_true(plan.steps[0].mapping.is_read_only);
    plan_clear(&plan);
    plan_mapping_list_clear(&want);
    plan_mapping_list_clear(&have);
}

static void plan_build__gives_a_letter_back_before_it_takes_another(void **state)
{
    (void)state;
    check(ROWS("a=1:Q"), ROWS("a=1:P"), "*a *a:Q");
    check(ROWS("a=1:-:new"), ROWS("a=1:P:old"), "*a"); /* one step does both */
}

static void plan_build__replaces_another_library_at_the_same_path(void **state)
{
    (void)state;
    check(ROWS("a=2:P"), ROWS("a=1:P"), "-a:P +a:P");
}

static void plan_build__replaces_a_path_that_differs_in_case(void **state)
{
    (void)state;
    check(ROWS("Docs=1"), ROWS("docs=1"), "-docs +Docs");
}

static void plan_build__frees_letters_before_it_gives_them(void **state)
{
    (void)state;
    check(ROWS("a=1:P", "b=2"), ROWS("z=9:P", "b=2"), "-z:P +a:P");
    check(ROWS("a=1:P", "b=2"), ROWS("a=1", "b=2:P"), "*b *a:P");
    check(ROWS("a=1:Q", "b=2:P"), ROWS("a=1:P", "b=2:Q"), "*a *b *a:Q *b:P"); /* swapped */
    check(ROWS("n=3:P", "a=1:Q"), ROWS("a=1:P"), "*a *a:Q +n:P");
}

static void plan_build__makes_anew_what_is_there_twice(void **state)
{
    struct plan_mapping_list want = {0};
    struct plan_mapping_list have = {0};
    struct plan plan = {0};

    (void)state;
    fill(&want, ROWS("a=1:P"));
    fill(&have, ROWS("a=1", "a=1:P"));
    assert_int_equal(plan_build(&plan, &want, &have, NULL), 0);
    assert_int_equal(plan.count, 3);
    assert_int_equal(plan.steps[0].kind, PLAN_DETACH);
    assert_int_equal(plan.steps[1].kind, PLAN_DETACH);
    assert_int_equal(plan.steps[2].kind, PLAN_ATTACH);
    assert_int_equal(plan.steps[2].mapping.letter, 'P');
    plan_clear(&plan);
    plan_mapping_list_clear(&want);
    plan_mapping_list_clear(&have);
}

/* --- apply --- */

static void plan_apply__goes_on_after_a_failure(void **state)
{
    struct plan_mapping_list want = {0};
    struct world world = {.failing_path = "b"};

    (void)state;
    fill(&want, ROWS("a=1", "b=2", "c=3"));
    assert_int_equal(run(&world, &want), 1);
    assert_string_equal(world.log, "+a +c");
    assert_null(find(&world.recorded, "b")); /* what was not made is not in the books */
    world.failing_path = NULL;
    assert_int_equal(run(&world, &want), 0);
    check_law(&want, &world.present);
    world_clear(&world);
    plan_mapping_list_clear(&want);
}

static void plan_apply__does_not_try_what_had_no_room_made(void **state)
{
    struct plan_mapping_list want = {0};
    struct world world = {.failing_path = "a"};

    (void)state;
    fill(&world.present, ROWS("a=1:P", "x=8:X"));
    fill(&world.recorded, ROWS("a=1:P", "x=8:X"));
    fill(&want, ROWS("a=2:P", "b=3:P", "c=4:X"));
    want.items[0].letter = 'R';
    assert_int_equal(run(&world, &want), 3); /* the detach, a's attach, b's attach by the letter */
    assert_string_equal(world.log, "-x:X +c:X");
    assert_string_equal(find(&world.recorded, "a")->key, "1"); /* still ours */
    world_clear(&world);
    plan_mapping_list_clear(&want);
}

static void plan_apply__a_failed_update_keeps_its_letter_in_the_books(void **state)
{
    struct plan_mapping_list want = {0};
    struct world world = {.failing_path = "a"};

    (void)state;
    fill(&world.present, ROWS("a=1:P:old"));
    fill(&world.recorded, ROWS("a=1:P:old"));
    fill(&want, ROWS("a=1:P:new"));
    assert_int_equal(run(&world, &want), 1);
    assert_int_equal(find(&world.recorded, "a")->letter, 'P');
    world.failing_path = NULL;
    assert_int_equal(run(&world, &want), 0);
    check_law(&want, &world.recorded);
    world_clear(&world);
    plan_mapping_list_clear(&want);
}

static void plan_apply__makes_nothing_that_it_cannot_write_down(void **state)
{
    struct plan_mapping_list want = {0};
    struct world world = {.recording_fails = true};

    (void)state;
    fill(&want, ROWS("a=1", "b=2"));
    assert_int_equal(run(&world, &want), 2);
    assert_int_equal(world.present.count, 0);
    world_clear(&world);
    plan_mapping_list_clear(&want);
}

static void plan_apply__a_crash_leaves_nothing_unknown(void **state)
{
    (void)state;
    /* dies after each possible number of actions; the next agent starts from the books alone */
    for (int after = 0; after < 6; after++) {
        struct plan_mapping_list want = {0};
        struct world world = {0};
        struct plan plan = {0};
        struct plan_actions actions = actions_of(&world);

        fill(&world.present, ROWS("a=1:P", "b=2:Q", "gone=9:R"));
        fill(&world.recorded, ROWS("a=1:P", "b=2:Q", "gone=9:R"));
        fill(&want, ROWS("a=1:Q", "b=2:P", "new=3:R"));
        assert_int_equal(plan_build(&plan, &want, &world.present, NULL), 0);
        assert_int_equal(plan.count, 6);
        for (int i = 0; i <= after; i++) {
            struct plan one = {.steps = &plan.steps[i], .count = 1};

            world.dies = i == after;
            plan_apply(&one, &actions, NULL);
        }
        for (size_t i = 0; i < world.present.count; i++) { /* all that exists is in the books */
            const struct plan_mapping *there = find(&world.recorded, world.present.items[i].path);

            assert_non_null(there);
            assert_true(!world.present.items[i].letter ||
                        there->letter == world.present.items[i].letter);
        }
        plan_clear(&plan);
        world_clear(&world);
        plan_mapping_list_clear(&want);
    }
}

/* --- the law, for thousands of random pairs with fixed seeds --- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void random_list(struct plan_mapping_list *list, uint32_t *seed)
{
    static const char *const paths[] = {"t/a/A",      "t/a/B", "t/a/b2", "t/b/A", "t/ä/Ö",
                                        "t/OneDrive", "u/a/A", "u/z/Z",  "t/a/C", "t/a/D"};
    bool is_used[26] = {false};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char path[40];
        char key[16];
        char label[16];
        uint32_t letter = next_random(seed) % 10;
        struct plan_mapping mapping = {.path = path, .key = key, .label = label};

        if (next_random(seed) % 3 == 0) {
            continue;
        }
        snprintf(path, sizeof(path), "%s", paths[i]);
        if (next_random(seed) % 5 == 0) { /* the same place, spelled otherwise */
            path[0] = path[0] == 't' ? 'T' : 'U';
        }
        snprintf(key, sizeof(key), "k%zu-%u", i, next_random(seed) % 4 ? 0 : 1);
        snprintf(label, sizeof(label), "l%u", next_random(seed) % 2);
        if (letter < 6 && !is_used[letter]) {
            is_used[letter] = true;
            mapping.letter = (char)('P' + letter);
        }
        mapping.is_read_only = next_random(seed) % 4 == 0;
        assert_int_equal(plan_mapping_list_add(list, &mapping, NULL), 0);
    }
}

static void plan__law_holds_for_random_lists(void **state)
{
    (void)state;
    for (uint32_t start = 1; start <= 3000; start++) {
        uint32_t seed = start * 2654435761u;
        struct plan_mapping_list want = {0};
        struct world world = {0};

        random_list(&world.present, &seed);
        copy_list(&world.recorded, &world.present);
        random_list(&want, &seed);
        assert_int_equal(run(&world, &want), 0);
        check_law(&want, &world.present);
        check_law(&want, &world.recorded);
        assert_int_equal(world.present.count, want.count);
        world_clear(&world);
        plan_mapping_list_clear(&want);
    }
}

static void plan__law_holds_after_failures_too(void **state)
{
    (void)state;
    for (uint32_t start = 1; start <= 1000; start++) {
        uint32_t seed = start * 40503u;
        struct plan_mapping_list want = {0};
        struct world world = {0};

        random_list(&world.present, &seed);
        copy_list(&world.recorded, &world.present);
        random_list(&want, &seed);
        world.failing_path = next_random(&seed) % 2 ? "t/a/A" : "t/b/A";
        run(&world, &want);
        for (size_t i = 0; i < world.present.count; i++) {
            assert_non_null(find(&world.recorded, world.present.items[i].path));
        }
        world.failing_path = NULL;
        assert_int_equal(run(&world, &want), 0);
        check_law(&want, &world.present);
        world_clear(&world);
        plan_mapping_list_clear(&want);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(plan_build__detaches_what_is_not_wanted),
    cmocka_unit_test(plan_build__attaches_what_is_missing),
    cmocka_unit_test(plan_build__leaves_alone_what_is_right),
    cmocka_unit_test(plan_build__updates_what_differs),
    cmocka_unit_test(plan_build__gives_a_letter_back_before_it_takes_another),
    cmocka_unit_test(plan_build__replaces_another_library_at_the_same_path),
    cmocka_unit_test(plan_build__replaces_a_path_that_differs_in_case),
    cmocka_unit_test(plan_build__frees_letters_before_it_gives_them),
    cmocka_unit_test(plan_build__makes_anew_what_is_there_twice),
    cmocka_unit_test(plan_apply__goes_on_after_a_failure),
    cmocka_unit_test(plan_apply__does_not_try_what_had_no_room_made),
    cmocka_unit_test(plan_apply__a_failed_update_keeps_its_letter_in_the_books),
    cmocka_unit_test(plan_apply__makes_nothing_that_it_cannot_write_down),
    cmocka_unit_test(plan_apply__a_crash_leaves_nothing_unknown),
    cmocka_unit_test(plan__law_holds_for_random_lists),
    cmocka_unit_test(plan__law_holds_after_failures_too),
};

TEST_MAIN("plan", tests)
