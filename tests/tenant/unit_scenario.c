/* Scenarios: those that come with the program load, wrong ones say what is wrong. */
#include "unit_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *load(const char *path, struct world **out)
{
    char dir[] = "/tmp/tenant-unit-XXXXXX";
    char *error = NULL;
    assert_non_null(mkdtemp(dir));
    *out = world_new(path, dir, &error);
    char *blobs = xasprintf("%s/blobs", dir);
    rmdir(blobs);
    free(blobs);
    rmdir(dir);
    return error;
}

/* The message for a scenario with this in its only tenant; NULL when it is fine. */
static char *load_text_of_tenant(const char *members)
{
    char path[] = "/tmp/tenant-unit-XXXXXX";
    struct world *w;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_true(dprintf(fd, "{\"tenants\":[{\"name\":\"contoso\",%s}]}", members) > 0);
    close(fd);
    char *error = load(path, &w);
    world_free(w);
    unlink(path);
    return error;
}

static void scenario__those_of_the_program_load(void **state)
{
    static const struct {
        const char *file;
        size_t drives;
    } scenarios[] = {{"tiny.json", 9}, {"demo.json", 10}, {"big.json", 302}, {"million.json", 7}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(scenarios); i++) {
        struct world *w;
        char *path = xasprintf("%s/%s", TENANT_SCENARIOS, scenarios[i].file);
        char *error = load(path, &w);
        if (error != NULL) {
            fail_msg("%s: %s", scenarios[i].file, error);
        }
        assert_int_equal(w->tenants[0].n_drives, scenarios[i].drives);
        world_free(w);
        free(path);
    }
}

static void scenario__a_million_items_take_no_memory(void **state)
{
    struct world *w;
    (void)state;
    assert_null(load(TENANT_SCENARIOS "/million.json", &w));
    struct drive *d = tenant_drive_by_path(&w->tenants[0], "/sites/archive/Shared Documents");
    assert_int_equal(store_generated_count(d->generators[0]), 1000000);
    assert_int_equal(d->n_touched, 0);
    assert_int_equal(d->n_explicit, 1);
    world_free(w);
}

static void scenario__ids_are_the_same_in_every_run(void **state)
{
    struct world *a;
    struct world *b;
    (void)state;
    assert_null(load(TENANT_SCENARIOS "/tiny.json", &a));
    assert_null(load(TENANT_SCENARIOS "/tiny.json", &b));
    assert_string_equal(a->tenants[0].id, b->tenants[0].id);
    assert_string_equal(a->tenants[0].drives[0]->id, b->tenants[0].drives[0]->id);
    assert_string_not_equal(a->tenants[0].drives[0]->id, a->tenants[1].drives[0]->id);
    world_free(a);
    world_free(b);
}

static void scenario__personal_sites_and_subsites_have_their_places(void **state)
{
    struct world *w;
    (void)state;
    assert_null(load(TENANT_SCENARIOS "/tiny.json", &w));
    struct tenant *t = &w->tenants[0];
    struct drive *mine = tenant_user(t, "ana")->drive;
    assert_string_equal(
        mine->web_url,
        "https://contoso-my.sharepoint.com/personal/ana_contoso_onmicrosoft_com/Documents");
    struct site *hr = tenant_site_by_path(t, "/sites/finance/hr");
    assert_non_null(hr);
    assert_string_equal(hr->site_guid, hr->parent->site_guid);
    assert_string_not_equal(hr->web_guid, hr->parent->web_guid);
    assert_non_null(tenant_root_site(t));
    world_free(w);
}

static void scenario__mistakes_are_named(void **state)
{
    static const char *const wrong[][2] = {
        {"\"switches\":{\"delta_emtpy\":true}", "delta_emtpy"},
        {"\"switches\":{\"max_page\":true}", "max_page"},
        {"\"sites\":[{\"title\":\"x\"}]", "without path"},
        {"\"sites\":[{\"path\":\"/sites/a\"},{\"path\":\"/sites/A\"}]", "twice"},
        {"\"users\":[{}]", "without name"},
        {"\"sites\":[{\"path\":\"/sites/a\",\"libraries\":[{\"access\":{\"zoe\":\"read\"}}]}]",
         "zoe"},
        {"\"sites\":[{\"path\":\"/sites/a\",\"libraries\":[{\"access\":{\"*\":\"all\"}}]}]",
         "none, read or write"},
        {"\"sites\":[{\"path\":\"/sites/"
         "a\",\"libraries\":[{\"tree\":{\"items\":[{\"name\":\"a\"},{\"name\":\"A\"}]}}]"
         "}]",
         "taken"},
        {"\"sites\":[{\"path\":\"/sites/"
         "a\",\"libraries\":[{\"tree\":{\"items\":[{\"name\":\"a\",\"shortcut\":"
         "{\"library\":\"/x/y\"}}]}}]}]",
         "nowhere"},
        {"\"sites\":[{\"path\":\"/sites/"
         "a\",\"libraries\":[{\"tree\":{\"items\":[{\"name\":\"a\",\"text\":\"\","
         "\"mtime\":\"noon\"}]}}]}]",
         "noon"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        char *error = load_text_of_tenant(wrong[i][0]);
        if (error == NULL || strstr(error, wrong[i][1]) == NULL) {
            fail_msg("%s: %s", wrong[i][0], error == NULL ? "no error" : error);
        }
        free(error);
    }
    assert_null(load_text_of_tenant("\"sites\":[]"));
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenario__those_of_the_program_load),
        cmocka_unit_test(scenario__a_million_items_take_no_memory),
        cmocka_unit_test(scenario__ids_are_the_same_in_every_run),
        cmocka_unit_test(scenario__personal_sites_and_subsites_have_their_places),
        cmocka_unit_test(scenario__mistakes_are_named),
    };
    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
