/* Small writes on a simulated tenant: few go by themselves, a crowd shares requests, and each gets
 * what it would have got alone. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "graph/client.h"
#include "graph/gather.h"
#include "wire.h"

#define BOUND_MS 60000
#define CROWD 16

/* A thread of a program of the user's. Zero but for `what` makes a folder `name` in the root. */
enum what { MAKES, RENAMES, DELETES };
struct writer {
    struct wire *wire;
    enum what what;
    char name[32];  /* new */
    char *id;       /* of what is renamed or deleted */
    char *if_match; /* ditto */
    int64_t deadline_ms;
    atomic_bool is_interrupted;
    atomic_bool is_asked; /* whether it is: it waits for a lane, or has one */
    struct thread thread;
    int code;
    struct error err;
};

static bool is_interrupted(void *payload)
{
    struct writer *writer = payload;

    writer->is_asked = true;
    return writer->is_interrupted;
}

static void *write_one(void *payload)
{
    struct writer *w = payload;
    struct call call = {.priority = CALL_SAVE,
                        .deadline_ms = w->deadline_ms,
                        .is_cancelled = is_interrupted,
                        .payload = w};
    struct graph_update update = {
        .name = w->name, .if_match = w->if_match, .modified_ms = -1, .created_ms = -1};
    struct graph_item item = {0};
    struct account *account = w->wire->account;
    const char *drive_id = w->wire->drive_id;

    switch (w->what) {
    case MAKES:
        w->code = graph_create_folder(&item, account, drive_id, NULL, w->name, &call, &w->err);
        break;
    case RENAMES:
        w->code = graph_update_item(&item, account, drive_id, w->id, &update, &call, &w->err);
        break;
    case DELETES:
        w->code = graph_delete_item(account, drive_id, w->id, &call, &w->err);
        break;
    }
    if (w->code == 0 && w->what != DELETES && !str_equal(item.name, w->name)) {
        w->code = error_set(&w->err, ERR_PROTOCOL, "'%s' got the answer of '%s'", w->name,
                            item.name ? item.name : "nobody");
    }
    graph_item_clear(&item);
    return NULL;
}

static void start_all(struct wire *wire, struct writer *writers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct error err = {0};

        writers[i].wire = wire;
        assert_ok(thread_start(&writers[i].thread, "writer", write_one, &writers[i], &err), err);
    }
}

static void join_all(struct writer *writers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        thread_join(&writers[i].thread);
        str_free(&writers[i].id);
        str_free(&writers[i].if_match);
    }
}

static void assert_all(const struct writer *writers, size_t count, int wanted)
{
    for (size_t i = 0; i < count; i++) {
        if (writers[i].code != wanted) {
            fail_msg("'%s' is %s: %s", writers[i].name, error_name(writers[i].code),
                     writers[i].err.message);
        }
    }
}

/* Between looks at a state that comes. */
static void pause_a_moment(unsigned *moments)
{
    const struct timespec moment = {.tv_nsec = 5000000};

    nanosleep(&moment, NULL);
    if (++*moments > BOUND_MS / 5) {
        fail_msg("waited too long");
    }
}

/* ... for a lane, of which none is free. */
static void wait_for_waiting(struct writer *writers, size_t count)
{
    unsigned moments = 0;

    for (size_t i = 0; i < count; i++) {
        while (!writers[i].is_asked) {
            pause_a_moment(&moments);
        }
    }
}

/* An item that is there before, as what `w` is about. */
static void prepare(struct wire *wire, struct writer *w, enum what what, const char *name)
{
    struct graph_item item = {0};
    struct error err = {0};

    assert_ok(graph_create_folder(&item, wire->account, wire->drive_id, NULL, name, NULL, &err),
              err);
    w->what = what;
    str_copy(&w->id, item.id, NULL);
    snprintf(w->name, sizeof(w->name), "%.20s, new", name);
    graph_item_clear(&item);
}

static void ask_match(struct wire *wire, struct writer *w)
{
    struct graph_item item = {0};
    struct error err = {0};

    assert_ok(graph_get_item(&item, wire->account, wire->drive_id, w->id, NULL, &err), err);
    str_copy(&w->if_match, item.etag, NULL);
    graph_item_clear(&item);
}

