/* Each allocation fails once: the writers say so, leak nothing and crash nowhere. The address sanitizer watches. */
#include "test.h"

#include "admx/admx.h"
#include "base/str.h"
#include "failing_alloc.h"

static int write_german(struct buf *out, struct error *err)
{
    return admx_write_language(out, ADMX_GERMAN, err);
}

static int write_reference(struct buf *out, struct error *err)
{
    return admx_write_reference(out, ADMX_ENGLISH, err);
}

static int write_payloads(struct buf *out, struct error *err)
{
    struct admx_oma oma = {0};
    int code = admx_oma(&oma, schema_find("Tenants"), "contoso.com\nfabrikam.com", false, err);

    if (code == 0) {
        code = buf_add_format(out, err, "%s%s", oma.uri, oma.value);
    }
    admx_oma_clear(&oma);
    return code;
}

static void assert_survives(int (*write)(struct buf *out, struct error *err))
{
    bool is_done = false;

    for (long n = 1; !is_done; n++) {
        struct error err = {0};
        struct buf out;
        int code;

        buf_init(&out, ADMX_SIZE_LIMIT);
        failing_alloc_at = n;
        code = write(&out, &err);
        is_done = failing_alloc_at > 0;
        failing_alloc_at = 0;
        assert_int_equal(code, is_done ? 0 : ERR_NO_MEMORY);
        assert_int_equal(err.code, code);
        buf_clear(&out);
    }
}

static void admx_write__survives_each_failing_allocation(void **state)
{
    (void)state;
    assert_survives(admx_write_template);
    assert_survives(write_german);
    assert_survives(write_reference);
    assert_survives(write_payloads);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(admx_write__survives_each_failing_allocation),
};

TEST_MAIN("memory", tests)
