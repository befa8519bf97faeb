/*
 * Any mixture of sources gives the documented winner and lists every loser. Thousands of random
 * mixtures are written to files and to a registry played by a table, read by policy_load(), and
 * compared with a model that follows the words of policy/load.h and knows nothing of merge.c.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/utf16.h"
#include "fixture.h"
#include "registry.h"

enum { PLACES = 9, SUBJECTS = 7, ROUNDS = 1500, WORDS = 5 };

static const struct {
    enum policy_layer layer;
    const char *file; /* below the fixture's folder; a key of the registry otherwise */
    const char *hive; /* NULL: a file */
} places[PLACES] = {
    /* highest first */
    {POLICY_LAYER_MACHINE_POLICY, "policy.d/30.yaml", NULL},
    {POLICY_LAYER_MACHINE_POLICY, "policy.d/20.yaml", NULL},
    {POLICY_LAYER_MACHINE_POLICY, "policy.d/10.yaml", NULL},
    {POLICY_LAYER_MACHINE_POLICY, "machine.yaml", NULL},
    {POLICY_LAYER_MACHINE_POLICY, REGISTRY_POLICY_KEY, "HKLM"},
    {POLICY_LAYER_USER_POLICY, REGISTRY_POLICY_KEY, "HKCU"},
    {POLICY_LAYER_MACHINE_PREFERENCE, REGISTRY_PREFERENCE_KEY, "HKLM"},
    {POLICY_LAYER_USER_PREFERENCE, REGISTRY_PREFERENCE_KEY, "HKCU"},
    {POLICY_LAYER_USER_PREFERENCE, "user.yaml", NULL},
};

/* What is set at random: `good` and `bad` are the values to choose from, NULL at the end. Lists choose
 * entries. */
struct subject {
    const char *name;
    enum setting_type type;
    const char *good[8];
    const char *bad[4];
};
static const struct subject subjects[SUBJECTS] = {
    {"CacheMinutes", SETTING_INT, {"0", "7", "60", "60480"}, {"60481", "lots", "7 min"}},
    {"ReadOnly", SETTING_SWITCH, {"true", "false"}, {"maybe", "2"}},
    {"LogLevel", SETTING_ENUM, {"Off", "Debug", "Info"}, {"Loud", "4"}},
    {"NameFormat", SETTING_TEXT, {"{site}", "{library}: it's", "{tenant} {site}"}, {"{nothing}"}},
    {"CaFile", SETTING_TEXT, {"/etc/a.pem", "/b"}, {"relative"}}, /* the machine's only */
    {"ExcludeSites", SETTING_LIST, {"a", "A", "b", "-", "c*", "B"}, {"x\x7f"}},
    {"LocalOnlyPatterns", SETTING_LIST, {"*.tmp", "*.TMP", "x", "-", "Y", "y"}, {"a/b"}},
};

/* What one source says about one setting. */
struct said {
    bool is_there;
    const char *words[WORDS]; /* of a list its entries, else one */
    bool is_good[WORDS];
    size_t count;
};
struct world {
    struct fixture *f;
    uint64_t random;
    bool is_broken[PLACES]; /* files only */
    struct said said[PLACES][SUBJECTS];
};

/* xorshift64*; below `limit`. */
static unsigned pick(struct world *world, unsigned limit)
{
    world->random ^= world->random >> 12;
    world->random ^= world->random << 25;
    world->random ^= world->random >> 27;
    return (unsigned)((world->random * 2685821657736338717u >> 33) % limit);
}

static const char *pick_word(struct world *world, const char *const *words)
{
    unsigned count = 0;

    while (words[count]) {
        count++;
    }
    return words[pick(world, count)];
}

static void say(struct world *world, struct said *said, const struct subject *subject)
{
    *said = (struct said){.is_there = pick(world, 3) > 0};
    said->count = subject->type == SETTING_LIST ? pick(world, 5) : 1;
    for (size_t i = 0; i < said->count; i++) {
        said->is_good[i] = pick(world, 4) > 0;
        said->words[i] = pick_word(world, said->is_good[i] ? subject->good : subject->bad);
    }
}

static void add_yaml_word(struct buf *out, const struct subject *subject, const char *word)
{
    bool is_text = subject->type == SETTING_TEXT || subject->type == SETTING_LIST;

    assert_int_equal(buf_add_text(out, is_text ? "\"" : "", NULL), 0);
    for (; *word; word++) {
        assert_int_equal(
            *word == 0x7f ? buf_add_text(out, "\\x7f", NULL) : buf_add(out, word, 1, NULL), 0);
    }
    assert_int_equal(buf_add_text(out, is_text ? "\"" : "", NULL), 0);
}