/* Folders, renames and deletes in turn, every other rename with If-Match. */
static void prepare_crowd(struct wire *wire, struct writer *writers, const char *name)
{
    for (size_t i = 0; i < CROWD; i++) {
        char own[32];

        snprintf(own, sizeof(own), "%s %zu", name, i);
        snprintf(writers[i].name, sizeof(writers[i].name), "%s", own);
        if (i % 4 != MAKES) {
            prepare(wire, &writers[i], i % 4 == DELETES ? DELETES : RENAMES, own);
        }
        if (i % 4 == 3) {
            ask_match(wire, &writers[i]);
        }
    }
}

static bool is_there(struct wire *wire, const char *name)
{
    struct graph_item item = {0};
    int code = graph_get_child(&item, wire->account, wire->drive_id, NULL, name, NULL, NULL);

    graph_item_clear(&item);
    assert_true(code == 0 || code == ERR_NOT_FOUND);
    return code == 0;
}

/* All lanes are taken by folders that the tenant holds. */
struct jam {
    struct writer writers[GATHER_LANES];
    struct graph_stats before;
    int rule;
};

static uint64_t requests_since(struct wire *wire, const struct jam *jam)
{
    struct graph_stats now;

    graph_stats(wire->graph, &now);
    return now.requests - jam->before.requests;
}

static uint64_t units_since(struct wire *wire, const struct jam *jam)
{
    struct graph_stats now;

    graph_stats(wire->graph, &now);
    return now.ru_total - jam->before.ru_total;
}

/* So many writes since then were sent, and paid for. */
static void wait_for_sent(struct wire *wire, const struct jam *jam, unsigned writes)
{
    unsigned moments = 0;

    while (units_since(wire, jam) < (uint64_t)writes * COST_WRITE) {
        pause_a_moment(&moments);
    }
}

static void jam_begin(struct jam *jam, struct wire *wire, const char *name)
{
    cJSON *answer;

    memset(jam, 0, sizeof(*jam));
    answer = tenant_control(wire->tenant, "faults",
                            "{'match':{'method':'POST','path':'*/children','in_batch':false},"
                            "'count':%d,'action':{'hold':true}}",
                            GATHER_LANES);
    jam->rule = cJSON_GetObjectItemCaseSensitive(answer, "id")->valueint;
    cJSON_Delete(answer);
    graph_stats(wire->graph, &jam->before);
    for (size_t i = 0; i < GATHER_LANES; i++) {
        snprintf(jam->writers[i].name, sizeof(jam->writers[i].name), "%s, held %zu", name, i);
    }
    start_all(wire, jam->writers, GATHER_LANES);
    wait_for_sent(wire, jam, GATHER_LANES);
}

static void jam_end(struct jam *jam, struct wire *wire)
{
    tenant_tell(wire->tenant, "clear-faults", "{'id':%d}", jam->rule);
    join_all(jam->writers, GATHER_LANES);
    assert_all(jam->writers, GATHER_LANES, 0);
}

/* The whole crowd waits for the same lane, and goes. */
static void run_crowd(struct wire *wire, struct writer *writers, size_t count, const char *name,
                      struct jam *jam)
{
    jam_begin(jam, wire, name);
    start_all(wire, writers, count);
    wait_for_waiting(writers, count);
    jam_end(jam, wire);
    join_all(writers, count);
}

static int batches(struct wire *wire, int wanted)
{
    return tenant_settled_count(wire->tenant, "POST", "**/$batch", wanted);
}

/* --- */

static void gather__lets_a_lone_write_go_as_it_is(void **state)
{
    struct wire *wire = *state;
    struct writer writers[3] = {{.name = "Lone folder"}};
    struct graph_stats before;
    struct graph_stats after;

    prepare(wire, &writers[1], RENAMES, "Lone rename");
    prepare(wire, &writers[2], DELETES, "Lone delete");
    graph_stats(wire->graph, &before);
    for (size_t i = 0; i < 3; i++) {
        start_all(wire, &writers[i], 1);
        join_all(&writers[i], 1);
    }
    assert_all(writers, 3, 0);
    graph_stats(wire->graph, &after);
    assert_int_equal(after.requests - before.requests, 3);
    assert_int_equal(batches(wire, 0), 0);
}

