/* Content, versions, copies, delta and sharing, as facts 2.6 to 2.8 and 2.10 to 2.12 tell. */
#include "unit_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "item_json.h"

/* ---- content ---- */

static void content_get__redirects_to_a_signed_url(void **state)
{
    struct fixture *f = *state;
    size_t n;
    assert_int_equal(get(f, "/root:/readme.txt:/content"), 302);
    char *url = xstrdup(response_header(f, "Location"));
    assert_int_equal(content(f, "GET", url, NULL, 0), 200);
    char *text = stream_text(f, &n);
    assert_string_equal(text, "hello world\n");
    free(text);
    with_header(f, "Range", "bytes=6-10");
    assert_int_equal(content(f, "GET", url, NULL, 0), 206);
    text = stream_text(f, &n);
    assert_string_equal(text, "world");
    assert_string_equal(response_header(f, "Content-Range"), "bytes 6-10/12");
    free(text);
    with_header(f, "Range", "bytes=-3");
    assert_int_equal(content(f, "GET", url, NULL, 0), 206);
    assert_int_equal(f->rs.stream.offset, 9);
    with_header(f, "Range", "bytes=12-");
    assert_int_equal(content(f, "GET", url, NULL, 0), 416);
    f->t->switches.content_ignores_range = true;
    with_header(f, "Range", "bytes=6-10");
    assert_int_equal(content(f, "GET", url, NULL, 0), 200);
    free(url);
}

static void content_url__expires_and_is_not_to_be_touched(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, "/root:/readme.txt:/content"), 302);
    char *url = xstrdup(response_header(f, "Location"));
    with_header(f, "Authorization", "Bearer x");
    assert_int_equal(content(f, "GET", url, NULL, 0), 401);
    f->t->switches.content_accepts_authorization = true;
    with_header(f, "Authorization", "Bearer x");
    assert_int_equal(content(f, "GET", url, NULL, 0), 200);
    char *longer = xasprintf("%s&x=1", url);
    assert_int_equal(content(f, "GET", longer, NULL, 0), 401);
    free(longer);
    char *forged = xstrdup(url);
    char *p = strstr(forged, "tempauth=v1.") + 20;
    *p = *p == 'A' ? 'B' : 'A';
    assert_int_equal(content(f, "GET", forged, NULL, 0), 401);
    free(forged);
    edit(f, "clock", "{\"advance_seconds\":3590}");
    assert_int_equal(content(f, "GET", url, NULL, 0), 200);
    edit(f, "clock", "{\"advance_seconds\":20}");
    assert_int_equal(content(f, "GET", url, NULL, 0), 401);
    assert_int_equal(get(f, "/root:/readme.txt:/content"), 302);
    free(url);
    url = xstrdup(response_header(f, "Location"));
    edit(f, "expire-urls", "{}");
    assert_int_equal(content(f, "GET", url, NULL, 0), 401);
    free(url);
}

static void content_get__of_malware_is_refused_unless_forced(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, "/root:/Virus.txt"), 200);
    assert_null(answer_json(f, "@microsoft.graph.downloadUrl"));
    assert_non_null(answer_json(f, "malware"));
    assert_int_equal(get(f, "/root:/Virus.txt:/content"), 403);
    assert_string_equal(response_header(f, "X-Virus-Infected"), "EICAR");
    assert_int_equal(get(f, "/root:/Virus.txt:/content?AVOverride=1"), 302);
}

static void content_get__knows_what_the_client_has(void **state)
{
    struct fixture *f = *state;
    char ctag[64];
    item_ctag(ctag, at(f, "readme.txt"));
    with_header(f, "If-None-Match", ctag);
    assert_int_equal(get(f, "/root:/readme.txt:/content"), 304);
}

