#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "graph/proxy.h"

static void assert_first(const char *list, const char *expected)
{
    char *url = NULL;

    assert_int_equal(proxy_read_list(&url, list, NULL), 0);
    assert_string_equal(url, expected);
    free(url);
}

static void proxy_read_list__takes_the_first_for_https(void **state)
{
    (void)state;
    assert_first("proxy:8080", "http://proxy:8080");
    assert_first("a:80;b:80", "http://a:80");
    assert_first(" a:80 b:80", "http://a:80");
    assert_first("http=a:80;https=b:81;ftp=c:82", "http://b:81");
    assert_first("https://secure:443", "https://secure:443");
    assert_first("http=a:80", "");
    assert_first("", "");
    assert_first(" ;; ", "");
}

static void proxy_is_bypassed__knows_local_names_and_patterns(void **state)
{
    (void)state;
    assert_true(proxy_is_bypassed("intranet", "<local>"));
    assert_false(proxy_is_bypassed("graph.microsoft.com", "<local>"));
    assert_true(proxy_is_bypassed("a.contoso.com", "x.example;*.contoso.com"));
    assert_false(proxy_is_bypassed("contoso.com.example", "*.contoso.com"));
    assert_false(proxy_is_bypassed("a.contoso.com", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proxy_read_list__takes_the_first_for_https),
        cmocka_unit_test(proxy_is_bypassed__knows_local_names_and_patterns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