static void gather__sends_a_crowd_as_one_request(void **state)
{
    struct wire *wire = *state;
    struct writer writers[CROWD] = {{.name = ""}};
    struct jam jam;

    prepare_crowd(wire, writers, "Crowd");
    run_crowd(wire, writers, CROWD, "Crowd", &jam);
    assert_all(writers, CROWD, 0);
    assert_int_equal(requests_since(wire, &jam), GATHER_LANES + 1);
    assert_int_equal(units_since(wire, &jam), (GATHER_LANES + CROWD) * COST_WRITE);
    assert_int_equal(batches(wire, 1), 1);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(is_there(wire, writers[i].name), writers[i].what != DELETES);
    }
}

static void gather__sends_no_more_than_a_batch_holds(void **state)
{
    struct wire *wire = *state;
    struct writer writers[GATHER_MAX + 5] = {{.name = ""}};
    struct jam jam;

    for (size_t i = 0; i < GATHER_MAX + 5; i++) {
        snprintf(writers[i].name, sizeof(writers[i].name), "Many %zu", i);
    }
    run_crowd(wire, writers, GATHER_MAX + 5, "Many", &jam);
    assert_all(writers, GATHER_MAX + 5, 0);
    assert_int_equal(requests_since(wire, &jam), GATHER_LANES + 2);
}

/* A taken name, a version that is not there any more, and no permission: told to who asked, with the
 * service's own words, and to nobody else. */
static void gather__tells_each_its_own_failure(void **state)
{
    struct wire *wire = *state;
    struct writer writers[CROWD] = {{.name = ""}};
    struct writer rival = {.name = ""};
    struct jam jam;

    prepare_crowd(wire, writers, "Fails");
    prepare(wire, &rival, DELETES, "Fails at");
    snprintf(writers[0].name, sizeof(writers[0].name), "fails AT");
    str_copy(&writers[3].if_match, "\"{00000000-0000-0000-0000-000000000000},1\"", NULL);
    tenant_tell(wire->tenant, "faults",
                "{'match':{'method':'DELETE','path':'**/%s'},'count':-1,"
                "'action':{'status':403,'code':'accessDenied'}}",
                writers[2].id);
    run_crowd(wire, writers, CROWD, "Fails", &jam);
    str_free(&rival.id);
    assert_int_equal(writers[0].code, ERR_EXISTS);
    assert_int_equal(writers[2].code, ERR_DENIED);
    assert_non_null(strstr(writers[2].err.message, "accessDenied"));
    assert_int_equal(writers[3].code, ERR_CHANGED);
    assert_int_equal(writers[1].code, 0);
    assert_all(writers + 4, CROWD - 4, 0);
    assert_int_equal(requests_since(wire, &jam),
                     GATHER_LANES + 1 + 1); /* a 403 is asked for itself */
}

static void gather__sends_again_alone_what_was_throttled_alone(void **state)
{
    struct wire *wire = *state;
    struct writer writers[CROWD] = {{.name = ""}};
    struct jam jam;
    char path[256];

    prepare_crowd(wire, writers, "Slow");
    snprintf(path, sizeof(path), "**/%s", writers[3].id); /* with If-Match: it was not done */
    tenant_tell(wire->tenant, "faults",
                "{'match':{'method':'PATCH','path':'%s','in_batch':true},"
                "'action':{'status':429,'headers':{'Retry-After':'1'}}}",
                path);
    tenant_tell(wire->tenant, "clear-log", "{}");
    run_crowd(wire, writers, CROWD, "Slow", &jam);
    assert_all(writers, CROWD, 0);
    assert_int_equal(tenant_settled_count(wire->tenant, "PATCH", path, 2), 2);
    assert_int_equal(tenant_count(wire->tenant, "PATCH", NULL), CROWD / 2 + 1);
    assert_int_equal(batches(wire, 1), 1);
    assert_int_equal(requests_since(wire, &jam), GATHER_LANES + 1 + 1);
}

