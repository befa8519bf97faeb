/*
 * What the gateway makes of what clients write: paths, If headers, XML; and what it remembers.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "webdav/dead_props.h"
#include "webdav/if_header.h"
#include "webdav/locks.h"
#include "webdav/path.h"
#include "webdav/webdav_internal.h"
#include "webdav/xml.h"

static void expect_path(const char *raw, const char *want)
{
    struct error err = {0};
    char *path = NULL;
    int code = dav_path_decode(&path, raw, &err);

    if (want) {
        assert_int_equal(code, 0);
        assert_string_equal(path, want);
    } else {
        assert_int_equal(code, ERR_INVALID);
        assert_null(path);
    }
    free(path);
}

static void path_decode__gives_the_names_once_decoded(void **state)
{
    (void)state;
    expect_path("/", "");
    expect_path("/a/b", "/a/b");
    expect_path("/a/b/", "/a/b");
    expect_path("//a///b//", "/a/b");
    expect_path("/a%20b/%C3%A4", "/a b/\xC3\xA4");
    expect_path("/100%25", "/100%");
    expect_path("/%2525", "/%25");
    expect_path("/%252e%252e/x", "/%2e%2e/x"); /* a name, and no way up */
    expect_path("/a?query", "/a");
    expect_path("/...", "/...");
    expect_path("/.hidden", "/.hidden");
}

static void path_decode__refuses_every_way_out(void **state)
{
    static const char *const bad[] = {
        "",
        "a",
        "/..",
        "/a/../b",
        "/a/..",
        "/.",
        "/%2e%2e/x",
        "/%2E%2e",
        "/.%2e/x",
        "/a%2fb",
        "/a%2F..",
        "/%2e",
        "/a%00b",
        "/%",
        "/%4",
        "/%zz",
        "/%4g",
        "/a#b",
        "/%c0%ae%c0%ae/x",
        "/%e0%80%ae",
        "/\xff",
        "/%ff%fe",
        "/%ed%a0%80",
        "/a%0d%0ab",
        "/a%09",
        "/\x7f",
        "http://127.0.0.1/",
        "/a%1f",
        "/%f4%90%80%80",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_path(bad[i], NULL);
    }
}

static void path_decode__limits_length_and_depth(void **state)
{
    char *raw = malloc(DAV_PATH_MAX + 3);

    (void)state;
    assert_non_null(raw);
    memset(raw, 'a', DAV_PATH_MAX + 2);
    raw[0] = '/';
    raw[DAV_PATH_MAX + 1] = '\0';
    expect_path(raw, NULL);
    for (size_t i = 0; i <= DAV_DEPTH_MAX; i++) {
        memcpy(raw + i * 2, "/a", 2);
    }
    raw[(DAV_DEPTH_MAX + 1) * 2] = '\0';
    expect_path(raw, NULL);
    raw[DAV_DEPTH_MAX * 2] = '\0';
    expect_path(raw, raw);
    free(raw);
}

static void path_key__is_equal_for_names_that_differ_in_case(void **state)
{
    char *a = NULL;
    char *b = NULL;

    (void)state;
    assert_int_equal(dav_path_key(&a,
                                  "/Stra\xC3\x9F"
                                  "e/\xC3\x84.TXT",
                                  NULL),
                     0);
    assert_int_equal(dav_path_key(&b,
                                  "/STRA\xC3\x9F"
                                  "E/\xC3\xA4.txt",
                                  NULL),
                     0);
    assert_string_equal(a, b);
    assert_true(dav_key_is_below("/a/b", "/a"));
    assert_true(dav_key_is_below("/a", "/a"));
    assert_true(dav_key_is_below("/a", ""));
    assert_false(dav_key_is_below("/ab", "/a"));
    assert_false(dav_key_is_below("/a", "/a/b"));
    free(a);
    free(b);
}

static void if_parse__takes_the_grammar_and_what_clients_send(void **state)
{
    struct dav_if h;

    (void)state;
    assert_int_equal(dav_if_parse(&h, "(<opaquelocktoken:1> [\"e\"])", NULL), 0);
    assert_int_equal(h.count, 2);
    assert_string_equal(h.items[0].value, "opaquelocktoken:1");
    assert_true(h.items[1].is_etag);
    assert_string_equal(h.items[1].value, "\"e\"");
    dav_if_clear(&h);
    assert_int_equal(
        dav_if_parse(&h, "</a> (Not <t:1> [W/\"x\"]) (<t:2>) <http://h/b> ([\"]\"])", NULL), 0);
    assert_int_equal(h.count, 4);
    assert_true(h.items[0].is_not);
    assert_string_equal(h.items[0].uri, "/a");
    assert_string_equal(h.items[2].uri, "/a");
    assert_int_equal(h.items[2].list, 1);
    assert_string_equal(h.items[3].uri, "http://h/b");
    dav_if_clear(&h);
    assert_int_equal(dav_if_parse(&h, "(opaquelocktoken:1)", NULL), 0); /* WebClient */
    assert_string_equal(h.items[0].value, "opaquelocktoken:1");
    dav_if_clear(&h);
}

