#include "mapper/plan.h"

#include <stdlib.h>
#include <string.h>

#define MAPPING_LIST_LIMIT 100000

void plan_mapping_clear(struct plan_mapping *mapping)
{
    str_free(&mapping->path);
    str_free(&mapping->key);
    str_free(&mapping->label);
    *mapping = (struct plan_mapping){0};
}

int plan_mapping_copy(struct plan_mapping *out, const struct plan_mapping *from, struct error *err)
{
    struct plan_mapping copy = {.letter = from->letter, .is_read_only = from->is_read_only};
    int code = str_copy(&copy.path, from->path, err);

    code = code < 0 ? code : str_copy(&copy.key, from->key, err);
    code = code < 0 ? code : str_copy(&copy.label, from->label, err);
    if (code < 0) {
        plan_mapping_clear(&copy);
        return code;
    }
    *out = copy;
    return 0;
}

/* Room for one more; the items of a list and the steps of a plan grow alike. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size, struct error *err)
{
    size_t wanted = *capacity ? *capacity * 2 : 32;
    void *larger;

    if (count < *capacity) {
        return items;
    }
    if (count >= MAPPING_LIST_LIMIT) {
        error_set(err, ERR_LIMIT, "more than %zu mappings", count);
        return NULL;
    }
    larger = realloc(items, wanted * size);
    if (!larger) {
        error_set(err, ERR_NO_MEMORY, "no memory for %zu mappings", wanted);
        return NULL;
    }
    *capacity = wanted;
    return larger;
}

int plan_mapping_list_add(struct plan_mapping_list *list, const struct plan_mapping *copied,
                          struct error *err)
{
    struct error why = {0};
    void *items = grow(list->items, list->count, &list->capacity, sizeof(*list->items), &why);
    int code;

    if (!items) {
        return error_set(err, why.code, "%s", why.message);
    }
    list->items = items;
    code = plan_mapping_copy(&list->items[list->count], copied, err);
    list->count += code == 0 ? 1 : 0;
    return code;
}

void plan_mapping_list_clear(struct plan_mapping_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        plan_mapping_clear(&list->items[i]);
    }
    free(list->items);
    *list = (struct plan_mapping_list){0};
}

void plan_clear(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        plan_mapping_clear(&plan->steps[i].mapping);
    }
    free(plan->steps);
    *plan = (struct plan){0};
}

static int add_step(struct plan *plan, enum plan_kind kind, const struct plan_mapping *mapping,
                    char letter_before, struct error *err)
{
    struct error why = {0};
    void *steps = grow(plan->steps, plan->count, &plan->capacity, sizeof(*plan->steps), &why);
    struct plan_step step = {.kind = kind, .letter_before = letter_before};
    int code;

    if (!steps) {
        return error_set(err, why.code, "%s", why.message);
    }
    plan->steps = steps;
    code = plan_mapping_copy(&step.mapping, mapping, err);
    if (code == 0) {
        plan->steps[plan->count++] = step;
    }
    return code;
}

/* --- building --- */

/* A path with what is wanted there and what is present; one of both may be NULL. Borrowed. */
struct pair {
    const struct plan_mapping *want;
    const struct plan_mapping *have;
    bool is_twice; /* more is present at this path, which cannot be */
};

static int by_path(const void *a, const void *b)
{
    const struct plan_mapping *left = *(const struct plan_mapping *const *)a;
    const struct plan_mapping *right = *(const struct plan_mapping *const *)b;
    int order = str_compare_nocase(left->path, right->path);

    return order ? order : strcmp(left->path, right->path);
}

/* The mappings of a list in order of path. NULL: no memory. */
static const struct plan_mapping **sorted(const struct plan_mapping_list *list)
{
    const struct plan_mapping **order = calloc(list->count + 1, sizeof(struct plan_mapping *));

    for (size_t i = 0; order && i < list->count; i++) {
        order[i] = &list->items[i];
    }
    if (order) {
        qsort(order, list->count, sizeof(struct plan_mapping *), by_path);
    }
    return order;
}

/* Pairs both lists by path, without case: two paths that differ in case only are one place. */
static size_t pair_up(struct pair *out, const struct plan_mapping **want, size_t want_count,
                      const struct plan_mapping **have, size_t have_count)
{
    size_t count = 0;
    size_t w = 0;
    size_t h = 0;

    while (w < want_count || h < have_count) {
        int order = w == want_count   ? 1
                    : h == have_count ? -1
                                      : str_compare_nocase(want[w]->path, have[h]->path);

        out[count].want = order <= 0 ? want[w++] : NULL;
        out[count].have = order >= 0 ? have[h++] : NULL;
        out[count].is_twice =
            order >= 0 && h < have_count && str_equal_nocase(have[h - 1]->path, have[h]->path);
        count++;
    }
    return count;
}