/* All of it was done, but nobody was told: what is safe to do twice is, and finds what it did. */
static void lose_answer(struct wire *wire, const char *name, const char *action, int wanted)
{
    struct writer writers[CROWD] = {{.name = ""}};
    struct jam jam;

    prepare_crowd(wire, writers, name);
    tenant_tell(wire->tenant, "faults", "{'match':{'path':'**/$batch'},'action':%s}", action);
    run_crowd(wire, writers, CROWD, name, &jam);
    for (size_t i = 0; i < CROWD; i++) {
        bool is_lost = i % 4 == 3; /* its own first attempt would have changed the tag */

        assert_int_equal(writers[i].code, is_lost ? wanted : 0);
        assert_int_equal(is_there(wire, writers[i].name), writers[i].what != DELETES);
    }
    assert_int_equal(batches(wire, 1), 1);
}

static void gather__takes_a_cut_connection_for_a_lost_answer(void **state)
{
    /* nghttpx in between says 502 for it */
    lose_answer(*state, "Cut", "{'run_first':true,'reset':true}",
                getenv("WIRE_HTTP2") ? ERR_SERVER : ERR_UNREACHABLE);
}

static void gather__takes_a_broken_answer_for_a_lost_one(void **state)
{
    lose_answer(*state, "Broken", "{'run_first':true,'status':200,'body':'<html>'}", ERR_PROTOCOL);
}

static void gather__takes_a_failing_gateway_for_a_lost_answer(void **state)
{
    lose_answer(*state, "Gateway", "{'run_first':true,'status':502,'body':'<html>'}", ERR_SERVER);
}

static void gather__takes_a_missing_part_for_a_lost_answer(void **state)
{
    lose_answer(*state, "Missing",
                "{'run_first':true,'status':200,'body':{'responses':[{'id':'99','status':200}]}}",
                ERR_PROTOCOL);
}

/* A cloud or an inspecting proxy without $batch. */
static void gather__goes_one_by_one_where_batches_are_refused(void **state)
{
    struct wire *wire = *state;
    struct writer writers[CROWD] = {{.name = ""}};
    struct jam jam;

    prepare_crowd(wire, writers, "Refused");
    tenant_tell(wire->tenant, "faults",
                "{'match':{'path':'**/$batch'},'count':-1,'action':{'status':405}}");
    run_crowd(wire, writers, CROWD, "Refused", &jam);
    assert_all(writers, CROWD, 0);
}

static void gather__survives_an_expired_token(void **state)
{
    struct wire *wire = *state;
    struct writer writers[CROWD] = {{.name = ""}};
    struct jam jam;

    prepare_crowd(wire, writers, "Expired");
    jam_begin(&jam, wire, "Expired");
    start_all(wire, writers, CROWD);
    wait_for_waiting(writers, CROWD);
    tenant_tell(wire->tenant, "expire-tokens", "{}");
    jam_end(&jam, wire);
    join_all(writers, CROWD);
    assert_all(writers, CROWD, 0);
}

/* Three of eight leave: one that waits for a lane, and two whose batch is on its way. The others get
 * what they came for. */
static void gather__lets_who_is_interrupted_go(void **state)
{
    struct wire *wire = *state;
    struct writer writers[8] = {{.name = ""}};
    struct jam jam;

    for (size_t i = 0; i < 8; i++) {
        snprintf(writers[i].name, sizeof(writers[i].name), "Left %zu", i);
    }
    jam_begin(&jam, wire, "Left");
    start_all(wire, writers, 8);
    wait_for_waiting(writers, 8);
    writers[2].is_interrupted = true;
    join_all(&writers[2], 1);
    assert_int_equal(writers[2].code, ERR_CANCELLED);
    tenant_tell(wire->tenant, "faults", "{'match':{'path':'**/$batch'},'action':{'hold':true}}");
    jam_end(&jam, wire);
    wait_for_sent(wire, &jam, GATHER_LANES + 7); /* the batch has one lane */
    writers[0].is_interrupted = true;
    writers[7].is_interrupted = true;
    join_all(&writers[0], 1);
    join_all(&writers[7], 1);
    assert_int_equal(writers[0].code, ERR_CANCELLED);
    assert_int_equal(writers[7].code, ERR_CANCELLED);
    tenant_tell(wire->tenant, "clear-faults", "{}");
    join_all(writers, 8);
    assert_int_equal(writers[1].code, 0);
    assert_all(writers + 3, 4, 0);
    assert_false(is_there(wire, "Left 2")); /* it was not sent */
}

