/* Addresses, items, listings and changes, as facts 2.1 to 2.5, 2.10 and 2.11 tell. */
#include "unit_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "item_json.h"

/* ---- addresses ---- */

static void route__all_address_forms_lead_to_one_item(void **state)
{
    struct fixture *f = *state;
    char id[40];
    char budget[40];
    item_id(id, at(f, "Budget/Budget 2026.xlsx"));
    item_id(budget, at(f, "Budget"));
    const char *site = f->d->site->id;
    char *forms[] = {
        xasprintf("/drives/%s/items/%s", f->d->id, id),
        xasprintf("/drives/%s/root:/Budget/Budget%%202026.xlsx", f->d->id),
        xasprintf("/drives/%s/root:/budget/BUDGET%%202026.xlsx:", f->d->id),
        xasprintf("/drives/%s/items/root:/Budget/Budget%%202026.xlsx", f->d->id),
        xasprintf("/drives/%s/items/%s:/Budget%%202026.xlsx:", f->d->id, budget),
        xasprintf("/sites/%s/drive/items/%s", site, id),
        xasprintf("/sites/%s/drives/%s/items/%s", site, f->d->id, id),
        xasprintf("/sites/%s/lists/%s/drive/items/%s", site, f->d->list_guid, id),
        xasprintf("/sites/contoso.sharepoint.com:/sites/finance:/drive/items/%s", id),
        xasprintf("/groups/%s/drive/items/%s", f->d->site->group->id, id),
        xasprintf("/drives/%s/items/%s/children('@a1')?@a1='Budget%%25202026.xlsx'", f->d->id,
                  budget),
    };
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        if (graph(f, "GET", "%s", forms[i]) != 200 || strcmp(answer(f, "id"), id) != 0) {
            fail_msg("%s: %d %s", forms[i], f->rs.status, answer(f, "id"));
        }
        free(forms[i]);
    }
}

static void route__decodes_each_segment(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, "/root:/Budget/100%25%20%231.txt"), 200);
    assert_string_equal(answer(f, "name"), "100% #1.txt");
    assert_int_equal(get(f, "/root:/Budget/%C3%9Cberblick.txt"), 200);
    assert_int_equal(get(f, "/root:/Budget/100%%20%231.txt"), 400);
    assert_int_equal(get(f, "/root:/Budget/:/children"), 400);
}

static void route__of_onedrive_is_the_users_own(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(graph(f, "GET", "/me/drive"), 200);
    assert_string_equal(answer(f, "driveType"), "business");
    assert_string_equal(answer(f, "id"), f->ana->drive->id);
    assert_int_equal(graph(f, "GET", "/drives/%s", f->ben->drive->id), 404);
    assert_int_equal(graph(f, "GET", "/users/%s/drive/root", f->ana->upn), 200);
    assert_int_equal(graph_body(f, f->cara, "GET", "/me/drive", NULL), 404);
    assert_string_equal(answer_code(f), "provisioningNotAllowed");
    assert_int_equal(graph(f, "GET", "/me/drives"), 200);
    assert_int_equal(answer_count(f), 1);
}

static void route__shares_lead_from_any_url(void **state)
{
    struct fixture *f = *state;
    struct item *it = at(f, "Budget/Budget 2026.xlsx");
    char *urls[] = {item_web_url(it, true), item_web_url(it, false),
                    xstrdup("https://contoso.sharepoint.com/sites/finance/Shared "
                            "Documents/Budget/Budget 2026.xlsx")};
    for (size_t i = 0; i < COUNT_OF(urls); i++) {
        char *token = base64url_encode(urls[i], strlen(urls[i]));
        assert_int_equal(graph(f, "GET", "/shares/u!%s/driveItem", token), 200);
        assert_string_equal(answer(f, "name"), "Budget 2026.xlsx");
        assert_int_equal(graph_body(f, tenant_user(world_tenant(f->w, "fabrikam"), "fay"), "GET",
                                    "/shares/u!x", NULL),
                         404);
        free(token);
        free(urls[i]);
    }
}

