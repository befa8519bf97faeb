/* What the client does when a simulated tenant misbehaves: waits as it is asked to, tries again
 * where that is safe, and tells the truth otherwise. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "graph/client.h"
#include "wire.h"

#define THINKS_MS 60000 /* so long that nobody waited for it who came back in half of it */

static int get_drive(struct wire *wire, const struct call *call, struct error *err)
{
    struct graph_drive drive = {0};
    int code = graph_get_drive(&drive, wire->account, wire->drive_id, call, err);

    graph_drive_clear(&drive);
    return code;
}

/* How long a request takes while `fault` is set, which must not make it fail. */
static int64_t time_through(struct wire *wire, const char *fault)
{
    struct error err = {0};
    int64_t start;

    tenant_tell(wire->tenant, "faults", "%s", fault);
    start = clock_mono_ms(clock_system());
    assert_ok(get_drive(wire, NULL, &err), err);
    return clock_mono_ms(clock_system()) - start;
}

static void throttling__waits_for_retry_after_seconds(void **state)
{
    int64_t took = time_through(*state, "{'match':{'path':'**/drives/*'},"
                                        "'action':{'status':429,'headers':{'Retry-After':'1'}}}");

    assert_true(took >= 1000);
}

static void throttling__waits_until_a_retry_after_date(void **state)
{
    int64_t took = time_through(*state, "{'match':{'path':'**/drives/*'},'action':{'status':503,"
                                        "'headers':{'Retry-After':'3'},'retry_after_date':true}}");

    assert_true(took >= 1000); /* a date has whole seconds: 3 can be a little more than 2 */
}

static void throttling__backs_off_without_retry_after(void **state)
{
    int64_t took = time_through(*state, "{'match':{'path':'**/drives/*'},'action':{'status':429}}");

    assert_true(took >= 900);
}

static void throttling__pauses_the_whole_tenant_and_fails_what_cannot_wait(void **state)
{
    struct wire *wire = wire_start(); /* the pause outlasts the test */
    struct call hurried = {.deadline_ms = clock_mono_ms(clock_system()) + 60000};
    struct graph_stats stats;
    struct error err = {0};
    struct account *other = wire_account(wire, "fabrikam", NULL);
    struct graph_drive drive = {0};

    (void)state;
    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'**/drives/*'},"
                "'action':{'status':429,'headers':{'Retry-After':'600'}}}");
    assert_int_equal(get_drive(wire, &hurried, &err), ERR_THROTTLED);
    graph_stats(wire->graph, &stats);
    assert_true(stats.paused_ms > 0);
    /* another request of the tenant is not even sent ... */
    tenant_tell(wire->tenant, "clear-log", "{}");
    assert_int_equal(get_drive(wire, &hurried, &err), ERR_THROTTLED);
    assert_int_equal(tenant_count(wire->tenant, NULL, "**/drives/*"), 0);
    /* ... while another tenant's is */
    assert_ok(graph_get_my_drive(&drive, other, &hurried, &err), err);
    graph_drive_clear(&drive);
    account_unref(other);
    wire_stop(wire);
}

static void server_errors__are_tried_again(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};

    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'**/drives/*'},'count':2,'action':{'status':502,"
                "'body':'<html>bad gateway</html>'}}");
    assert_ok(get_drive(wire, NULL, &err), err);
    assert_int_equal(tenant_settled_count(wire->tenant, NULL, "**/drives/*", 3), 3);
}

static void resets__are_tried_again_on_a_new_connection(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};

    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'**/drives/*'},'count':2,'action':{'reset':true}}");
    assert_ok(get_drive(wire, NULL, &err), err);
}

static void truncated_bodies__are_tried_again(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};

    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'**/drives/*'},'count':2,'action':{'truncate_after':20}}");
    assert_ok(get_drive(wire, NULL, &err), err);
}

static void garbage__is_a_protocol_error(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};

    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'**/drives/*'},'action':{'status':200,'body':'<html>'}}");
    assert_int_equal(get_drive(wire, NULL, &err), ERR_PROTOCOL);
}

static void deadlines__hold_while_the_server_thinks(void **state)
{
    struct wire *wire = *state;
    struct call call = {.deadline_ms = clock_mono_ms(clock_system()) + 300};
    struct error err = {0};

    tenant_tell(wire->tenant, "faults", "{'match':{'path':'**/drives/*'},'action':{'delay_ms':%d}}",
                THINKS_MS);
    assert_int_equal(get_drive(wire, &call, &err), ERR_TIMED_OUT);
    assert_true(clock_mono_ms(clock_system()) - call.deadline_ms < THINKS_MS / 2);
}

static bool says_yes(void *payload)
{
    (void)payload;
    return true;
}

static void cancelling__ends_the_wait(void **state)
{
    struct wire *wire = *state;
    struct call call = {.is_cancelled = says_yes};
    struct error err = {0};
    int64_t start = clock_mono_ms(clock_system());

    tenant_tell(wire->tenant, "faults", "{'match':{'path':'**/drives/*'},'action':{'delay_ms':%d}}",
                THINKS_MS);
    assert_int_equal(get_drive(wire, &call, &err), ERR_CANCELLED);
    assert_true(clock_mono_ms(clock_system()) - start < THINKS_MS / 2);
}

/* Only here: on a busy machine an answer may take that long by itself. */
static void set_stall(struct wire *wire, int64_t stall_ms)
{
    struct graph_options options = {.ca_file = wire->tenant->ca_file, .stall_ms = stall_ms};
    struct error err = {0};

    assert_ok(graph_configure(wire->graph, &options, &err), err);
}

