/* Uploads to a simulated tenant, that arrive once. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "content.h"

#define SESSION_SIZE (25u * MIB + 12345u) /* three fragments */

static int versions_of(struct wire *wire, const char *path)
{
    cJSON *item = tenant_control(wire->tenant, "item",
                                 "{'library':'/sites/finance/Shared Documents','path':'%s'}", path);
    int versions = cJSON_GetObjectItemCaseSensitive(item, "versions")->valueint;

    cJSON_Delete(item);
    return versions;
}

static void graph_upload__of_a_new_file_is_one_put(void **state)
{
    struct wire *wire = *state;
    char *id = content_upload(wire, "put.bin", 5000, 20);

    assert_int_equal(tenant_settled_count(wire->tenant, NULL, NULL, 1), 1);
    assert_int_equal(tenant_settled_count(wire->tenant, "PUT", NULL, 1), 1);
    content_assert_stored(wire, id, 5000, 20);
    assert_int_equal(versions_of(wire, "put.bin"), 1);
    free(id);
}

static int upload(struct wire *wire, struct graph_item *out, const char *name, const char *item_id,
                  const char *if_match, uint64_t size, unsigned seed, struct error *err)
{
    struct graph_upload upload = {.drive_id = wire->drive_id,
                                  .name = name,
                                  .item_id = item_id,
                                  .if_match = if_match,
                                  .modified_ms = -1,
                                  .created_ms = -1};
    struct wire_source source;

    wire_source_init(&source, size, seed);
    return graph_upload(out, wire->account, &upload, &source.source, NULL, err);
}

static void graph_upload__refuses_a_taken_name(void **state)
{
    struct wire *wire = *state;
    struct graph_item item = {0};
    struct error err = {0};

    assert_int_equal(upload(wire, &item, "readme.txt", NULL, NULL, 10, 21, &err), ERR_EXISTS);
    assert_int_equal(upload(wire, &item, "readme.txt", NULL, NULL, 12u * MIB, 21, &err),
                     ERR_EXISTS);
}

static void graph_upload__of_a_lost_answer_is_found_and_not_sent_again(void **state)
{
    struct wire *wire = *state;
    char *id;

    tenant_tell(wire->tenant, "faults",
                "{'match':{'method':'PUT'},'action':{'run_first':true,'reset':true}}");
    id = content_upload(wire, "lost answer.bin", 5000, 22);
    content_assert_stored(wire, id, 5000, 22);
    assert_int_equal(versions_of(wire, "lost answer.bin"), 1);
    free(id);
}

static void graph_upload__of_a_lost_request_is_sent_again(void **state)
{
    struct wire *wire = *state;
    char *id;

    tenant_tell(wire->tenant, "faults", "{'match':{'method':'PUT'},'action':{'reset':true}}");
    id = content_upload(wire, "lost request.bin", 5000, 23);
    content_assert_stored(wire, id, 5000, 23);
    free(id);
}

static void graph_upload__replaces_by_a_session_with_times_as_one_version(void **state)
{
    struct wire *wire = *state;
    struct graph_upload again = {.drive_id = wire->drive_id, .created_ms = -1};
    struct graph_item before = {0};
    struct graph_item item = {0};
    struct error err = {0};
    struct wire_source source;
    char *id = content_upload(wire, "replaced.bin", 5000, 24);

    assert_ok(graph_get_item(&before, wire->account, wire->drive_id, id, NULL, &err), err);
    wire_source_init(&source, 6000, 25);
    again.item_id = id;
    again.if_match = before.ctag;
    again.modified_ms = 1700000000000;
    assert_ok(graph_upload(&item, wire->account, &again, &source.source, NULL, &err), err);
    assert_string_equal(item.id, id);
    assert_int_equal(item.modified_ms, 1700000000000);
    assert_int_equal(versions_of(wire, "replaced.bin"), 2);
    content_assert_stored(wire, id, 6000, 25);
    graph_item_clear(&item);
    /* the same bytes once more: what an answer that got lost looks like */
    assert_ok(graph_upload(&item, wire->account, &again, &source.source, NULL, &err), err);
    assert_string_equal(item.id, id);
    assert_int_equal(versions_of(wire, "replaced.bin"), 2);
    graph_item_clear(&item);
    wire_source_init(&source, 6000, 26);
    assert_int_equal(graph_upload(&item, wire->account, &again, &source.source, NULL, &err),
                     ERR_CHANGED);
    content_assert_stored(wire, id, 6000, 25);
    graph_item_clear(&before);
    free(id);
}