static void route__leaves_other_paths_alone(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(graph(f, "GET", "/me"), 0);
    assert_int_equal(graph(f, "GET", "/sites/root"), 0);
    assert_int_equal(graph(f, "GET", "/sites?search=*"), 0);
    assert_int_equal(graph(f, "GET", "/sites/%s/lists", f->d->site->id), 0);
    assert_int_equal(graph(f, "GET", "/groups/x/sites/root"), 0);
}

static void route__survives_any_path(void **state)
{
    struct fixture *f = *state;
    static const char *const rests[] = {
        "/root:/Budget/Budget%202026.xlsx:/content",
        "/items/root:/Many:/children?$top=3&$skiptoken=UDE6YQ&$select=id,name(x),",
        "/root/delta(token='latest')?$top=2",
        "/root/search(q='it''s')",
        "/root:/readme.txt:/versions/1.0/content",
        "/items/x/children('@a1')/content?@a1='y'",
    };
    static const char spice[] = "/:%?'()$&=,!b0{}";
    uint64_t random = 1;
    for (int round = 0; round < 20000; round++) {
        char path[512];
        if (round % 7 == 6) {
            snprintf(path, sizeof(path),
                     "/sites/contoso.sharepoint.com:/sites/finance:/drives/%s/root", f->d->id);
        } else {
            snprintf(path, sizeof(path), "%s", drive_path(f, rests[round % 7]));
        }
        size_t n = strlen(path);
        for (int change = 0; change < 1 + round % 4; change++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            size_t at_byte = 1 + (size_t)(random >> 33) % (n - 1);
            path[at_byte] = spice[(random >> 20) % (sizeof(spice) - 1)];
            if ((random >> 50) % 3 == 0) {
                path[at_byte] = (char)(1 + (random >> 40) % 255);
            }
            if ((random >> 55) % 9 == 0) {
                memmove(path + at_byte, path + at_byte + 1, n - at_byte);
                n--;
            }
        }
        int status = graph_body(f, f->ana, "GET", path, NULL);
        assert_true(status == 0 || (status >= 200 && status < 500));
    }
}

static void route__finds_names_with_u_fffd_by_id_only(void **state)
{
    struct fixture *f = *state;
    char id[40];
    struct item *it =
        store_add(f->d->root, "odd \xef\xbf\xbd.txt", ITEM_FILE, content_new_text("x", 1), f->ana);
    item_id(id, it);
    assert_int_equal(get(f, "/root:/odd%20%EF%BF%BD.txt"), 400);
    char *path = xasprintf("/items/%s", id);
    assert_int_equal(get(f, path), 200);
    free(path);
}

/* ---- items and listings ---- */

static void items_get__has_the_recorded_default_fields(void **state)
{
    static const char *const fields[] = {"id",
                                         "name",
                                         "eTag",
                                         "cTag",
                                         "size",
                                         "webUrl",
                                         "createdDateTime",
                                         "lastModifiedDateTime",
                                         "createdBy",
                                         "lastModifiedBy",
                                         "parentReference",
                                         "fileSystemInfo",
                                         "file",
                                         "@microsoft.graph.downloadUrl"};
    static const char *const absent[] = {"sharepointIds", "webDavUrl", "publication", "folder"};
    struct fixture *f = *state;
    assert_int_equal(get(f, "/root:/Budget/Budget%202026.xlsx"), 200);
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        assert_non_null(answer_json(f, fields[i]));
    }
    for (size_t i = 0; i < COUNT_OF(absent); i++) {
        assert_null(answer_json(f, absent[i]));
    }
    assert_non_null(strstr(answer(f, "webUrl"), "/_layouts/15/Doc.aspx?sourcedoc="));
    assert_int_equal(f->rs.ru, 1);
}