static void if_parse__refuses_the_rest(void **state)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "()",
                                      "(",
                                      "(<>)",
                                      "(<a",
                                      "<a>",
                                      "<a> <b> (<c:d>)",
                                      "(<a:b>",
                                      "([x])",
                                      "([\"x)",
                                      "([\"x\")",
                                      "(<a:b>) <c>",
                                      "(Not)",
                                      "(<a:b>) x",
                                      "(<a:b>) <c> (<d:e>)"};
    struct dav_if h;
    char *many = calloc(1, 8 * (DAV_IF_CONDITIONS_MAX + 2));

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(dav_if_parse(&h, bad[i], NULL), ERR_INVALID);
    }
    assert_non_null(many);
    for (size_t i = 0; i <= DAV_IF_CONDITIONS_MAX; i++) {
        memcpy(many + i * 7, "(<a:b>)", 7);
    }
    assert_int_equal(dav_if_parse(&h, many, NULL), ERR_LIMIT);
    free(many);
}

static int parse(struct dav_xml **out, const char *text)
{
    return dav_xml_parse(out, text, strlen(text), NULL);
}

static void xml_parse__keeps_values_with_their_namespaces(void **state)
{
    struct dav_xml *root = NULL;
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    assert_int_equal(
        parse(&root,
              "<a:p xmlns:a='x' xmlns:b='urn:b'>1 &lt; 2<b:q b:z='\"' y='&#10;'>t</b:q><r/></a:p>"),
        0);
    assert_true(dav_xml_is(root, "x", "p"));
    assert_int_equal(dav_xml_write_inside(&out, root, NULL), 0);
    assert_string_equal(
        buf_text(&out),
        "1 &lt; 2<q xmlns=\"urn:b\" xmlns:a0=\"urn:b\" a0:z=\"&quot;\" y=\"&#10;\">t</q>"
        "<r xmlns=\"\"></r>");
    buf_clear(&out);
    dav_xml_free(root);
}

static void xml_parse__refuses_what_could_grow(void **state)
{
    static const char laughs[] =
        "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
        "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><l>&c;</l>";
    static const char outside[] =
        "<!DOCTYPE l [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><l>&a;</l>";
    struct dav_xml *root = NULL;
    char *deep = calloc(1, 8 * DAV_XML_NODES_MAX + 64);
    size_t used = 0;

    (void)state;
    assert_non_null(deep);
    assert_int_equal(parse(&root, laughs), ERR_INVALID);
    assert_int_equal(parse(&root, outside), ERR_INVALID);
    assert_int_equal(parse(&root, "<!DOCTYPE l><l/>"), ERR_INVALID);
    assert_int_equal(parse(&root, "<a><b></a>"), ERR_INVALID);
    assert_int_equal(parse(&root, "<a xmlns:b=''><b:c/></a>"), ERR_INVALID);
    assert_int_equal(parse(&root, ""), ERR_INVALID);
    for (size_t i = 0; i <= DAV_XML_DEPTH_MAX; i++) {
        memcpy(deep + i * 3, "<a>", 3);
    }
    assert_int_equal(parse(&root, deep), ERR_LIMIT);
    memcpy(deep, "<x>", 3);
    for (used = 3; used < 4 * DAV_XML_NODES_MAX + 3; used += 4) {
        memcpy(deep + used, "<a/>", 4);
    }
    memcpy(deep + used, "</x>", 5);
    assert_int_equal(parse(&root, deep), ERR_LIMIT);
    assert_null(root);
    free(deep);
}

static int64_t hand_ms(void *payload)
{
    return *(int64_t *)payload;
}

static bool has_it(void *payload, const char *token)
{
    return payload && strcmp(payload, token) == 0;
}