static void write_yaml(struct world *world, size_t place)
{
    struct buf out;

    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < SUBJECTS; i++) {
        const struct said *said = &world->said[place][i];
        bool is_list = subjects[i].type == SETTING_LIST;

        if (!said->is_there) {
            continue;
        }
        buf_add_format(&out, NULL, "%s: %s", subjects[i].name, is_list ? "[" : "");
        for (size_t j = 0; j < said->count; j++) {
            buf_add_text(&out, j > 0 ? ", " : "", NULL);
            add_yaml_word(&out, &subjects[i], said->words[j]);
        }
        buf_add_text(&out, is_list ? "]\n" : "\n", NULL);
    }
    buf_add_text(&out, world->is_broken[place] ? "x: [\n" : "", NULL);
    fixture_write(world->f, places[place].file, buf_text(&out));
    buf_clear(&out);
}

static int put_text(struct registry_image *image, enum registry_hive hive, const char *key,
                    const char *name, const char *text, struct error *err)
{
    struct registry_value value = {
        .hive = hive, .key = (char *)key, .name = (char *)name, .type = REGISTRY_SZ};
    struct buf data;
    int code;

    buf_init(&data, 4096);
    code = utf16le_add(&data, text, err);
    value.data = (unsigned char *)data.data;
    value.size = data.size;
    code = code == 0 ? registry_image_put(image, &value, err) : code;
    buf_clear(&data);
    return code;
}

/* A good number, switch or position as a REG_DWORD; the rest as text, which must not be taken. */
static int put_word(struct registry_image *image, enum registry_hive hive, const char *key,
                    const struct subject *subject, const char *word, bool is_good,
                    struct error *err)
{
    struct setting_value parsed = {0};
    unsigned char data[4] = {0};
    struct registry_value value = {.hive = hive,
                                   .key = (char *)key,
                                   .name = (char *)subject->name,
                                   .type = REGISTRY_DWORD,
                                   .data = data,
                                   .size = sizeof(data)};
    int64_t number;

    if (subject->type == SETTING_TEXT || !is_good) {
        return put_text(image, hive, key, subject->name, word, err);
    }
    assert_int_equal(setting_parse(&parsed, schema_find(subject->name), word, NULL, NULL, NULL), 0);
    number = subject->type == SETTING_SWITCH ? parsed.is_on : parsed.number;
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char)(number >> (8 * i));
    }
    return registry_image_put(image, &value, err);
}

static int read_registry(struct registry_image *image, bool is_machine, const char *key,
                         void *payload, struct error *err)
{
    const struct world *world = payload;
    enum registry_hive hive = is_machine ? REGISTRY_MACHINE : REGISTRY_USER;
    int code = 0;

    for (size_t place = 0; place < PLACES; place++) {
        if (!places[place].hive || strcmp(places[place].file, key) != 0 ||
            (strcmp(places[place].hive, "HKLM") == 0) != is_machine) {
            continue;
        }
        for (size_t i = 0; code == 0 && i < SUBJECTS; i++) {
            const struct said *said = &world->said[place][i];
            char subkey[128];
            char name[24];

            snprintf(subkey, sizeof(subkey), "%s\\%s", key, subjects[i].name);
            for (size_t j = 0; code == 0 && said->is_there && j < said->count; j++) {
                snprintf(name, sizeof(name), "%zu", j);
                code = subjects[i].type == SETTING_LIST
                           ? put_text(image, hive, subkey, name, said->words[j], err)
                           : put_word(image, hive, key, &subjects[i], said->words[j],
                                      said->is_good[j], err);
            }
        }
    }
    return code;
}

/* What the documentation says that comes out. */
struct expected {
    size_t places[PLACES]; /* those with a valid value, highest first; the default follows */
    size_t count;
    bool is_used[PLACES + 1];
    const char *words[PLACES * WORDS + 16]; /* the value; of a list its entries */
    size_t word_count;
};

static bool is_policy(enum policy_layer layer)
{
    return layer == POLICY_LAYER_MACHINE_POLICY || layer == POLICY_LAYER_USER_POLICY;
}

static void unite(struct expected *out, const char *word)
{
    for (size_t i = 0; i < out->word_count; i++) {
        if (str_equal_nocase(out->words[i], word)) {
            return;
        }
    }
    out->words[out->word_count++] = word;
}

