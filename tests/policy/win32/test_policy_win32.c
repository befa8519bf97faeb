/*
 * test_policy_win32.c - the registry of this user as a source of policy, and its watch. Only
 * HKEY_CURRENT_USER is written to; under Wine it is that of the build's own prefix.
 */
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/thread.h"
#include "base/win32.h"
#include "fixture.h"
#include "policy/watch.h"
#include "registry.h"
#include "system.h"
#include "test.h"

#define POLICY L"Software\\Policies\\Mooring"
#define PREFERENCE L"Software\\Mooring"

static int clean(void **state)
{
    (void)state;
    RegDeleteTreeW(HKEY_CURRENT_USER, POLICY);
    RegDeleteTreeW(HKEY_CURRENT_USER, PREFERENCE);
    return 0;
}

static void put(const wchar_t *key, const wchar_t *name, DWORD type, const void *data, DWORD size)
{
    HKEY handle;

    assert_int_equal(RegCreateKeyExW(HKEY_CURRENT_USER, key, 0, NULL, 0,
                                     KEY_SET_VALUE | KEY_WOW64_64KEY, NULL, &handle, NULL),
                     ERROR_SUCCESS);
    assert_int_equal(RegSetValueExW(handle, name, 0, type, data, size), ERROR_SUCCESS);
    RegCloseKey(handle);
}

static void put_number(const wchar_t *key, const wchar_t *name, DWORD number)
{
    put(key, name, REG_DWORD, &number, sizeof(number));
}

static void put_text(const wchar_t *key, const wchar_t *name, DWORD type, const wchar_t *text)
{
    put(key, name, type, text, (DWORD)((wcslen(text) + 1) * sizeof(*text)));
}

static struct policy *load(void)
{
    struct policy_sources sources = {0};
    struct policy *policy = NULL;
    struct error err = {0};

    assert_int_equal(policy_default_sources(&sources, &err), 0);
    if (policy_load(&policy, &sources, &err) < 0) {
        fail_msg("%s", err.message);
    }
    policy_sources_clear(&sources);
    return policy;
}

static void registry_read__has_values_and_subkeys(void **state)
{
    struct registry_image image;
    const struct registry_value *value;
    char *text = NULL;
    uint64_t number = 0;

    (void)state;
    put_number(POLICY, L"CacheMinutes", 17);
    put_text(POLICY L"\\Tenants", L"1", REG_SZ, L"contoso.example|\u00FC\U0001F4C1");
    put(POLICY, L"Empty", REG_BINARY, NULL, 0);
    registry_image_init(&image, NULL);
    assert_int_equal(registry_read(&image, false, REGISTRY_POLICY_KEY, NULL, NULL), 0);
    value = registry_image_find(&image, REGISTRY_USER, REGISTRY_POLICY_KEY, "cacheminutes");
    assert_non_null(value);
    assert_true(registry_value_number(value, &number));
    assert_int_equal(number, 17);
    value = registry_image_find(&image, REGISTRY_USER, REGISTRY_POLICY_KEY "\\Tenants", "1");
    assert_non_null(value);
    assert_int_equal(registry_value_text(&text, value, NULL), 0);
    assert_string_equal(text, "contoso.example|\xC3\xBC\xF0\x9F\x93\x81");
    assert_non_null(registry_image_find(&image, REGISTRY_USER, REGISTRY_POLICY_KEY, "Empty"));
    assert_int_equal(image.count, 3);
    free(text);
    registry_image_clear(&image);
}

static void registry_read__of_no_key_adds_nothing(void **state)
{
    struct registry_image image;

    (void)state;
    registry_image_init(&image, NULL);
    assert_int_equal(registry_read(&image, false, REGISTRY_POLICY_KEY, NULL, NULL), 0);
    assert_int_equal(registry_read(&image, true, "Software\\Policies\\MooringNot", NULL, NULL), 0);
    assert_int_equal(image.count, 0);
    registry_image_clear(&image);
}

static void registry_read__refuses_what_is_too_large(void **state)
{
    struct registry_image image;
    struct error err = {0};
    char *data = calloc(1, REGISTRY_DATA_LIMIT + 1);

    (void)state;
    assert_non_null(data);
    put(POLICY, L"Large", REG_BINARY, data, REGISTRY_DATA_LIMIT + 1);
    registry_image_init(&image, NULL);
    assert_int_equal(registry_read(&image, false, REGISTRY_POLICY_KEY, NULL, &err), ERR_LIMIT);
    assert_non_null(strstr(err.message, REGISTRY_POLICY_KEY));
    registry_image_clear(&image);
    free(data);
}

