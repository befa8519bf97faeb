/* Downloads from a simulated tenant, that go on from where they broke. */
#include <stdlib.h>
#include <string.h>

#include "content.h"

static void graph_download__gives_the_whole_file_and_ranges(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    struct sink sink;
    char *id = content_upload(wire, "ranges.bin", 300000, 1);

    content_assert_stored(wire, id, 300000, 1);
    sink_init(&sink);
    assert_ok(content_download(wire, &sink, id, NULL, 100001, 50000, &err), err);
    content_assert(&sink.bytes, 1, 100001, 50000);
    sink_clear(&sink);
    sink_init(&sink);
    assert_ok(content_download(wire, &sink, id, NULL, 299000, 50000, &err), err);
    content_assert(&sink.bytes, 1, 299000, 1000);
    sink_clear(&sink);
    sink_init(&sink);
    assert_ok(content_download(wire, &sink, id, NULL, 300000, 10, &err), err);
    assert_int_equal(sink.bytes.size, 0);
    sink_clear(&sink);
    free(id);
}

static void graph_download__waits_for_a_slow_reader(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    struct sink sink;
    char *id = content_upload(wire, "slow.bin", 200000, 2);

    sink_init(&sink);
    sink.is_slow = true;
    assert_ok(content_download(wire, &sink, id, NULL, 7, 0, &err), err);
    content_assert(&sink.bytes, 2, 7, 200000 - 7);
    sink_clear(&sink);
    free(id);
}

static void graph_download__skips_what_a_server_without_ranges_sends(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    struct sink sink;
    char *id = content_upload(wire, "noranges.bin", 500000, 3);

    tenant_tell(wire->tenant, "switch", "{'name':'content_ignores_range','value':true}");
    sink_init(&sink);
    assert_ok(content_download(wire, &sink, id, NULL, 300000, 1000, &err), err);
    tenant_tell(wire->tenant, "switch", "{'name':'content_ignores_range','value':false}");
    content_assert(&sink.bytes, 3, 300000, 1000);
    sink_clear(&sink);
    free(id);
}

static void graph_download__goes_on_after_a_truncated_body(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    struct sink sink;
    char *id = content_upload(wire, "truncated.bin", 700000, 4);

    tenant_tell(wire->tenant, "faults",
                "{'match':{'host':'content','method':'GET'},'count':3,"
                "'action':{'truncate_after':100000}}");
    sink_init(&sink);
    assert_ok(content_download(wire, &sink, id, NULL, 0, 0, &err), err);
    content_assert(&sink.bytes, 4, 0, 700000);
    assert_int_equal(tenant_settled_count(wire->tenant, "GET", "**/content", 1), 1);
    sink_clear(&sink);
    free(id);
}

static void expire_and_break_off(struct wire *wire)
{
    tenant_tell(wire->tenant, "expire-urls", "{}");
    tenant_tell(wire->tenant, "reset-connections", "{}");
}

/* graph-facts 2.7: a transfer begun in time may finish, a resume needs a new address. Bytes must have
 * come before it breaks off: an address that brought none was never good. */
static void graph_download__goes_on_when_its_address_expired_in_the_middle(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    struct sink sink;
    char *id = content_upload(wire, "halfway.bin", 700000, 5);

    tenant_tell(wire->tenant, "faults",
                "{'match':{'host':'content','method':'GET'},'count':1,"
                "'action':{'truncate_after':100000,'stall':true}}");
    sink_init(&sink);
    sink.is_slow = true;
    sink.meanwhile = expire_and_break_off;
    assert_ok(content_download(wire, &sink, id, NULL, 0, 0, &err), err);
    content_assert(&sink.bytes, 5, 0, 700000);
    assert_null(sink.meanwhile);
    assert_int_equal(tenant_settled_count(wire->tenant, "GET", "**/content", 2), 2);
    sink_clear(&sink);
    free(id);
}

static void graph_download__gives_up_on_a_body_that_never_comes_whole(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    struct sink sink;
    char *id = content_upload(wire, "hopeless.bin", 700000, 5);
    int code;

    tenant_tell(wire->tenant, "faults",
                "{'match':{'host':'content','method':'GET'},'count':-1,"
                "'action':{'truncate_after':0}}");
    sink_init(&sink);
    sink.deadline_ms = clock_mono_ms(clock_system()) + 2000;
    code = content_download(wire, &sink, id, NULL, 0, 0, &err);
    assert_true(code == ERR_UNREACHABLE || code == ERR_TIMED_OUT); /* whichever comes first */
    assert_int_equal(sink.bytes.size, 0);
    sink_clear(&sink);
    free(id);
}