static void content_put__creates_and_replaces(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(as_ana(f, "PUT", "/root:/new.txt:/content", "abc"), 201);
    const cJSON *hashes = cJSON_GetObjectItem(answer_json(f, "file"), "hashes");
    assert_string_equal(text_of(hashes, "quickXorHash"), "YRDDGAAAAAAAAAAAAwAAAAAAAAA=");
    assert_int_equal(as_ana(f, "PUT", "/root:/new.txt:/content", "abcd"), 200);
    assert_int_equal(at(f, "new.txt")->n_versions, 1);
    assert_int_equal(
        as_ana(f, "PUT", "/root:/NEW.txt:/content?@microsoft.graph.conflictBehavior=fail", "x"),
        409);
    assert_int_equal(
        as_ana(f, "PUT", "/root:/new.txt:/content?@microsoft.graph.conflictBehavior=rename", "x"),
        201);
    assert_string_equal(answer(f, "name"), "new 1.txt");
    assert_int_equal(as_ana(f, "PUT", "/root:/Notebook:/content", "x"), 409);
    assert_int_equal(as_ana(f, "PUT", "/root:/no/such/folder.txt:/content", "x"), 404);
    assert_int_equal(as_ana(f, "PUT", "/root:/empty.txt:/content", ""), 201);
    assert_int_equal((int)at(f, "empty.txt")->content->size, 0);
}

static void content_put__stops_at_the_quota(void **state)
{
    struct fixture *f = *state;
    edit(f, "quota", "{\"total\":100}");
    assert_int_equal(as_ana(f, "PUT", "/root:/new.txt:/content", "abc"), 507);
    assert_string_equal(answer_code(f), "quotaLimitReached");
    assert_int_equal(get(f, "?$select=quota"), 200);
    assert_string_equal(text_of(answer_json(f, "quota"), "state"), "exceeded");
}

static void content_put__office_files_are_rewritten_if_so_switched(void **state)
{
    struct fixture *f = *state;
    f->t->switches.office_enrichment = true;
    assert_int_equal(as_ana(f, "PUT", "/root:/a.docx:/content", "abc"), 201);
    assert_true(cJSON_GetNumberValue(answer_json(f, "size")) > 3);
    f->t->switches.office_enrichment = false;
    f->t->switches.office_enrichment_late = true;
    assert_int_equal(as_ana(f, "PUT", "/root:/b.docx:/content", "abc"), 201);
    assert_true(cJSON_GetNumberValue(answer_json(f, "size")) == 3);
    char *etag = xstrdup(answer(f, "eTag"));
    assert_int_equal(get(f, "/root:/b.docx"), 200);
    assert_true(cJSON_GetNumberValue(answer_json(f, "size")) > 3);
    assert_string_not_equal(answer(f, "eTag"), etag);
    free(etag);
}

static void content_put__obeys_if_match_only_if_so_switched(void **state)
{
    struct fixture *f = *state;
    static const char tag[] = "\"{7C2999FD-AFE5-4325-BCD6-54AF4DFAD714},4\"";
    with_header(f, "If-Match", tag);
    assert_int_equal(as_ana(f, "PUT", "/root:/readme.txt:/content", "abc"), 200);
    f->t->switches.put_honours_if_match = true;
    with_header(f, "If-Match", tag);
    assert_int_equal(as_ana(f, "PUT", "/root:/readme.txt:/content", "abc"), 412);
}

static void content_put__enrichment_can_make_a_version(void **state)
{
    struct fixture *f = *state;
    f->t->switches.office_enrichment_late = true;
    assert_int_equal(as_ana(f, "PUT", "/root:/a.docx:/content", "abc"), 201);
    assert_int_equal(at(f, "a.docx")->n_versions, 0);
    f->t->switches.office_enrichment_version = true;
    assert_int_equal(as_ana(f, "PUT", "/root:/b.docx:/content", "abc"), 201);
    assert_int_equal(at(f, "b.docx")->n_versions, 1);
    assert_ptr_equal(at(f, "b.docx")->modified_by, f->ana);
}