static void items_get__select_trims_and_adds(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, "/root:/readme.txt?select=id,webDavUrl,sharepointIds,publication"),
                     200);
    assert_non_null(answer_json(f, "@odata.etag"));
    assert_non_null(answer_json(f, "webDavUrl"));
    assert_non_null(answer_json(f, "sharepointIds"));
    assert_non_null(answer_json(f, "publication"));
    assert_null(answer_json(f, "name"));
    assert_null(answer_json(f, "file"));
}

static void items_get__shows_notebooks_and_shortcuts_as_what_they_are(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, "/root:/Notebook"), 200);
    assert_non_null(answer_json(f, "package"));
    assert_null(answer_json(f, "folder"));
    assert_int_equal(graph(f, "GET", "/me/drive/root:/Budget%%20shortcut"), 200);
    const cJSON *remote = answer_json(f, "remoteItem");
    assert_string_equal(text_of(remote, "name"), "Budget");
    assert_string_equal(text_of(cJSON_GetObjectItem(remote, "parentReference"), "driveId"),
                        f->d->id);
}

static int count_pages(struct fixture *f, const char *rest, int *n_items)
{
    char *path = xstrdup(drive_path(f, rest));
    int pages = 0;
    *n_items = 0;
    while (path != NULL) {
        assert_int_equal(graph(f, "GET", "%s", path), 200);
        free(path);
        path = NULL;
        pages++;
        *n_items += answer_count(f);
        const char *next = answer(f, "@odata.nextLink");
        if (next[0] != '\0') {
            assert_true(str_starts(next, "https://graph.test/v1.0/"));
            path = xstrdup(next + strlen("https://graph.test/v1.0"));
        }
    }
    return pages;
}

static void children_get__pages_by_next_link(void **state)
{
    struct fixture *f = *state;
    int n;
    assert_int_equal(count_pages(f, "/root:/Many:/children", &n), 3); /* 200 by default */
    assert_int_equal(n, 450);
    assert_int_equal(count_pages(f, "/root:/Many:/children?$top=1000&$select=id,name", &n), 1);
    assert_int_equal(n, 450);
    f->t->switches.children_short_pages = true;
    assert_true(count_pages(f, "/root:/Many:/children?$top=100", &n) > 5);
    assert_int_equal(n, 450);
    assert_int_equal(f->rs.ru, 2);
}

static void children_get__survives_changes_between_pages(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, "/root:/Many:/children?$top=10"), 200);
    char *next = xstrdup(answer(f, "@odata.nextLink") + strlen("https://graph.test/v1.0"));
    edit(f, "delete", "{\"path\":\"Many/Document 010.txt\"}"); /* the last of the page */
    edit(f, "write", "{\"path\":\"Many/Document 010b.txt\",\"text\":\"new\"}");
    assert_int_equal(graph(f, "GET", "%s", next), 200);
    assert_string_equal(text_of(answer_value(f, 0), "name"), "Document 010b.txt");
    assert_string_equal(text_of(answer_value(f, 1), "name"), "Document 011.docx");
    free(next);
}

static void children_get__refuses_what_sharepoint_cannot(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, "/root/children?$orderby=size"), 400);
    assert_int_equal(get(f, "/root/children?$skip=5"), 400);
    assert_int_equal(get(f, "/root/children?$orderby=name"), 200);
    assert_int_equal(get(f, "/root:/readme.txt:/children"), 400);
}

static void search_get__omits_people_and_parents(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, "/root/search(q='budget')"), 200);
    assert_int_equal(answer_count(f), 2);
    assert_null(cJSON_GetObjectItem(answer_value(f, 0), "parentReference"));
    assert_null(cJSON_GetObjectItem(answer_value(f, 0), "createdBy"));
    assert_int_equal(get(f, "/root/search(q='it''s')"), 200);
    assert_int_equal(answer_count(f), 0);
}

/* ---- changes ---- */