static void stalls__are_noticed_and_tried_elsewhere(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};

    tenant_tell(wire->tenant, "faults", "{'match':{'path':'**/drives/*'},'action':{'stall':true}}");
    set_stall(wire, 700);
    assert_ok(get_drive(wire, NULL, &err), err);
    set_stall(wire, 0);
}

static void tokens__that_expired_are_renewed_within_the_request(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};

    assert_ok(get_drive(wire, NULL, &err), err);
    tenant_tell(wire->tenant, "expire-tokens", "{}");
    assert_ok(get_drive(wire, NULL, &err), err);
}

static void claims_challenges__are_answered_within_the_request(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};

    assert_ok(get_drive(wire, NULL, &err), err);
    tenant_tell(wire->tenant, "claims-challenge", "{}");
    assert_ok(get_drive(wire, NULL, &err), err);
}

static void downloads__survive_an_expired_token(void **state)
{
    struct wire *wire = *state;
    struct error err = {0};
    char data[20];
    size_t got = 0;
    char *id = wire_item_id(wire, "readme.txt");

    tenant_tell(wire->tenant, "expire-tokens", "{}");
    assert_ok(graph_read_range(wire->account, wire->drive_id, id, data, sizeof(data), 0, &got, NULL,
                               &err),
              err);
    assert_int_equal(got, strlen("hello world\n"));
    free(id);
}

struct parallel {
    struct wire *wire;
    struct thread thread;
    int code;
};

static void *run_parallel(void *payload)
{
    struct parallel *p = payload;

    p->code = get_drive(p->wire, NULL, NULL);
    return NULL;
}

static void single_flight__shares_one_answer(void **state)
{
    struct wire *wire = *state;
    struct parallel threads[8];
    struct error err = {0};
    int sent;

    assert_ok(get_drive(wire, NULL, &err), err); /* the token is there */
    tenant_tell(wire->tenant, "clear-log", "{}");
    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'**/drives/*'},'count':-1,'action':{'delay_ms':300}}");
    for (size_t i = 0; i < 8; i++) {
        threads[i] = (struct parallel){.wire = wire};
        assert_int_equal(thread_start(&threads[i].thread, "get", run_parallel, &threads[i], NULL),
                         0);
    }
    for (size_t i = 0; i < 8; i++) {
        thread_join(&threads[i].thread);
        assert_int_equal(threads[i].code, 0);
    }
    sent = tenant_settled_count(wire->tenant, NULL, "**/drives/*", 1);
    assert_true(sent >= 1 && sent < 8); /* as a rule 1; a thread may start late */
}

static void the_wire__is_what_the_test_says(void **state)
{
    struct wire *wire = *state;
    struct governor_stats stats;
    struct error err = {0};

    assert_ok(get_drive(wire, NULL, &err), err);
    governor_stats(graph_governor(wire->graph), &stats);
    assert_int_equal(stats.uses_http2, getenv("WIRE_HTTP2") != NULL);
}

/* Last: the account is of no use after it. */
static void tokens__that_are_revoked_sign_the_account_out(void **state)
{
    struct wire *wire = *state;
    struct account_info info;
    struct error err = {0};

    tenant_tell(wire->tenant, "revoke", "{}");
    assert_int_equal(get_drive(wire, NULL, &err), ERR_SIGNED_OUT);
    account_info(wire->account, &info);
    assert_int_equal(info.state, ACCOUNT_SIGNED_OUT);
    assert_non_null(strstr(info.reason, "mooring login"));
}

/* An operation that hung in a file system is left behind when the agent ends. */
static void graph_free__leaves_no_ground_to_who_comes_late(void **state)
{
    struct wire *wire = *state;
    const struct graph_options options = {.max_connections = 1};
    struct account_options account_options = {.tenant = wire->tenant->domain,
                                              .client_id = "11111111-2222-4333-8444-555555555555",
                                              .cloud = CLOUD_CUSTOM,
                                              .login_url = wire->tenant->login_url,
                                              .graph_url = wire->tenant->graph_url,
                                              .token_directory = wire->tenant->directory};
    struct graph *graph = NULL;
    struct account *account = NULL;
    struct error err = {0};

    assert_ok(graph_new(&graph, &options, &err), err);
    assert_ok(account_new(&account, graph, &account_options, &err), err);
    graph_free(graph);
    assert_int_equal(account_sign_in_device_code(account, NULL, NULL, NULL, &err), ERR_CANCELLED);
    account_unref(account);
}

#define TEST(name) cmocka_unit_test_setup(name, wire_reset)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(throttling__waits_for_retry_after_seconds),
        TEST(throttling__waits_until_a_retry_after_date),
        TEST(throttling__backs_off_without_retry_after),
        TEST(throttling__pauses_the_whole_tenant_and_fails_what_cannot_wait),
        TEST(server_errors__are_tried_again),
        TEST(resets__are_tried_again_on_a_new_connection),
        TEST(truncated_bodies__are_tried_again),
        TEST(garbage__is_a_protocol_error),
        TEST(deadlines__hold_while_the_server_thinks),
        TEST(cancelling__ends_the_wait),
        TEST(stalls__are_noticed_and_tried_elsewhere),
        TEST(tokens__that_expired_are_renewed_within_the_request),
        TEST(claims_challenges__are_answered_within_the_request),
        TEST(downloads__survive_an_expired_token),
        TEST(single_flight__shares_one_answer),
        TEST(the_wire__is_what_the_test_says),
        TEST(graph_free__leaves_no_ground_to_who_comes_late),
        TEST(tokens__that_are_revoked_sign_the_account_out),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("graph_faults", tests, wire_setup, wire_teardown);
}