static void versions__list_read_restore_and_delete(void **state)
{
    struct fixture *f = *state;
    size_t n;
    assert_int_equal(get(f, "/root:/readme.txt:/versions"), 200);
    assert_int_equal(answer_count(f), 2);
    assert_string_equal(text_of(answer_value(f, 0), "id"), "2.0");
    assert_string_equal(text_of(answer_value(f, 1), "id"), "1.0");
    assert_int_equal(get(f, "/root:/readme.txt:/versions/2.0/content"), 400);
    assert_int_equal(get(f, "/root:/readme.txt:/versions/1.0/content"), 302);
    char *url = xstrdup(response_header(f, "Location"));
    assert_int_equal(content(f, "GET", url, NULL, 0), 200);
    char *text = stream_text(f, &n);
    assert_string_equal(text, "hello\n");
    free(text);
    free(url);
    assert_int_equal(as_ana(f, "POST", "/root:/readme.txt:/versions/1.0/restoreVersion", NULL),
                     204);
    assert_int_equal(at(f, "readme.txt")->content->size, 6);
    assert_int_equal(as_ana(f, "DELETE", "/root:/readme.txt:/versions/1.0", NULL), 204);
    assert_int_equal(get(f, "/root:/readme.txt:/versions/1.0"), 404);
    assert_int_equal(as_ana(f, "DELETE", "/root:/readme.txt:/versions/3.0", NULL), 400);
}

/* ---- copy ---- */

static void copy__is_told_by_its_monitor(void **state)
{
    struct fixture *f = *state;
    char id[40];
    char body[256];
    item_id(id, f->ana->drive->root);
    snprintf(body, sizeof(body),
             "{\"name\":\"Copy\",\"parentReference\":{\"driveId\":\"%s\",\"id\":\"%s\"}}",
             f->ana->drive->id, id);
    with_header(f, "Prefer", "respond-async");
    assert_int_equal(as_ana(f, "POST", "/root:/Many:/copy", body), 202);
    char *url = xstrdup(response_header(f, "Location"));
    assert_int_equal(content(f, "GET", url, NULL, 0), 202);
    assert_string_equal(answer(f, "status"), "inProgress");
    assert_int_equal(content(f, "GET", url, NULL, 0), 200);
    assert_string_equal(answer(f, "status"), "completed");
    struct item *copy = store_by_id(f->ana->drive, answer(f, "resourceId"));
    assert_non_null(copy);
    assert_int_equal(store_child_count(copy), 450);
    assert_int_equal(store_size(copy), copy->size_delta);
    free(url);
}

/* ---- delta ---- */

/* Follows links to the deltaLink; the path behind it, for the caller to free. */
static char *drain(struct fixture *f, const char *path, int *n_items)
{
    char *next = xstrdup(path);
    *n_items = 0;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(graph(f, "GET", "%s", next), 200);
        free(next);
        *n_items += answer_count(f);
        const char *delta = answer(f, "@odata.deltaLink");
        const char *more = answer(f, "@odata.nextLink");
        assert_true((delta[0] == '\0') != (more[0] == '\0'));
        next = xstrdup((delta[0] != '\0' ? delta : more) + strlen("https://graph.test/v1.0"));
        if (delta[0] != '\0') {
            return next;
        }
    }
    fail();
    return NULL;
}

static void delta__tells_changes_with_their_parents(void **state)
{
    struct fixture *f = *state;
    int n;
    char *link = drain(f, drive_path(f, "/root/delta"), &n);
    assert_int_equal(n, 1 + 7 + 3 + 450);
    char *again = drain(f, link, &n);
    assert_int_equal(n, 0);
    assert_int_equal(f->rs.ru, 1);
    edit(f, "write", "{\"path\":\"Budget/Überblick.txt\",\"text\":\"changed\"}");
    edit(f, "delete", "{\"path\":\"readme.txt\"}");
    free(link);
    link = drain(f, again, &n);
    assert_int_equal(n, 4); /* root, Budget, the file, the deleted one */
    assert_non_null(cJSON_GetObjectItem(answer_value(f, 0), "root"));
    const cJSON *file = answer_value(f, 2);
    assert_null(cJSON_GetObjectItem(file, "cTag"));
    assert_null(cJSON_GetObjectItem(cJSON_GetObjectItem(file, "parentReference"), "path"));
    const cJSON *deleted = answer_value(f, 3);
    assert_non_null(cJSON_GetObjectItem(deleted, "deleted"));
    assert_null(cJSON_GetObjectItem(deleted, "name"));
    with_header(f, "deltaExcludeParent", "true");
    assert_int_equal(graph(f, "GET", "%s", again), 200);
    assert_int_equal(answer_count(f), 2);
    free(link);
    free(again);
}