static void items_patch__renames_and_moves_within_the_drive(void **state)
{
    struct fixture *f = *state;
    char id[40];
    char body[256];
    item_id(id, at(f, "Budget"));
    snprintf(body, sizeof(body), "{\"name\":\"Read Me.txt\",\"parentReference\":{\"id\":\"%s\"}}",
             id);
    assert_int_equal(as_ana(f, "PATCH", "/root:/readme.txt", body), 200);
    assert_null(at(f, "readme.txt"));
    assert_non_null(at(f, "Budget/Read Me.txt"));
    assert_int_equal(
        as_ana(f, "PATCH", "/root:/Budget/Read%20Me.txt", "{\"name\":\"READ ME.txt\"}"), 200);
    assert_string_equal(at(f, "Budget/read me.txt")->name, "READ ME.txt"); /* case alone */
    assert_int_equal(as_ana(f, "PATCH", "/root:/Budget/read%20me.txt",
                            "{\"parentReference\":{\"id\":\"root\"}}"),
                     404);
    assert_int_equal(
        as_ana(f, "PATCH", "/root:/Budget/read%20me.txt", "{\"name\":\"Budget 2026.xlsx\"}"), 409);
    assert_string_equal(answer_code(f), "nameAlreadyExists");
    snprintf(body, sizeof(body), "{\"parentReference\":{\"driveId\":\"%s\",\"id\":\"x\"}}",
             f->ana->drive->id);
    assert_int_equal(as_ana(f, "PATCH", "/root:/Budget/read%20me.txt", body), 400);
}

static void items_patch__obeys_if_match(void **state)
{
    struct fixture *f = *state;
    char etag[64];
    item_etag(etag, at(f, "readme.txt"));
    with_header(f, "If-Match", "\"{7C2999FD-AFE5-4325-BCD6-54AF4DFAD714},4\"");
    assert_int_equal(as_ana(f, "PATCH", "/root:/readme.txt", "{\"name\":\"x.txt\"}"), 412);
    with_header(f, "If-Match", "{unquoted},4");
    assert_int_equal(as_ana(f, "PATCH", "/root:/readme.txt", "{\"name\":\"x.txt\"}"), 400);
    assert_string_equal(answer_code(f), "malformedEntityTag");
    with_header(f, "If-Match", etag);
    assert_int_equal(as_ana(f, "PATCH", "/root:/readme.txt", "{\"name\":\"x.txt\"}"), 200);
}

static void items__refuse_bad_names_and_long_paths(void **state)
{
    struct fixture *f = *state;
    struct strbuf body = {0};
    assert_int_equal(as_ana(f, "POST", "/root/children", "{\"name\":\"a:b\",\"folder\":{}}"), 400);
    assert_string_equal(answer_code(f), "invalidPath");
    assert_int_equal(as_ana(f, "PATCH", "/root:/readme.txt", "{\"name\":\"CON.txt\"}"), 400);
    char name[210];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    sb_printf(&body, "{\"name\":\"%s\",\"folder\":{}}", name);
    assert_int_equal(as_ana(f, "POST", "/root/children", body.data), 201);
    char *below = xasprintf("/root:/%s:/children", name);
    assert_int_equal(as_ana(f, "POST", below, body.data), 400);
    assert_string_equal(answer_code(f), "pathIsTooLong");
    free(below);
    sb_clear(&body);
}

static void children_create__obeys_conflict_behaviour(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(as_ana(f, "POST", "/root/children", "{\"name\":\"New\",\"folder\":{}}"), 201);
    assert_int_equal(as_ana(f, "POST", "/root/children", "{\"name\":\"new\",\"folder\":{}}"), 409);
    assert_int_equal(
        as_ana(f, "POST", "/root/children",
               "{\"name\":\"New\",\"folder\":{},\"@microsoft.graph.conflictBehavior\":\"rename\"}"),
        201);
    assert_string_equal(answer(f, "name"), "New 1");
    assert_int_equal(f->rs.ru, 2);
}