static void graph_upload__takes_a_name_for_its_own_only_after_a_lost_answer(void **state)
{
    struct wire *wire = *state;
    struct graph_upload again = {.drive_id = wire->drive_id, .created_ms = -1};
    struct graph_item item = {0};
    struct error err = {0};
    struct wire_source source;
    char *id = content_upload(wire, "twice.bin", 5000, 27);

    again.name = "twice.bin";
    for (int with_times = 0; with_times < 2; with_times++) { /* by PUT, then by a session */
        again.modified_ms = with_times ? 1700000000000 : -1;
        again.may_have_arrived = false;
        wire_source_init(&source, 5000, 27);
        assert_int_equal(graph_upload(&item, wire->account, &again, &source.source, NULL, &err),
                         ERR_EXISTS);
        again.may_have_arrived = true;
        assert_ok(graph_upload(&item, wire->account, &again, &source.source, NULL, &err), err);
        assert_string_equal(item.id, id);
        graph_item_clear(&item);
        wire_source_init(&source, 5000, 28);
        assert_int_equal(graph_upload(&item, wire->account, &again, &source.source, NULL, &err),
                         ERR_EXISTS);
    }
    assert_int_equal(versions_of(wire, "twice.bin"), 1);
    free(id);
}

static void graph_upload__of_nothing_replaces_only_what_it_knows(void **state)
{
    struct wire *wire = *state;
    struct graph_item before = {0};
    struct graph_item item = {0};
    struct error err = {0};
    char *id = content_upload(wire, "emptied.bin", 5000, 26);

    assert_ok(graph_get_item(&before, wire->account, wire->drive_id, id, NULL, &err), err);
    assert_ok(upload(wire, &item, NULL, id, before.ctag, 0, 0, &err), err);
    assert_int_equal(item.size_bytes, 0);
    graph_item_clear(&item);
    assert_ok(upload(wire, &item, NULL, id, before.ctag, 0, 0, &err), err); /* it is empty */
    assert_int_equal(versions_of(wire, "emptied.bin"), 2);
    graph_item_clear(&item);
    assert_ok(upload(wire, &item, NULL, id, NULL, 100, 27, &err), err);
    graph_item_clear(&item);
    assert_int_equal(upload(wire, &item, NULL, id, before.ctag, 0, 0, &err), ERR_CHANGED);
    graph_item_clear(&before);
    free(id);
    id = content_upload(wire, "empty.bin", 0, 0);
    content_assert_stored(wire, id, 0, 0);
    free(id);
}

static void graph_upload__of_a_large_file_goes_in_fragments(void **state)
{
    struct wire *wire = *state;
    char *id = content_upload(wire, "large.bin", SESSION_SIZE, 27);

    assert_int_equal(tenant_settled_count(wire->tenant, "PUT", NULL, 3), 3);
    content_assert_stored(wire, id, SESSION_SIZE, 27);
    free(id);
}

/* Uploads a large file while `fault` (JSON) is set; it must arrive once and unchanged. */
static void assert_survives(struct wire *wire, const char *name, const char *fault)
{
    char *id;

    tenant_tell(wire->tenant, "faults", "%s", fault);
    id = content_upload(wire, name, SESSION_SIZE, 28);
    content_assert_stored(wire, id, SESSION_SIZE, 28);
    assert_int_equal(versions_of(wire, name), 1);
    free(id);
}

static void graph_upload__sends_a_reset_fragment_again(void **state)
{
    assert_survives(*state, "s1.bin",
                    "{'match':{'host':'content','method':'PUT'},'after':1,"
                    "'action':{'reset_at':3000000}}");
}

static void graph_upload__goes_on_when_a_fragment_was_there_already(void **state)
{
    assert_survives(*state, "s2.bin",
                    "{'match':{'host':'content','method':'PUT'},'after':1,"
                    "'action':{'run_first':true,'reset':true}}");
}

static void graph_upload__finds_what_the_last_fragment_finished(void **state)
{
    assert_survives(*state, "s3.bin",
                    "{'match':{'host':'content','method':'PUT'},'after':2,"
                    "'action':{'run_first':true,'reset':true}}");
}

static void graph_upload__starts_over_when_the_session_is_lost(void **state)
{
    assert_survives(*state, "s4.bin",
                    "{'match':{'host':'content','method':'PUT'},'after':1,"
                    "'action':{'status':404,'code':'itemNotFound'}}");
}

static void graph_upload__starts_over_when_its_address_expired(void **state)
{
    assert_survives(*state, "s5.bin",
                    "{'match':{'host':'content','method':'PUT'},'after':1,"
                    "'action':{'status':401,'code':'unauthenticated','inner':'expiredToken'}}");
}

static void graph_upload__waits_when_throttled(void **state)
{
    assert_survives(*state, "s6.bin",
                    "{'match':{'host':'content','method':'PUT'},'after':1,"
                    "'action':{'status':429,'headers':{'Retry-After':'1'}}}");
}

static void graph_upload__repeats_after_server_errors(void **state)
{
    assert_survives(*state, "s7.bin",
                    "{'match':{'host':'content','method':'PUT'},'count':2,"
                    "'action':{'status':500,'code':'generalException'}}");
}

