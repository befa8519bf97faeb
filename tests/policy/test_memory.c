/*
 * Loading and showing a policy with each allocation failing once: an error and no leak (the address
 * sanitizer watches), never a crash and never a policy that lost something.
 */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "commands/policy.h"
#include "failing_alloc.h"
#include "fixture.h"

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

static void policy_load__survives_each_failing_allocation(void **state)
{
    struct fixture *f = *state;
    struct buf expected;
    struct buf actual;
    long failed = 0;
    int code = ERR_NO_MEMORY;

    write_sources(f);
    buf_init(&expected, 1 << 20);
    buf_init(&actual, 1 << 20);
    assert_int_equal(load_and_show(f, &expected), 0);
    for (long n = 1; n < 100000; n++) {
        bool is_over;

        buf_reset(&actual);
        failing_alloc_at = n;
        code = load_and_show(f, &actual);
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
    assert_true(failed > 500);
    buf_clear(&expected);
    buf_clear(&actual);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(policy_load__survives_each_failing_allocation, fixture_setup,
                                    fixture_teardown),
};

TEST_MAIN("memory", tests)