static void items_delete__goes_to_the_bin_and_back(void **state)
{
    struct fixture *f = *state;
    char id[40];
    item_id(id, at(f, "Budget"));
    assert_int_equal(as_ana(f, "DELETE", "/root:/Budget", NULL), 204);
    assert_int_equal(get(f, "/root:/Budget"), 404);
    char *restore = xasprintf("/items/%s/restore", id);
    assert_int_equal(as_ana(f, "POST", restore, "{}"), 200);
    assert_non_null(at(f, "Budget/Budget 2026.xlsx"));
    char *purge = xasprintf("/items/%s/permanentDelete", id);
    assert_int_equal(as_ana(f, "POST", purge, NULL), 204);
    assert_int_equal(as_ana(f, "POST", restore, "{}"), 409);
    free(restore);
    free(purge);
}

static void items_delete__of_a_folder_on_hold_is_refused_until_empty(void **state)
{
    struct fixture *f = *state;
    edit(f, "hold", "{\"path\":\"Budget\"}");
    assert_int_equal(as_ana(f, "DELETE", "/root:/Budget", NULL), 403);
    assert_string_equal(answer_code(f), "accessDenied");
    edit(f, "delete", "{\"path\":\"Budget/Budget 2026.xlsx\"}");
    edit(f, "delete", "{\"path\":\"Budget/100% #1.txt\"}");
    assert_int_equal(as_ana(f, "DELETE", "/root:/Budget/%C3%BCberblick.txt", NULL), 204);
    assert_int_equal(as_ana(f, "DELETE", "/root:/Budget", NULL), 204);
}

static void access__none_is_404_and_read_is_403_on_writes(void **state)
{
    struct fixture *f = *state;
    struct drive *reports = tenant_drive_by_path(f->t, "/sites/finance/Reports");
    char path[256];
    snprintf(path, sizeof(path), "/drives/%s/root:/2025.txt", reports->id);
    assert_int_equal(graph_body(f, f->cara, "GET", path, NULL), 404);
    assert_int_equal(graph_body(f, f->ben, "GET", path, NULL), 200);
    assert_int_equal(graph_body(f, f->ben, "DELETE", path, NULL), 403);
    assert_int_equal(graph_body(f, f->ana, "DELETE", path, NULL), 204);
    snprintf(path, sizeof(path), "/sites/%s/drives", f->d->site->id);
    assert_int_equal(graph_body(f, f->cara, "GET", path, NULL), 200);
    assert_int_equal(answer_count(f), 3); /* neither Reports nor the system library */
    snprintf(path, sizeof(path), "/sites/%s/drives?$select=id,name,system", f->d->site->id);
    assert_int_equal(graph_body(f, f->ana, "GET", path, NULL), 200);
    assert_int_equal(answer_count(f), 5);
}

static void locks__come_in_three_shapes(void **state)
{
    struct fixture *f = *state;
    static const char *const codes[] = {"resourceLocked", "resourceLocked", "accessDenied"};
    for (int shape = 1; shape <= 3; shape++) {
        char json[80];
        snprintf(json, sizeof(json), "{\"path\":\"readme.txt\",\"shape\":%d}", shape);
        edit(f, "lock", json);
        assert_int_equal(as_ana(f, "PATCH", "/root:/readme.txt", "{\"name\":\"y.txt\"}"), 423);
        assert_string_equal(answer_code(f), codes[shape - 1]);
        assert_int_equal(as_ana(f, "DELETE", "/root:/readme.txt", NULL), 423);
        assert_int_equal(as_ana(f, "PUT", "/root:/readme.txt:/content", "abc"), 423);
        assert_int_equal(as_ana(f, "POST", "/root:/readme.txt:/createUploadSession", "{}"), 423);
    }
    with_header(f, "Prefer", "bypass-shared-lock");
    assert_int_equal(as_ana(f, "DELETE", "/root:/readme.txt", NULL), 423); /* it is exclusive */
    with_header(f, "Prefer", "bypass-shared-lock");
    assert_int_equal(as_ana(f, "DELETE", "/root:/Locked.docx", NULL), 204); /* this one is shared */
    edit(f, "unlock", "{\"path\":\"readme.txt\"}");
    assert_int_equal(as_ana(f, "PUT", "/root:/readme.txt:/content", "abc"), 200);
}