static void graph_download__asks_again_when_its_address_expired(void **state)
{
    struct wire *wire = *state;
    struct graph_item item = {0};
    struct error err = {0};
    struct sink sink;
    char *id = content_upload(wire, "expired.bin", 5000, 6);

    assert_ok(graph_get_item(&item, wire->account, wire->drive_id, id, NULL, &err), err);
    tenant_tell(wire->tenant, "expire-urls", "{}");
    sink_init(&sink);
    assert_ok(content_download(wire, &sink, id, item.download_url, 0, 0, &err), err);
    content_assert(&sink.bytes, 6, 0, 5000);
    sink_clear(&sink);
    graph_item_clear(&item);
    free(id);
}

static void graph_download__with_an_address_needs_no_other_request(void **state)
{
    struct wire *wire = *state;
    struct graph_item item = {0};
    struct error err = {0};
    struct sink sink;
    char *id = content_upload(wire, "direct.bin", 5000, 7);

    assert_ok(graph_get_item(&item, wire->account, wire->drive_id, id, NULL, &err), err);
    tenant_tell(wire->tenant, "clear-log", "{}");
    sink_init(&sink);
    assert_ok(content_download(wire, &sink, id, item.download_url, 0, 0, &err), err);
    assert_int_equal(tenant_settled_count(wire->tenant, NULL, NULL, 1), 1);
    sink_clear(&sink);
    graph_item_clear(&item);
    free(id);
}

static void graph_download__names_the_virus(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    struct sink sink;
    char *id = wire_item_id(wire, "Virus.txt");

    sink_init(&sink);
    assert_int_equal(content_download(wire, &sink, id, NULL, 0, 0, &err), ERR_DENIED);
    assert_non_null(strstr(err.message, "EICAR"));
    sink_clear(&sink);
    free(id);
}

static void graph_download_free__ends_a_download_that_runs(void **state)
{
    struct wire *wire = *state;
    struct graph_download_callbacks callbacks = {.on_data = sink_data, .on_done = sink_done};
    struct graph_download_request request = {.drive_id = wire->drive_id};
    struct graph_download *running = NULL;
    struct error err = {0};
    struct sink sink;
    char *id = content_upload(wire, "endless.bin", 5u * MIB, 8);

    sink_init(&sink);
    sink.is_slow = true; /* and nobody resumes it */
    callbacks.payload = &sink;
    request.item_id = id;
    assert_ok(graph_download_start(&running, wire->account, &request, &callbacks, &err), err);
    mutex_lock(&sink.mutex);
    while (!sink.is_full) {
        cond_wait(&sink.changed, &sink.mutex);
    }
    mutex_unlock(&sink.mutex);
    graph_download_free(running);
    assert_true(sink.is_done);
    assert_int_equal(sink.code, ERR_CANCELLED);
    sink_clear(&sink);
    free(id);
}

static void graph_read_range__reads_exactly_what_is_there(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    unsigned char data[4096];
    size_t got = 0;
    char *id = content_upload(wire, "exact.bin", 10000, 9);

    assert_ok(graph_read_range(wire->account, wire->drive_id, id, data, sizeof(data), 100, &got,
                               NULL, &err),
              err);
    assert_int_equal(got, sizeof(data));
    assert_int_equal(data[0], wire_byte(9, 100));
    assert_int_equal(data[4095], wire_byte(9, 4195));
    assert_ok(graph_read_range(wire->account, wire->drive_id, id, data, sizeof(data), 9000, &got,
                               NULL, &err),
              err);
    assert_int_equal(got, 1000);
    free(id);
}

#define TEST(name) cmocka_unit_test_setup(name, wire_reset)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(graph_download__gives_the_whole_file_and_ranges),
        TEST(graph_download__waits_for_a_slow_reader),
        TEST(graph_download__skips_what_a_server_without_ranges_sends),
        TEST(graph_download__goes_on_after_a_truncated_body),
        TEST(graph_download__goes_on_when_its_address_expired_in_the_middle),
        TEST(graph_download__gives_up_on_a_body_that_never_comes_whole),
        TEST(graph_download__asks_again_when_its_address_expired),
        TEST(graph_download__with_an_address_needs_no_other_request),
        TEST(graph_download__names_the_virus),
        TEST(graph_download_free__ends_a_download_that_runs),
        TEST(graph_read_range__reads_exactly_what_is_there),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("graph_download", tests, wire_setup, wire_teardown);
}
