/* Upload sessions (facts, 2.9). */
#include "unit_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "item_json.h"
#include "upload.h"

enum { UNIT = UPLOAD_FRAGMENT_UNIT };

/* Opens a session; its URL, for the caller to free. */
static char *open_session(struct fixture *f, const char *name, const char *body)
{
    char path[256];
    snprintf(path, sizeof(path), "/drives/%s/root:/%s:/createUploadSession", f->d->id, name);
    assert_int_equal(graph_body(f, f->ana, "POST", path, body), 200);
    assert_string_equal(cJSON_GetArrayItem(answer_json(f, "nextExpectedRanges"), 0)->valuestring,
                        "0-");
    return xstrdup(answer(f, "uploadUrl"));
}

static int put(struct fixture *f, const char *url, size_t first, size_t n, size_t total)
{
    char range[64];
    char *bytes = xcalloc(1, n + 1);
    seed_bytes(9, first, bytes, n);
    snprintf(range, sizeof(range), "bytes %zu-%zu/%zu", first, first + n - 1, total);
    with_header(f, "Content-Range", range);
    int status = content(f, "PUT", url, bytes, n);
    free(bytes);
    return status;
}

static void upload__of_ordered_fragments_makes_the_file(void **state)
{
    struct fixture *f = *state;
    const size_t total = 2 * UNIT + 1000;
    char *url = open_session(
        f, "big.bin",
        "{\"item\":{\"@microsoft.graph.conflictBehavior\":\"replace\",\"fileSystemInfo\":"
        "{\"lastModifiedDateTime\":\"2020-01-02T03:04:05Z\"}}}");
    assert_int_equal(put(f, url, 0, UNIT, total), 202);
    assert_string_equal(cJSON_GetArrayItem(answer_json(f, "nextExpectedRanges"), 0)->valuestring,
                        "327680-");
    assert_int_equal(content(f, "GET", url, NULL, 0), 200);
    assert_int_equal(put(f, url, UNIT, UNIT, total), 202);
    assert_int_equal(put(f, url, 2 * UNIT, 1000, total), 201);
    assert_string_equal(answer(f, "name"), "big.bin");
    struct item *it = at(f, "big.bin");
    assert_int_equal(it->content->size, total);
    assert_int_equal(it->fs_modified, 1577934245);
    struct content_reader r;
    char expected[100];
    char got[100];
    assert_int_equal(content_open(&r, it->content), 0);
    assert_int_equal(content_read(&r, UNIT - 50, got, 100), 100);
    seed_bytes(9, UNIT - 50, expected, 100);
    assert_memory_equal(got, expected, 100);
    content_close(&r);
    assert_int_equal(put(f, url, 0, UNIT, total), 404); /* the session is gone */
    free(url);
}

static void upload__refuses_fragments_that_break_the_rules(void **state)
{
    struct fixture *f = *state;
    const size_t total = 4 * UNIT;
    char *url = open_session(f, "big.bin", "{}");
    assert_int_equal(put(f, url, 0, UNIT + 1, total), 400); /* no multiple of 320 KiB */
    assert_int_equal(put(f, url, 0, UNIT, total), 202);
    assert_int_equal(put(f, url, 0, UNIT, total), 416);
    assert_string_equal(answer_code(f), "fragmentOverlap");
    assert_int_equal(put(f, url, 2 * UNIT, UNIT, total), 416);
    assert_int_equal(put(f, url, UNIT, UNIT, total + 1), 400); /* another total */
    assert_int_equal(content(f, "PUT", url, "x", 1), 400);     /* no range */
    with_header(f, "Authorization", "Bearer x");
    assert_int_equal(put(f, url, UNIT, UNIT, total), 401);
    assert_int_equal(content(f, "DELETE", url, NULL, 0), 204);
    assert_int_equal(put(f, url, UNIT, UNIT, total), 404);
    free(url);
}

static void upload__refuses_empty_files_and_full_drives(void **state)
{
    struct fixture *f = *state;
    char path[256];
    snprintf(path, sizeof(path), "/drives/%s/root:/new.bin:/createUploadSession", f->d->id);
    assert_int_equal(graph_body(f, f->ana, "POST", path, "{\"item\":{\"fileSize\":0}}"), 400);
    edit(f, "quota", "{\"total\":1000000}");
    assert_int_equal(graph_body(f, f->ana, "POST", path, "{\"item\":{\"fileSize\":99000000}}"),
                     507);
}