static void checkout__keeps_others_out(void **state)
{
    struct fixture *f = *state;
    char *path = xstrdup(drive_path(f, "/root:/readme.txt:/checkout"));
    char *discard = xstrdup(drive_path(f, "/root:/readme.txt:/discardCheckout"));
    assert_int_equal(graph_body(f, f->ben, "POST", discard, NULL), 400);
    assert_int_equal(graph_body(f, f->ben, "POST", path, NULL), 204);
    assert_int_equal(graph_body(f, f->ana, "POST", path, NULL), 423);
    assert_int_equal(graph_body(f, f->ana, "POST", discard, NULL), 423);
    assert_int_equal(as_ana(f, "PUT", "/root:/readme.txt:/content", "abc"), 423);
    char *put = xstrdup(drive_path(f, "/root:/readme.txt:/content"));
    assert_int_equal(graph_body(f, f->ben, "PUT", put, "by ben"), 200);
    assert_int_equal(graph_body(f, f->ben, "POST", discard, NULL), 204);
    assert_int_equal(at(f, "readme.txt")->content->size, strlen("hello world\n"));
    free(put);
    free(path);
    free(discard);
}

static void checkout__required_keeps_new_files_private_until_checked_in(void **state)
{
    struct fixture *f = *state;
    f->d = tenant_drive_by_path(f->t, "/sites/finance/Controlled");
    assert_int_equal(as_ana(f, "PUT", "/root:/policy.txt:/content", "x"), 423);
    assert_int_equal(as_ana(f, "PUT", "/root:/new.txt:/content", "x"), 201);
    char *path = xstrdup(drive_path(f, "/root:/new.txt"));
    assert_int_equal(graph_body(f, f->ben, "GET", path, NULL), 404);
    assert_int_equal(graph_body(f, f->ana, "GET", path, NULL), 200);
    assert_int_equal(as_ana(f, "POST", "/root:/new.txt:/checkin", "{\"comment\":\"done\"}"), 204);
    assert_int_equal(graph_body(f, f->ben, "GET", path, NULL), 200);
    free(path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        TEST(route__all_address_forms_lead_to_one_item),
        TEST(route__decodes_each_segment),
        TEST(route__of_onedrive_is_the_users_own),
        TEST(route__shares_lead_from_any_url),
        TEST(route__leaves_other_paths_alone),
        TEST(route__survives_any_path),
        TEST(route__finds_names_with_u_fffd_by_id_only),
        TEST(items_get__has_the_recorded_default_fields),
        TEST(items_get__select_trims_and_adds),
        TEST(items_get__shows_notebooks_and_shortcuts_as_what_they_are),
        TEST(children_get__pages_by_next_link),
        TEST(children_get__survives_changes_between_pages),
        TEST(children_get__refuses_what_sharepoint_cannot),
        TEST(search_get__omits_people_and_parents),
        TEST(items_patch__renames_and_moves_within_the_drive),
        TEST(items_patch__obeys_if_match),
        TEST(items__refuse_bad_names_and_long_paths),
        TEST(children_create__obeys_conflict_behaviour),
        TEST(items_delete__goes_to_the_bin_and_back),
        TEST(items_delete__of_a_folder_on_hold_is_refused_until_empty),
        TEST(access__none_is_404_and_read_is_403_on_writes),
        TEST(locks__come_in_three_shapes),
        TEST(checkout__keeps_others_out),
        TEST(checkout__required_keeps_new_files_private_until_checked_in),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
