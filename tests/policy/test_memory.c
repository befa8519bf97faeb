/*
 * Loading, showing, writing and converting a policy with each allocation failing once: an error and no
 * leak (the address sanitizer watches), never a crash and never a policy that lost something.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "commands/policy.h"
#include "failing_alloc.h"
#include "fixture.h"
#include "policy/export.h"
#include "policy/import.h"

/* What is tried; the text it makes, for comparison, goes into `out`. */
typedef int (*attempt_fn)(struct fixture *f, struct buf *out);

static void write_sources(struct fixture *f)
{
    fixture_write(f, "machine.yaml",
                  "Tenants: [a.example, 'b c']\nExcludeSites: ['-', x]\nNope: 1\n"
                  "CacheMinutes: lots\nMountRoot: ~/D\nOneDriveDrive: p\nSignIn: Browser\n"
                  "AllowedTenants: [{a: b}]\nProxyUrl: http://a:b@c\n"
                  "CustomGraphUrl: https://x/\nManagedMappings: ['https://x|n|P|a.example|all']\n");
    fixture_write(f, "policy.d/1.yaml", "CacheMinutes: 6\nDriveLetterRules: ['a=P']\nx: [\n");
    fixture_write(f, "user.yaml", "CacheMinutes: 7\nTenants: [z.example]\n");
}

/* 0, or the code of loading or rendering; `out` has the text on success. */
static int load_and_show(struct fixture *f, struct buf *out)
{
    struct policy *policy = NULL;
    struct error err = {0};
    int code = policy_load(&policy, &f->sources, &err);

    if (code == 0) {
        code = policy_render_text(out, policy, true, &err);
    } else {
        assert_null(policy);
    }
    failing_alloc_at = 0;
    assert_true(code == 0 || err.code == code);
    policy_free(policy);
    return code;
}

/* A .reg file through the image, a set, and all three forms. */
static int check_and_export(struct fixture *f, struct buf *out)
{
    struct policy *policy = NULL;
    struct policy_set set = {0};
    struct error err = {0};
    int code = policy_check_file(&policy, fixture_path(f, "x.reg"), &f->sources, &err);

    if (code == 0) {
        code = policy_set_from_policy(&set, policy, false, &err);
    }
    for (int format = POLICY_FORMAT_YAML; code == 0 && format <= POLICY_FORMAT_REGPOL; format++) {
        struct buf file;

        buf_init(&file, 1 << 20);
        code = policy_export(&file, (enum policy_format)format, &set, NULL, &err);
        for (size_t i = 0; code == 0 && i < file.size; i++) {
            code = buf_add_format(out, &err, "%02x", (unsigned char)file.data[i]);
        }
        buf_clear(&file);
    }
    failing_alloc_at = 0;
    assert_true(code == 0 || err.code == code);
    policy_set_clear(&set);
    policy_free(policy);
    return code;
}

static int import_konnekt(struct fixture *f, struct buf *out)
{
    struct policy_import import = {0};
    struct error err = {0};
    int code = policy_import_konnekt(&import, fixture_path(f, "konnekt.reg"), &err);

    for (size_t i = 0; code == 0 && i < import.note_count; i++) {
        code = buf_add_format(out, &err, "%s\n", import.notes[i].message);
    }
    if (code == 0) {
        code = policy_export(out, POLICY_FORMAT_YAML, &import.set, NULL, &err);
    }
    failing_alloc_at = 0;
    assert_true(code == 0 || err.code == code);
    policy_import_clear(&import);
    return code;
}

/* What was broken is kept from a policy that was loaded before the allocations fail. */
static int reload(struct fixture *f, struct buf *out)
{
    long at = failing_alloc_at;
    struct policy *old = NULL;
    struct policy *policy = NULL;
    struct error err = {0};
    int code;

    failing_alloc_at = 0;
    write_sources(f);
    assert_int_equal(policy_load(&old, &f->sources, NULL), 0);
    fixture_write(f, "machine.yaml", "Tenants: [");
    failing_alloc_at = at;
    code = policy_reload(&policy, old, &f->sources, &err);
    if (code == 0) {
        code = policy_render_text(out, policy, true, &err);
    }
    failing_alloc_at = 0;
    assert_true(code == 0 || err.code == code);
    policy_free(old);
    policy_free(policy);
    return code;
}