static void delta__latest_starts_empty(void **state)
{
    struct fixture *f = *state;
    int n;
    char *link = drain(f, drive_path(f, "/root/delta?token=latest"), &n);
    assert_int_equal(n, 0);
    edit(f, "mkdir", "{\"path\":\"Fresh\"}");
    free(drain(f, link, &n));
    assert_int_equal(n, 2);
    free(link);
}

static void delta__is_as_awkward_as_it_is_switched(void **state)
{
    struct fixture *f = *state;
    int n;
    f->t->switches.delta_empty_pages = true;
    f->t->switches.delta_duplicates = true;
    f->t->switches.delta_function_links = true;
    char *link = drain(f, drive_path(f, "/root/delta?$top=100"), &n);
    assert_true(n > 461);
    assert_non_null(strstr(link, "/delta(token='"));
    edit(f, "touch", "{\"path\":\"readme.txt\"}");
    free(drain(f, link, &n));
    assert_int_equal(n, 3);
    free(link);
}

static void delta__resync_is_410_with_location(void **state)
{
    struct fixture *f = *state;
    int n;
    char *link = drain(f, drive_path(f, "/root/delta?token=latest"), &n);
    edit(f, "resync", "{}");
    assert_int_equal(graph(f, "GET", "%s", link), 410);
    assert_string_equal(answer_code(f), "resyncRequired");
    const char *location = response_header(f, "Location");
    assert_true(str_ends(location, "/root/delta"));
    free(link);
    free(drain(f, drive_path(f, "/root/delta"), &n));
    assert_int_equal(graph(f, "GET", "%s", drive_path(f, "/root/delta?token=garbage")), 400);
}

/* ---- sharing ---- */

static void link_create__is_201_then_200(void **state)
{
    struct fixture *f = *state;
    const char *body = "{\"type\":\"view\",\"scope\":\"organization\"}";
    assert_int_equal(as_ana(f, "POST", "/root:/readme.txt:/createLink", body), 201);
    assert_int_equal(f->rs.ru, 5);
    char *url = xstrdup(text_of(answer_json(f, "link"), "webUrl"));
    assert_int_equal(as_ana(f, "POST", "/root:/readme.txt:/createLink", body), 200);
    assert_string_equal(text_of(answer_json(f, "link"), "webUrl"), url);
    char *token = base64url_encode(url, strlen(url));
    assert_int_equal(graph(f, "GET", "/shares/u!%s/driveItem", token), 200);
    assert_string_equal(answer(f, "name"), "readme.txt");
    f->t->switches.links_disabled = true;
    assert_int_equal(as_ana(f, "POST", "/root:/readme.txt:/createLink",
                            "{\"type\":\"view\",\"scope\":\"anonymous\"}"),
                     403);
    free(token);
    free(url);
}

static void thumbnails__are_for_pictures_and_office_files(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, "/root:/Budget/Budget%202026.xlsx:/thumbnails"), 200);
    assert_int_equal(answer_count(f), 1);
    assert_int_equal(get(f, "/root:/Budget/Budget%202026.xlsx:/thumbnails/0/medium/content"), 302);
    char *url = xstrdup(response_header(f, "Location"));
    assert_int_equal(content(f, "GET", url, NULL, 0), 200);
    assert_string_equal(response_header(f, "Content-Type"), "image/png");
    free(url);
    assert_int_equal(get(f, "/root:/readme.txt:/thumbnails"), 200);
    assert_int_equal(answer_count(f), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(content_get__redirects_to_a_signed_url),
        TEST(content_url__expires_and_is_not_to_be_touched),
        TEST(content_get__of_malware_is_refused_unless_forced),
        TEST(content_get__knows_what_the_client_has),
        TEST(content_put__creates_and_replaces),
        TEST(content_put__stops_at_the_quota),
        TEST(content_put__office_files_are_rewritten_if_so_switched),
        TEST(content_put__obeys_if_match_only_if_so_switched),
        TEST(content_put__enrichment_can_make_a_version),
        TEST(versions__list_read_restore_and_delete),
        TEST(copy__is_told_by_its_monitor),
        TEST(delta__tells_changes_with_their_parents),
        TEST(delta__latest_starts_empty),
        TEST(delta__is_as_awkward_as_it_is_switched),
        TEST(delta__resync_is_410_with_location),
        TEST(link_create__is_201_then_200),
        TEST(thumbnails__are_for_pictures_and_office_files),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
