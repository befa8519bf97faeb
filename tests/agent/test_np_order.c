/*
 * test_np_order.c - the list of network providers: what others wrote there stays.
 */
#include "base/str.h"
#include "np_order.h"
#include "test.h"

static void assert_add(const char *order, const char *wanted)
{
    char *out = NULL;

    assert_int_equal(np_order_add(&out, order, "MooringNP", NULL), 0);
    assert_string_equal(out, wanted);
    str_free(&out);
}

static void assert_remove(const char *order, const char *wanted)
{
    char *out = NULL;

    assert_int_equal(np_order_remove(&out, order, "MooringNP", NULL), 0);
    assert_string_equal(out, wanted);
    str_free(&out);
}

static void np_order_add__goes_to_the_end(void **state)
{
    (void)state;
    assert_add("", "MooringNP");
    assert_add("RDPNP,LanmanWorkstation,webclient", "RDPNP,LanmanWorkstation,webclient,MooringNP");
}

static void np_order_add__goes_before_winfsp(void **state)
{
    (void)state;
    assert_add("WinFsp.Np,LanmanWorkstation", "MooringNP,WinFsp.Np,LanmanWorkstation");
    assert_add("RDPNP, winfsp.np ,x", "RDPNP,MooringNP, winfsp.np ,x");
}

static void np_order_add__changes_nothing_when_it_is_there(void **state)
{
    (void)state;
    assert_add("a,mooringnp,WinFsp.Np", "a,mooringnp,WinFsp.Np");
    assert_add("WinFsp.Np, MooringNP ", "WinFsp.Np, MooringNP ");
    assert_add("MooringNP2", "MooringNP2,MooringNP");
    assert_add("Mooring", "Mooring,MooringNP");
}

static void np_order_remove__takes_only_ours(void **state)
{
    (void)state;
    assert_remove("", "");
    assert_remove("MooringNP", "");
    assert_remove("a,MooringNP,b", "a,b");
    assert_remove("MOORINGNP, a ,mooringnp,,b", " a ,,b");
    assert_remove("MooringNP2,xMooringNP", "MooringNP2,xMooringNP");
}

static void np_order_remove__gives_back_what_was_before(void **state)
{
    static const char *const orders[] = {"RDPNP,LanmanWorkstation,webclient", "WinFsp.Np, x", "a"};

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        char *added = NULL;

        assert_int_equal(np_order_add(&added, orders[i], "MooringNP", NULL), 0);
        assert_remove(added, orders[i]);
        str_free(&added);
    }
}

static void np_order_find__counts_from_one(void **state)
{
    unsigned count = 9;

    (void)state;
    assert_int_equal(np_order_find("a, B ,c", "b", &count), 2);
    assert_int_equal(count, 3);
    assert_int_equal(np_order_find("", "b", &count), 0);
    assert_int_equal(count, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(np_order_add__goes_to_the_end),
        cmocka_unit_test(np_order_add__goes_before_winfsp),
        cmocka_unit_test(np_order_add__changes_nothing_when_it_is_there),
        cmocka_unit_test(np_order_remove__takes_only_ours),
        cmocka_unit_test(np_order_remove__gives_back_what_was_before),
        cmocka_unit_test(np_order_find__counts_from_one),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