/* A large upload that must fail with `wanted`, and leave no session behind. */
static void assert_refused(struct wire *wire, const char *name, const char *fault, int wanted)
{
    struct graph_item item = {0};
    struct error err = {0};

    tenant_tell(wire->tenant, "faults", "%s", fault);
    assert_int_equal(upload(wire, &item, name, NULL, NULL, SESSION_SIZE, 29, &err), wanted);
    /* cancelled in the background */
    for (int i = 0; i < 500 && tenant_count(wire->tenant, "DELETE", NULL) == 0; i++) {
        struct graph_drive drive = {0};

        assert_ok(graph_get_drive(&drive, wire->account, wire->drive_id, NULL, &err), err);
        graph_drive_clear(&drive);
    }
    assert_int_equal(tenant_settled_count(wire->tenant, "DELETE", NULL, 1), 1);
}

static void graph_upload__says_what_a_fragment_was_refused_for(void **state)
{
    static const struct {
        const char *fault;
        int code;
    } rows[] = {
        {"{'match':{'host':'content','method':'PUT'},'after':2,"
         "'action':{'status':409,'code':'nameAlreadyExists'}}",
         ERR_EXISTS},
        {"{'match':{'host':'content','method':'PUT'},'after':2,"
         "'action':{'status':412,'code':'resourceModified'}}",
         ERR_CHANGED},
        {"{'match':{'host':'content','method':'PUT'},'after':2,"
         "'action':{'status':423,'code':'accessDenied'}}",
         ERR_LOCKED},
        {"{'match':{'host':'content','method':'PUT'},'after':1,"
         "'action':{'status':507,'code':'quotaLimitReached'}}",
         ERR_NO_SPACE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        wire_reset(state);
        assert_refused(*state, "refused.bin", rows[i].fault, rows[i].code);
    }
}

static void graph_upload__knows_a_full_library_before_it_sends(void **state)
{
    struct wire *wire = *state;
    struct graph_item item = {0};
    struct error err = {0};

    tenant_tell(wire->tenant, "quota",
                "{'library':'/sites/finance/Shared Documents','total':1000000}");
    assert_int_equal(upload(wire, &item, "full.bin", NULL, NULL, SESSION_SIZE, 30, &err),
                     ERR_NO_SPACE);
    tenant_tell(wire->tenant, "quota",
                "{'library':'/sites/finance/Shared Documents','total':1000000000000}");
    assert_int_equal(tenant_settled_count(wire->tenant, "PUT", NULL, 0), 0);
}

static void graph_upload__of_a_locked_file_says_so(void **state)
{
    struct wire *wire = *state;
    struct graph_item item = {0};
    struct error err = {0};
    char *id = wire_item_id(wire, "Locked.docx");

    assert_int_equal(upload(wire, &item, NULL, id, NULL, 5000, 31, &err), ERR_LOCKED);
    free(id);
}

static int broken_read(void *payload, void *data, size_t size, uint64_t offset, size_t *got,
                       struct error *err)
{
    (void)payload;
    (void)data;
    (void)size;
    (void)offset;
    (void)got;
    return error_set(err, ERR_IO, "the spool cannot be read");
}

static void graph_upload__passes_an_error_of_its_source_on(void **state)
{
    struct wire *wire = *state;
    struct graph_upload upload = {
        .drive_id = wire->drive_id, .name = "unread.bin", .modified_ms = -1, .created_ms = -1};
    struct graph_source source = {.read = broken_read, .size_bytes = 100};
    struct graph_item item = {0};
    struct error err = {0};

    assert_int_equal(graph_upload(&item, wire->account, &upload, &source, NULL, &err), ERR_IO);
    assert_string_equal(err.message, "the spool cannot be read");
}

#define TEST(name) cmocka_unit_test_setup(name, wire_reset)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(graph_upload__of_a_new_file_is_one_put),
        TEST(graph_upload__refuses_a_taken_name),
        TEST(graph_upload__of_a_lost_answer_is_found_and_not_sent_again),
        TEST(graph_upload__of_a_lost_request_is_sent_again),
        TEST(graph_upload__replaces_by_a_session_with_times_as_one_version),
        TEST(graph_upload__takes_a_name_for_its_own_only_after_a_lost_answer),
        TEST(graph_upload__of_nothing_replaces_only_what_it_knows),
        TEST(graph_upload__of_a_large_file_goes_in_fragments),
        TEST(graph_upload__sends_a_reset_fragment_again),
        TEST(graph_upload__goes_on_when_a_fragment_was_there_already),
        TEST(graph_upload__finds_what_the_last_fragment_finished),
        TEST(graph_upload__starts_over_when_the_session_is_lost),
        TEST(graph_upload__starts_over_when_its_address_expired),
        TEST(graph_upload__waits_when_throttled),
        TEST(graph_upload__repeats_after_server_errors),
        TEST(graph_upload__says_what_a_fragment_was_refused_for),
        TEST(graph_upload__knows_a_full_library_before_it_sends),
        TEST(graph_upload__of_a_locked_file_says_so),
        TEST(graph_upload__passes_an_error_of_its_source_on),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("graph_upload", tests, wire_setup, wire_teardown);
}