static void upload__checks_if_match_at_both_ends(void **state)
{
    struct fixture *f = *state;
    char ctag[64];
    char path[256];
    snprintf(path, sizeof(path), "/drives/%s/root:/readme.txt:/createUploadSession", f->d->id);
    with_header(f, "If-Match", "\"{7C2999FD-AFE5-4325-BCD6-54AF4DFAD714},4\"");
    assert_int_equal(graph_body(f, f->ana, "POST", path, "{}"), 412);
    item_ctag(ctag, at(f, "readme.txt"));
    with_header(f, "If-Match", ctag);
    char *url = open_session(f, "readme.txt", "{}");
    edit(f, "write", "{\"path\":\"readme.txt\",\"text\":\"meanwhile\"}");
    assert_int_equal(put(f, url, 0, 100, 100), 412);
    assert_int_equal(put(f, url, 0, 100, 100), 416); /* the bytes are there already */
    free(url);
}

static void upload__that_bumps_the_etag_fails_on_it_but_not_on_the_ctag(void **state)
{
    struct fixture *f = *state;
    char tag[64];
    f->t->switches.session_bumps_etag = true;
    item_etag(tag, at(f, "readme.txt"));
    with_header(f, "If-Match", tag);
    char *url = open_session(f, "readme.txt", "{}");
    assert_int_equal(put(f, url, 0, 100, 100), 412);
    free(url);
    item_ctag(tag, at(f, "readme.txt"));
    with_header(f, "If-Match", tag);
    url = open_session(f, "readme.txt", "{}");
    assert_int_equal(put(f, url, 0, 100, 100), 200);
    free(url);
}

static void upload__whose_name_was_taken_can_be_placed_elsewhere(void **state)
{
    struct fixture *f = *state;
    char *url =
        open_session(f, "new.txt", "{\"item\":{\"@microsoft.graph.conflictBehavior\":\"fail\"}}");
    char path[256];
    edit(f, "write", "{\"path\":\"new.txt\",\"text\":\"first\"}");
    assert_int_equal(put(f, url, 0, 100, 100), 409);
    assert_string_equal(answer_code(f), "nameAlreadyExists");
    snprintf(path, sizeof(path), "/drives/%s/root:/other.txt", f->d->id);
    char *body = xasprintf("{\"name\":\"other.txt\",\"@microsoft.graph.sourceUrl\":\"%s\"}", url);
    assert_int_equal(graph_body(f, f->ana, "PUT", path, body), 201);
    assert_int_equal(at(f, "other.txt")->content->size, 100);
    free(body);
    free(url);
}

static void upload__waits_for_the_commit_when_deferred(void **state)
{
    struct fixture *f = *state;
    char *url = open_session(f, "late.txt", "{\"deferCommit\":true}");
    assert_int_equal(content(f, "POST", url, NULL, 0), 400);
    assert_int_equal(put(f, url, 0, 100, 100), 202);
    assert_null(at(f, "late.txt"));
    assert_int_equal(content(f, "POST", url, NULL, 0), 201);
    assert_non_null(at(f, "late.txt"));
    free(url);
}

static void upload__lives_as_long_as_it_is_fed_and_a_day_at_most(void **state)
{
    struct fixture *f = *state;
    char *url = open_session(f, "slow.bin", "{}");
    for (size_t i = 0; i < 3; i++) {
        edit(f, "clock", "{\"advance_seconds\":800}");
        assert_int_equal(put(f, url, i * UNIT, UNIT, 9 * UNIT), 202);
    }
    edit(f, "clock", "{\"advance_seconds\":1000}");
    assert_int_equal(content(f, "GET", url, NULL, 0), 404);
    free(url);
    url = open_session(f, "slow.bin", "{}");
    edit(f, "clock", "{\"advance_seconds\":90000}");
    assert_int_equal(content(f, "GET", url, NULL, 0), 401);
    assert_string_equal(answer_code(f), "expiredToken");
    free(url);
}

static void upload__meets_a_lock_at_the_end(void **state)
{
    struct fixture *f = *state;
    char *url = open_session(f, "readme.txt", "{}");
    edit(f, "lock", "{\"path\":\"readme.txt\",\"shape\":2}");
    assert_int_equal(put(f, url, 0, 100, 100), 423);
    assert_string_equal(answer_code(f), "resourceLocked");
    free(url);
}

static void upload__expired_urls_are_401(void **state)
{
    struct fixture *f = *state;
    char *url = open_session(f, "new.bin", "{}");
    edit(f, "expire-urls", "{}");
    assert_int_equal(put(f, url, 0, 100, 100), 401);
    free(url);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(upload__of_ordered_fragments_makes_the_file),
        TEST(upload__refuses_fragments_that_break_the_rules),
        TEST(upload__refuses_empty_files_and_full_drives),
        TEST(upload__checks_if_match_at_both_ends),
        TEST(upload__that_bumps_the_etag_fails_on_it_but_not_on_the_ctag),
        TEST(upload__whose_name_was_taken_can_be_placed_elsewhere),
        TEST(upload__waits_for_the_commit_when_deferred),
        TEST(upload__lives_as_long_as_it_is_fed_and_a_day_at_most),
        TEST(upload__meets_a_lock_at_the_end),
        TEST(upload__expired_urls_are_401),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
