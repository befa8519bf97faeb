/* Letters of the gateway: what is asked of the system, on a recording double of it. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/thread.h"
#include "webdav/map.h"

struct recorder {
    struct mutex mutex;
    struct buf log;
    int ready_code; /* answers of the double */
    int connect_code;
    unsigned readies;
};

static void note(struct recorder *r, const char *what, char letter, const char *path,
                 const char *label)
{
    mutex_lock(&r->mutex);
    buf_add_format(&r->log, NULL, "%s%c %s%s%s\n", what, letter, path, label ? " " : "",
                   label ? label : "");
    mutex_unlock(&r->mutex);
}

static int ready(void *payload, const struct dav_place *place, char **text, struct error *err)
{
    struct recorder *r = payload;

    assert_int_equal(place->port, 4711);
    assert_string_equal(place->secret, "5ec7e7");
    r->readies++;
    if (r->ready_code < 0) {
        return error_set(err, r->ready_code, "the client is disabled");
    }
    return r->connect_code == 0 && r->readies > 100 ? str_copy(text, "limits", err) : 0;
}

static int connect_letter(void *payload, const struct dav_place *place, char letter,
                          const char *path, const char *label, struct error *err)
{
    struct recorder *r = payload;

    (void)place;
    note(r, "+", letter, path, label);
    return r->connect_code < 0 ? error_set(err, r->connect_code, "the letter is in use") : 0;
}

static void disconnect_letter(void *payload, const struct dav_place *place, char letter,
                              const char *path)
{
    (void)place;
    note(payload, "-", letter, path, NULL);
}

static void end(void *payload, const struct dav_place *place)
{
    (void)place;
    note(payload, "end", ' ', "", NULL);
}

static struct dav_map *begin(struct recorder *r, struct dav_map_system *system)
{
    const struct dav_place place = {.port = 4711, .secret = "5ec7e7"};
    struct dav_map *map = NULL;

    *system = (struct dav_map_system){.ready = ready,
                                      .connect = connect_letter,
                                      .disconnect = disconnect_letter,
                                      .end = end,
                                      .payload = r};
    mutex_init(&r->mutex);
    buf_init(&r->log, 65536);
    assert_int_equal(dav_map_new(&map, system, &place, NULL), 0);
    return map;
}

static void expect(struct dav_map *map, struct recorder *r, const char *want)
{
    if (map) {
        assert_true(dav_map_settle(map, 20000));
    }
    mutex_lock(&r->mutex);
    assert_string_equal(r->log.size ? buf_text(&r->log) : "", want);
    buf_reset(&r->log);
    mutex_unlock(&r->mutex);
}

static void finish(struct recorder *r)
{
    buf_clear(&r->log);
    mutex_clear(&r->mutex);
}

static void add(struct dav_map *map, char letter, const char *path, const char *label)
{
    const struct mapping mapping = {.path = path, .letter = letter, .label = label};

    assert_int_equal(dav_map_add(map, &mapping, NULL), 0);
}

static void map_add__shows_moves_and_relabels_letters(void **state)
{
    struct recorder r = {0};
    struct dav_map_system system;
    struct dav_map *map = begin(&r, &system);
    char *advice = NULL;

    (void)state;
    add(map, 'H', "t/s/l", "Documents");
    expect(map, &r, "+H t/s/l Documents\n");
    add(map, 'H', "t/s/l", "Documents"); /* again: nothing changes */
    expect(map, &r, "");
    add(map, 'K', "t/s/l", "Documents"); /* another letter */
    expect(map, &r, "-H t/s/l\n+K t/s/l Documents\n");
    add(map, 'K', "t/s/l", "Papers");
    expect(map, &r, "-K t/s/l\n+K t/s/l Papers\n");
    add(map, 'K', "t/s/other", NULL); /* the letter goes to another library */
    expect(map, &r, "-K t/s/l\n+K t/s/other\n");
    add(map, 0, "t/s/none", "None"); /* no letter: nothing to do */
    expect(map, &r, "");
    dav_map_remove(map, "t/s/other");
    expect(map, &r, "-K t/s/other\n");
    dav_map_remove(map, "t/s/other");
    expect(map, &r, "");
    assert_int_equal(dav_map_advice(map, &advice, NULL), ERR_NOT_FOUND);
    add(map, 'H', "a/b/c", NULL);
    add(map, 'Z', "a/b/d", NULL);
    expect(map, &r, "+H a/b/c\n+Z a/b/d\n");
    dav_map_free(map);
    expect(NULL, &r, "-H a/b/c\n-Z a/b/d\nend  \n");
    finish(&r);
}

static void map_advice__says_what_the_system_lacks(void **state)
{
    struct recorder r = {.ready_code = ERR_UNSUPPORTED};
    struct dav_map_system system;
    struct dav_map *map = begin(&r, &system);
    char *advice = NULL;

    (void)state;
    add(map, 'H', "t/s/l", NULL);
    expect(map, &r, ""); /* nothing is tried without the client */
    assert_int_equal(dav_map_advice(map, &advice, NULL), 0);
    assert_string_equal(advice, "the client is disabled");
    str_free(&advice);
    dav_map_free(map);
    expect(NULL, &r, "end  \n");
    finish(&r);
}

static void map_advice__says_why_a_letter_is_not_there(void **state)
{
    struct recorder r = {.connect_code = ERR_EXISTS};
    struct dav_map_system system;
    struct dav_map *map = begin(&r, &system);
    char *advice = NULL;

    (void)state;
    add(map, 'H', "t/s/l", NULL);
    expect(map, &r, "+H t/s/l\n"); /* tried once, and again later */
    assert_int_equal(dav_map_advice(map, &advice, NULL), 0);
    assert_string_equal(advice, "the letter is in use");
    str_free(&advice);
    dav_map_remove(map, "t/s/l");
    expect(map, &r, ""); /* what was never shown is not taken away */
    assert_int_equal(dav_map_advice(map, &advice, NULL), ERR_NOT_FOUND);
    dav_map_free(map);
    expect(NULL, &r, "end  \n");
    finish(&r);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_add__shows_moves_and_relabels_letters),
        cmocka_unit_test(map_advice__says_what_the_system_lacks),
        cmocka_unit_test(map_advice__says_why_a_letter_is_not_there),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("webdav_map", tests, NULL, NULL);
}