static void locks__meet_expire_and_open(void **state)
{
    int64_t now = 1000;
    const struct clock clock = {.mono_ms = hand_ms, .wall_ms = hand_ms, .payload = &now};
    struct dav_locks *locks = NULL;
    char deep[DAV_TOKEN_SIZE];
    char other[DAV_TOKEN_SIZE];

    (void)state;
    assert_int_equal(dav_locks_new(&locks, &clock, NULL), 0);
    assert_int_equal(dav_locks_add(locks, deep, "/A", "/a", "", false, true, 5000, NULL), 0);
    assert_int_equal(dav_locks_add(locks, other, "/a/b", "/a/b", "", true, false, 5000, NULL),
                     ERR_LOCKED);
    assert_int_equal(dav_locks_add(locks, other, "/", "", "", false, true, 5000, NULL), ERR_LOCKED);
    assert_int_equal(dav_locks_add(locks, other, "/ab", "/ab", "", false, true, 5000, NULL), 0);
    assert_int_equal(dav_locks_check(locks, "/a/b/c", false, has_it, NULL, NULL), ERR_LOCKED);
    assert_int_equal(dav_locks_check(locks, "/a/b/c", false, has_it, other, NULL), ERR_LOCKED);
    assert_int_equal(dav_locks_check(locks, "/a/b/c", false, has_it, deep, NULL), 0);
    assert_int_equal(dav_locks_check(locks, "", false, has_it, NULL, NULL), 0);
    assert_int_equal(dav_locks_check(locks, "", true, has_it, NULL, NULL), ERR_LOCKED);
    now += 4000;
    assert_int_equal(dav_locks_refresh(locks, deep, "/a/b", 5000, NULL), 0);
    now += 4000; /* the other one is over */
    assert_int_equal(dav_locks_check(locks, "/ab", true, has_it, NULL, NULL), 0);
    assert_int_equal(dav_locks_check(locks, "/a", false, has_it, NULL, NULL), ERR_LOCKED);
    assert_int_equal(dav_locks_remove(locks, deep, "/ab", NULL), ERR_NOT_FOUND);
    assert_int_equal(dav_locks_remove(locks, deep, "/a", NULL), 0);
    assert_int_equal(dav_locks_check(locks, "", true, has_it, NULL, NULL), 0);
    for (unsigned i = 0; i < DAV_LOCKS_MAX; i++) {
        assert_int_equal(dav_locks_add(locks, other, "/s", "/s", "", true, false, 5000, NULL), 0);
    }
    assert_int_equal(dav_locks_add(locks, other, "/s", "/s", "", true, false, 5000, NULL),
                     ERR_LIMIT);
    dav_locks_free(locks);
}

/* 100 bytes a second, once it had a minute. */
static void server__gives_up_on_a_body_that_comes_letter_by_letter(void **state)
{
    (void)state;
    assert_false(dav_is_too_slow(0, 0));
    assert_false(dav_is_too_slow(60000, 0));
    assert_true(dav_is_too_slow(61000, 6099));
    assert_false(dav_is_too_slow(61000, 6100));
    assert_true(dav_is_too_slow(3600000, 3600));
    assert_false(dav_is_too_slow(3600000, 100 * 1024 * 1024));
}

static void expect_props(struct dav_props *props, const char *key, const char *want)
{
    struct buf out;

    buf_init(&out, 65536);
    assert_int_equal(dav_props_write_all(props, &out, key, false, NULL), 0);
    assert_string_equal(buf_text(&out), want);
    buf_clear(&out);
}

static void props__follow_their_item(void **state)
{
    struct dav_props *props = NULL;
    char name[16];
    int code = 0;

    (void)state;
    assert_int_equal(dav_props_new(&props, NULL), 0);
    assert_int_equal(dav_props_set(props, "/a/b", "urn:x", "p", "1", NULL), 0);
    assert_int_equal(dav_props_set(props, "/a/b", "urn:x", "p", "2", NULL), 0);
    assert_int_equal(dav_props_copy_tree(props, "/a", "/c", true, NULL), 0);
    assert_int_equal(dav_props_move_tree(props, "/a", "/d", NULL), 0);
    expect_props(props, "/a/b", "");
    expect_props(props, "/c/b", "<p xmlns=\"urn:x\">2</p>");
    expect_props(props, "/d/b", "<p xmlns=\"urn:x\">2</p>");
    assert_int_equal(dav_props_move_tree(props, "/d", "/d", NULL), 0);
    expect_props(props, "/d/b", "<p xmlns=\"urn:x\">2</p>");
    dav_props_drop_tree(props, "/c");
    expect_props(props, "/c/b", "");
    for (unsigned i = 0; code == 0 && i < DAV_PROPS_ITEM_MAX + 1; i++) {
        snprintf(name, sizeof(name), "p%u", i);
        code = dav_props_set(props, "/e", "", name, "", NULL);
    }
    assert_int_equal(code, ERR_NO_SPACE);
    dav_props_free(props);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_decode__gives_the_names_once_decoded),
        cmocka_unit_test(path_decode__refuses_every_way_out),
        cmocka_unit_test(path_decode__limits_length_and_depth),
        cmocka_unit_test(path_key__is_equal_for_names_that_differ_in_case),
        cmocka_unit_test(if_parse__takes_the_grammar_and_what_clients_send),
        cmocka_unit_test(if_parse__refuses_the_rest),
        cmocka_unit_test(xml_parse__keeps_values_with_their_namespaces),
        cmocka_unit_test(xml_parse__refuses_what_could_grow),
        cmocka_unit_test(locks__meet_expire_and_open),
        cmocka_unit_test(server__gives_up_on_a_body_that_comes_letter_by_letter),
        cmocka_unit_test(props__follow_their_item),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("webdav_parts", tests, NULL, NULL);
}