static void gather__ends_a_batch_that_all_have_left(void **state)
{
    struct wire *wire = *state;
    struct writer writers[8] = {{.name = ""}};
    struct jam jam;

    for (size_t i = 0; i < 8; i++) {
        snprintf(writers[i].name, sizeof(writers[i].name), "Deserted %zu", i);
    }
    jam_begin(&jam, wire, "Deserted");
    start_all(wire, writers, 8);
    wait_for_waiting(writers, 8);
    tenant_tell(wire->tenant, "faults", "{'match':{'path':'**/$batch'},'action':{'hold':true}}");
    jam_end(&jam, wire);
    wait_for_sent(wire, &jam, GATHER_LANES + 8);
    for (size_t i = 0; i < 8; i++) {
        writers[i].is_interrupted = true;
    }
    join_all(writers, 8);
    assert_all(writers, 8, ERR_CANCELLED);
    jam_begin(&jam, wire, "After that"); /* its lane is free again */
    jam_end(&jam, wire);
}

/* Time spent waiting for a lane counts, and so does that of the batch. */
static void gather__keeps_each_ones_deadline(void **state)
{
    struct wire *wire = *state;
    struct writer writers[4] = {
        {.name = "Late 0"}, {.name = "Late 1"}, {.name = "Late 2"}, {.name = "Late 3"}};
    struct jam jam;

    jam_begin(&jam, wire, "Late");
    writers[0].deadline_ms = clock_mono_ms(clock_system()) + 300;
    start_all(wire, writers, 1);
    join_all(writers, 1);
    assert_int_equal(writers[0].code, ERR_TIMED_OUT);
    start_all(wire, writers + 1, 3);
    wait_for_waiting(writers + 1, 3);
    jam_end(&jam, wire);
    join_all(writers + 1, 3);
    assert_all(writers + 1, 3, 0);
    assert_false(is_there(wire, "Late 0"));
}

/* Below the limit is room for some and not for the batch: those who fit go. */
static void gather__spends_what_the_hard_limit_leaves(void **state)
{
    struct wire *wire = wire_start();
    struct graph_options options = {.ca_file = wire->tenant->ca_file};
    struct writer writers[8] = {{.name = ""}};
    struct graph_stats stats;
    struct error err = {0};
    struct jam jam;
    size_t made = 0;

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        snprintf(writers[i].name, sizeof(writers[i].name), "Dear %zu", i);
    }
    jam_begin(&jam, wire, "Dear");
    start_all(wire, writers, 8);
    wait_for_waiting(writers, 8);
    graph_stats(wire->graph, &stats);
    options.hard_limit_ru = stats.ru_window + 3 * COST_WRITE;
    assert_ok(graph_configure(wire->graph, &options, &err), err);
    jam_end(&jam, wire);
    join_all(writers, 8);
    for (size_t i = 0; i < 8; i++) {
        made += writers[i].code == 0;
        assert_true(writers[i].code == 0 || writers[i].code == ERR_THROTTLED);
    }
    assert_int_equal(made, 3);
    wire_stop(wire);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup(name, wire_reset)
    const struct CMUnitTest tests[] = {
        TEST(gather__lets_a_lone_write_go_as_it_is),
        TEST(gather__sends_a_crowd_as_one_request),
        TEST(gather__sends_no_more_than_a_batch_holds),
        TEST(gather__tells_each_its_own_failure),
        TEST(gather__sends_again_alone_what_was_throttled_alone),
        TEST(gather__takes_a_cut_connection_for_a_lost_answer),
        TEST(gather__takes_a_broken_answer_for_a_lost_one),
        TEST(gather__takes_a_failing_gateway_for_a_lost_answer),
        TEST(gather__takes_a_missing_part_for_a_lost_answer),
        TEST(gather__goes_one_by_one_where_batches_are_refused),
        TEST(gather__survives_an_expired_token),
        TEST(gather__lets_who_is_interrupted_go),
        TEST(gather__ends_a_batch_that_all_have_left),
        TEST(gather__keeps_each_ones_deadline),
        TEST(gather__spends_what_the_hard_limit_leaves),
    };
#undef TEST

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("graph_gather", tests, wire_setup, wire_teardown) ? 1 : 0;
}