/* Whether the mapping that is there can become the one that is wanted. */
static bool is_same_place(const struct pair *pair)
{
    return pair->want && pair->have && !pair->is_twice &&
           str_equal(pair->want->path, pair->have->path) &&
           str_equal(pair->want->key, pair->have->key);
}

static bool differs(const struct pair *pair)
{
    return pair->want->letter != pair->have->letter ||
           pair->want->is_read_only != pair->have->is_read_only ||
           !str_equal(pair->want->label, pair->have->label);
}

static int add_detach(struct plan *plan, const struct pair *pair, struct error *err)
{
    return pair->have && !is_same_place(pair)
               ? add_step(plan, PLAN_DETACH, pair->have, pair->have->letter, err)
               : 0;
}

/* A mapping gives its letter back before it or anybody else gets another. */
static int add_release(struct plan *plan, const struct pair *pair, struct error *err)
{
    struct plan_mapping without;

    if (!is_same_place(pair) || !pair->have->letter || pair->have->letter == pair->want->letter) {
        return 0;
    }
    without = *pair->have;
    if (!pair->want->letter) {
        without = *pair->want; /* nothing more to do after it */
    }
    without.letter = '\0';
    return add_step(plan, PLAN_UPDATE, &without, pair->have->letter, err);
}

static int add_update(struct plan *plan, const struct pair *pair, struct error *err)
{
    bool is_released;

    if (!is_same_place(pair) || !differs(pair)) {
        return 0;
    }
    is_released = pair->have->letter && pair->have->letter != pair->want->letter;
    if (is_released && !pair->want->letter) {
        return 0; /* add_release() did it all */
    }
    return add_step(plan, PLAN_UPDATE, pair->want, is_released ? '\0' : pair->have->letter, err);
}

static int add_attach(struct plan *plan, const struct pair *pair, struct error *err)
{
    return pair->want && !is_same_place(pair) ? add_step(plan, PLAN_ATTACH, pair->want, '\0', err)
                                              : 0;
}

int plan_build(struct plan *out, const struct plan_mapping_list *want,
               const struct plan_mapping_list *have, struct error *err)
{
    static int (*const phases[])(struct plan *, const struct pair *, struct error *) = {
        add_detach, add_release, add_update, add_attach};
    const struct plan_mapping **wants = sorted(want);
    const struct plan_mapping **haves = sorted(have);
    struct pair *pairs = calloc(want->count + have->count + 1, sizeof(*pairs));
    struct plan plan = {0};
    size_t count;
    int code = 0;

    if (!wants || !haves || !pairs) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for a plan");
        goto out;
    }
    count = pair_up(pairs, wants, want->count, haves, have->count);
    for (size_t phase = 0; phase < sizeof(phases) / sizeof(phases[0]); phase++) {
        for (size_t i = 0; code == 0 && i < count; i++) {
            code = phases[phase](&plan, &pairs[i], err);
        }
    }
    if (code == 0) {
        *out = plan;
        plan = (struct plan){0};
    }
out:
    plan_clear(&plan);
    free(pairs);
    free(wants);
    free(haves);
    return code;
}

/* --- after applying --- */

static void drop_path(struct plan_mapping_list *list, const char *path)
{
    for (size_t i = 0; i < list->count; i++) {
        if (str_equal(list->items[i].path, path)) {
            plan_mapping_clear(&list->items[i]);
            list->items[i] = list->items[--list->count];
            return;
        }
    }
}

int plan_take_over(struct plan_mapping_list *have, const struct plan *plan, struct error *err)
{
    struct plan_mapping_list now = {0};
    int code = 0;

    for (size_t i = 0; code == 0 && i < have->count; i++) {
        code = plan_mapping_list_add(&now, &have->items[i], err);
    }
    for (size_t i = 0; code == 0 && i < plan->count; i++) {
        const struct plan_step *step = &plan->steps[i];

        if (step->result != 0) {
            continue;
        }
        if (step->kind != PLAN_ATTACH) {
            drop_path(&now, step->mapping.path);
        }
        if (step->kind != PLAN_DETACH) {
            code = plan_mapping_list_add(&now, &step->mapping, err);
        }
    }
    if (code < 0) {
        plan_mapping_list_clear(&now);
        return code;
    }
    plan_mapping_list_clear(have);
    *have = now;
    return 0;
}