static void policy_load__takes_the_users_keys(void **state)
{
    const struct policy_result *result;
    struct policy *policy;
    char *local = NULL;

    (void)state;
    put_number(PREFERENCE, L"CacheMinutes", 4);
    put_number(POLICY, L"CacheMinutes", 5);
    put_text(POLICY, L"LogDirectory", REG_EXPAND_SZ, L"%LOCALAPPDATA%\\Elsewhere");
    policy = load();
    assert_int_equal(policy_error_count(policy), 0);
    result = policy_result_find(policy, "CacheMinutes");
    assert_int_equal(result->winner->layer, POLICY_LAYER_USER_POLICY);
    assert_string_equal(result->winner->text, "5");
    assert_string_equal(result->winner->file, "HKCU\\Software\\Policies\\Mooring");
    assert_int_equal(win32_environment(&local, "LOCALAPPDATA", NULL), 0);
    assert_true(str_starts_with(policy_settings(policy)->log_directory, local));
    assert_true(str_ends_with(policy_settings(policy)->log_directory, "\\Elsewhere"));
    assert_non_null(strstr(policy_settings(policy)->cache_directory, "\\Mooring\\cache"));
    free(local);
    policy_free(policy);
}

static void system_variable__knows_no_case(void **state)
{
    (void)state;
    assert_non_null(system_variable("SystemRoot", NULL));
    assert_string_equal(system_variable("systemroot", NULL), system_variable("SYSTEMROOT", NULL));
    assert_null(system_variable("MOORING_NOBODY", NULL));
    assert_null(system_variable("", NULL));
}

struct watched {
    struct mutex mutex; /* guards told */
    struct cond cond;
    int told;
};

static void on_changed(void *payload)
{
    struct watched *w = payload;

    mutex_lock(&w->mutex);
    w->told++;
    cond_broadcast(&w->cond);
    mutex_unlock(&w->mutex);
}

/* Until it was told more often than `before`; how often now. */
static int await(struct watched *w, int before)
{
    int told;

    mutex_lock(&w->mutex);
    while (w->told <= before) {
        if (!cond_wait_ms(&w->cond, &w->mutex, 20000)) {
            mutex_unlock(&w->mutex);
            fail_msg("not told of a change after %d", before);
        }
    }
    told = w->told;
    mutex_unlock(&w->mutex);
    return told;
}

static void policy_watch__tells_of_keys_that_come_change_and_go(void **state)
{
    struct policy_sources sources = {0};
    struct policy_watch *watch = NULL;
    struct watched w = {0};
    int told;

    (void)state;
    mutex_init(&w.mutex);
    cond_init(&w.cond);
    assert_int_equal(policy_default_sources(&sources, NULL), 0);
    assert_int_equal(policy_watch_start(&watch, &sources, on_changed, &w, NULL), 0);
    told = await(&w, 0); /* once, for what was read before */
    for (DWORD i = 0; i < 2; i++) {
        put_number(POLICY, L"CacheMinutes", 10 + i); /* with the keys above it */
        told = await(&w, told);
        put_text(POLICY L"\\Tenants", L"1", REG_SZ, L"contoso.example");
        told = await(&w, told);
        put_number(PREFERENCE, L"LogFiles", 3 + i);
        told = await(&w, told);
        clean(NULL);
        told = await(&w, told);
    }
    policy_watch_stop(watch);
    policy_sources_clear(&sources);
    cond_clear(&w.cond);
    mutex_clear(&w.mutex);
}

static void policy_watch__is_silent_about_other_keys(void **state)
{
    struct policy_sources sources = {0};
    struct policy_watch *watch = NULL;
    struct watched w = {0};
    int told;

    (void)state;
    mutex_init(&w.mutex);
    cond_init(&w.cond);
    assert_int_equal(policy_default_sources(&sources, NULL), 0);
    assert_int_equal(policy_watch_start(&watch, &sources, on_changed, &w, NULL), 0);
    told = await(&w, 0);
    put_number(L"Software\\Policies\\MooringNot", L"A", 1);
    put_number(POLICY, L"CacheMinutes", 1);
    assert_int_equal(await(&w, told), told + 1);
    RegDeleteTreeW(HKEY_CURRENT_USER, L"Software\\Policies\\MooringNot");
    policy_watch_stop(watch);
    policy_sources_clear(&sources);
    cond_clear(&w.cond);
    mutex_clear(&w.mutex);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, clean, clean)

static const struct CMUnitTest tests[] = {
    ROW(registry_read__has_values_and_subkeys),
    ROW(registry_read__of_no_key_adds_nothing),
    ROW(registry_read__refuses_what_is_too_large),
    ROW(policy_load__takes_the_users_keys),
    ROW(system_variable__knows_no_case),
    ROW(policy_watch__tells_of_keys_that_come_change_and_go),
    ROW(policy_watch__is_silent_about_other_keys),
};

TEST_MAIN("policy_win32", tests)