static void expect_list(struct expected *out, const struct world *world, size_t subject,
                        const struct str_list *defaults)
{
    bool has_policy = out->count > 0 && is_policy(places[out->places[0]].layer);
    bool is_emptied = false;

    for (size_t i = 0; i < out->count; i++) {
        const struct said *said = &world->said[out->places[i]][subject];
        enum policy_layer layer = places[out->places[i]].layer;
        bool counts = has_policy ? is_policy(layer) : layer == places[out->places[0]].layer;

        out->is_used[i] = counts && !is_emptied;
        for (size_t j = 0; out->is_used[i] && j < said->count; j++) {
            if (said->is_good[j] && strcmp(said->words[j], "-") == 0) {
                is_emptied = true;
            } else if (said->is_good[j]) {
                unite(out, said->words[j]);
            }
        }
    }
    out->is_used[out->count] = !is_emptied && (out->count == 0 || defaults->count > 0);
    for (size_t i = 0; !is_emptied && i < defaults->count; i++) {
        unite(out, defaults->items[i]);
    }
}

static void expect(struct expected *out, const struct world *world, size_t subject,
                   const struct policy_result *result)
{
    bool is_list = subjects[subject].type == SETTING_LIST;
    const struct policy_value *lowest = &result->values[result->value_count - 1];

    *out = (struct expected){0};
    for (size_t i = 0; i < PLACES; i++) {
        const struct said *said = &world->said[i][subject];
        bool is_machine = places[i].layer == POLICY_LAYER_MACHINE_POLICY ||
                          places[i].layer == POLICY_LAYER_MACHINE_PREFERENCE;
        bool is_valid = is_list ? !places[i].hive || said->count > 0 : said->is_good[0];

        if (said->is_there && is_valid && !world->is_broken[i] &&
            (is_machine || strcmp(subjects[subject].name, "CaFile") != 0)) {
            out->places[out->count++] = i;
        }
    }
    if (is_list) {
        expect_list(out, world, subject, &lowest->entries);
        return;
    }
    out->is_used[0] = true;
    out->words[0] = out->count > 0 ? world->said[out->places[0]][subject].words[0] : lowest->text;
    out->word_count = 1;
}

static void compare(const struct world *world, size_t subject, unsigned round)
{
    const char *name = subjects[subject].name;
    const struct policy_result *result = policy_result_find(world->f->policy, name);
    struct expected expected;
    struct buf text;

    expect(&expected, world, subject, result);
    if (result->value_count != expected.count + 1) {
        fail_msg("round %u, %s: %zu values, not %zu", round, name, result->value_count,
                 expected.count + 1);
    }
    for (size_t i = 0; i <= expected.count; i++) {
        const struct policy_value *value = &result->values[i];
        enum policy_layer layer =
            i < expected.count ? places[expected.places[i]].layer : POLICY_LAYER_DEFAULT;

        if (value->layer != layer || value->is_used != expected.is_used[i]) {
            fail_msg("round %u, %s: value %zu is of layer %d and %s", round, name, i, value->layer,
                     value->is_used ? "used" : "not used");
        }
        assert_true(i == expected.count
                        ? value->file == NULL
                        : str_ends_with(value->file, places[expected.places[i]].file));
    }
    assert_ptr_equal(result->winner, &result->values[0]);
    buf_init(&text, 1 << 16);
    for (size_t i = 0; i < expected.word_count; i++) {
        buf_add_format(&text, NULL, "%s%s", i > 0 ? "\n" : "", expected.words[i]);
    }
    if (strcmp(result->text, buf_text(&text)) != 0) {
        fail_msg("round %u, %s: '%s', not '%s'", round, name, result->text, buf_text(&text));
    }
    buf_clear(&text);
}

static void mix(struct world *world)
{
    for (size_t place = 0; place < PLACES; place++) {
        bool is_absent = pick(world, 3) == 0;

        world->is_broken[place] = !places[place].hive && pick(world, 12) == 0;
        for (size_t i = 0; i < SUBJECTS; i++) {
            say(world, &world->said[place][i], &subjects[i]);
            world->said[place][i].is_there = world->said[place][i].is_there && !is_absent;
        }
        if (!places[place].hive && is_absent) {
            unlink(fixture_path(world->f, places[place].file));
        } else if (!places[place].hive) {
            write_yaml(world, place);
        }
    }
}

static void policy_load__gives_the_documented_winner_and_every_loser(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct policy_sources *sources;

    assert_non_null(world);
    world->f = *state;
    world->random = 20251122;
    sources = &world->f->sources;
    sources->registry = read_registry;
    sources->payload = world;
    for (unsigned round = 0; round < ROUNDS; round++) {
        mix(world);
        fixture_load(world->f);
        for (size_t i = 0; i < SUBJECTS; i++) {
            compare(world, i, round);
        }
    }
    sources->registry = NULL;
    free(world);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(policy_load__gives_the_documented_winner_and_every_loser,
                                    fixture_setup, fixture_teardown),
};

TEST_MAIN("merge_property", tests)