static void try_each(struct fixture *f, attempt_fn attempt, long at_least)
{
    struct buf expected;
    struct buf actual;
    long failed = 0;
    int code = ERR_NO_MEMORY;

    buf_init(&expected, 1 << 20);
    buf_init(&actual, 1 << 20);
    assert_int_equal(attempt(f, &expected), 0);
    for (long n = 1; n < 100000; n++) {
        bool is_over;

        buf_reset(&actual);
        failing_alloc_at = n;
        code = attempt(f, &actual);
        is_over = code == 0 && strcmp(buf_text(&actual), buf_text(&expected)) == 0;
        if (is_over) {
            break;
        }
        if (code != ERR_NO_MEMORY) {
            fail_msg("allocation %ld: code %d\n%s", n, code, buf_text(&actual));
        }
        failed++;
    }
    assert_int_equal(code, 0);
    assert_true(failed > at_least);
    buf_clear(&expected);
    buf_clear(&actual);
}

static void policy_load__survives_each_failing_allocation(void **state)
{
    write_sources(*state);
    try_each(*state, load_and_show, 500);
}

static void policy_reload__survives_each_failing_allocation(void **state)
{
    try_each(*state, reload, 500);
}

#define HEAD "Windows Registry Editor Version 5.00\n"

static void policy_export__survives_each_failing_allocation(void **state)
{
    fixture_write(*state, "x.reg",
                  HEAD
                  "[HKLM\\Software\\Policies\\Mooring]\n\"CacheMinutes\"=\"7\"\n"
                  "\"LogLevel\"=dword:2\n\"ReadOnly\"=dword:5\n\"Nope\"=dword:1\n"
                  "\"CacheDirectory\"=hex(2):25,00,48,00,4f,00,4d,00,45,00,25,00,00,00\n"
                  "\"NameFormat\"=hex(7):61,00,00,00,00,00\n\"Tenants\"=-\n"
                  "\"SiteQuery\"=\"a\xe2\x80\xa8\"\n"
                  "[-HKLM\\Software\\Policies\\Mooring\\Tenants]\n"
                  "[HKLM\\Software\\Policies\\Mooring\\ExcludeSites]\n\"b\"=\"\"\n\"1\"=\"a\"\n"
                  "[HKCU\\Software\\Mooring]\n\"ExcludeSites\"=hex(7):61,00,00,00,00,00\n");
    try_each(*state, check_and_export, 150);
}

static void policy_import_konnekt__survives_each_failing_allocation(void **state)
{
    fixture_write(*state, "konnekt.reg",
                  HEAD "[HKLM\\Software\\Policies\\GlueckKanja\\Konnekt]\n\"CacheTTL\"=dword:7\n"
                       "\"Language\"=\"de-DE\"\n\"SharepointSiteQuery\"=\"TEAMCHANNEL\"\n"
                       "\"License\"=\"x\"\n\"Other\"=hex:01\n"
                       "[HKLM\\Software\\Policies\\GlueckKanja\\Konnekt\\SharepointSites]\n"
                       "\"1\"=\"contoso.sharepoint.com/sites/b|B|Q:|TRUE\"\n");
    try_each(*state, import_konnekt, 50);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

static const struct CMUnitTest tests[] = {
    ROW(policy_load__survives_each_failing_allocation),
    ROW(policy_reload__survives_each_failing_allocation),
    ROW(policy_export__survives_each_failing_allocation),
    ROW(policy_import_konnekt__survives_each_failing_allocation),
};

TEST_MAIN("memory", tests)
