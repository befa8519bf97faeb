/* What the agent makes of the questions of mooringnp.dll: protocol.md, rule by rule. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf16.h"
#include "np_answer.h"

struct fake {
    char letter;
    char path[128];
    int code;        /* what the functions return */
    size_t children; /* "child-0", "child-1", ... */
    unsigned calls;
};

static int exists(void *payload, const char *path, struct error *err)
{
    struct fake *fake = payload;

    (void)err;
    fake->calls++;
    snprintf(fake->path, sizeof(fake->path), "%s", path);
    return fake->code;
}

static int connect_letter(void *payload, char letter, const char *path, struct error *err)
{
    ((struct fake *)payload)->letter = letter;
    return exists(payload, path, err);
}

static int disconnect_letter(void *payload, char letter, struct error *err)
{
    ((struct fake *)payload)->letter = letter;
    return exists(payload, "", err);
}

static int children(void *payload, size_t start, np_child_fn take, void *taker, struct error *err)
{
    struct fake *fake = payload;
    bool has_room = true;

    (void)err;
    fake->calls++;
    for (size_t i = start; i < fake->children && has_room; i++) {
        char name[32];

        snprintf(name, sizeof(name), "child-%zu", i);
        has_room = take(taker, name);
    }
    return fake->code;
}

/* The answer of one question; `entries` points behind its head. */
struct answered {
    struct np_answer head;
    _Alignas(struct np_answer) unsigned char bytes[NP_ANSWER_BYTES + 64];
    size_t size;
};

static void ask_raw(struct answered *out, struct fake *fake, const void *question, size_t size)
{
    const struct np_world world = {.server = "mooring",
                                   .exists = exists,
                                   .connect = connect_letter,
                                   .disconnect = disconnect_letter,
                                   .children = children,
                                   .payload = fake};

    fake->calls = 0;
    fake->letter = '\0';
    fake->path[0] = '\0';
    memset(out->bytes, 0xEE, sizeof(out->bytes));
    out->size = np_answer_question(out->bytes, question, size, &world);
    assert_in_range(out->size, sizeof(out->head), NP_ANSWER_BYTES);
    memcpy(&out->head, out->bytes, sizeof(out->head));
    assert_int_equal(out->head.magic, NP_MAGIC);
    assert_int_equal(out->head.bytes, out->size - sizeof(out->head));
    for (size_t i = NP_ANSWER_BYTES; i < sizeof(out->bytes); i++) {
        assert_int_equal(out->bytes[i], 0xEE);
    }
}

static size_t make(unsigned char *out, enum np_op op, const char *local, const char *remote,
                   uint32_t start)
{
    struct np_request head = {.magic = NP_MAGIC, .op = (uint16_t)op, .start = start};
    uint16_t *units = NULL;
    char *text = NULL;
    size_t count = 0;

    assert_int_equal(str_format(&text, NULL, "%s%s", local, remote), 0);
    assert_int_equal(utf16_from_utf8(&units, &count, text, NULL), 0);
    head.local_units = (uint16_t)strlen(local);
    head.remote_units = (uint16_t)(count - strlen(local));
    memcpy(out, &head, sizeof(head));
    memcpy(out + sizeof(head), units, count * sizeof(*units));
    free(units);
    str_free(&text);
    return sizeof(head) + count * sizeof(uint16_t);
}

static unsigned ask(struct fake *fake, enum np_op op, const char *local, const char *remote)
{
    unsigned char question[8192];
    struct answered answer;

    ask_raw(&answer, fake, question, make(question, op, local, remote, 0));
    assert_int_equal(answer.head.count, 0);
    return answer.head.status;
}

static void connect__reaches_the_session_with_a_path(void **state)
{
    struct fake fake = {.code = 0};

    (void)state;
    assert_int_equal(
        ask(&fake, NP_CONNECT, "K:", "\\\\MOORING\\contoso\\fin\xC3\xA4nce\\Shared Documents"), 0);
    assert_int_equal(fake.letter, 'K');
    assert_string_equal(fake.path, "contoso/fin\xC3\xA4nce/Shared Documents");
    assert_int_equal(ask(&fake, NP_CONNECT, "", "\\\\mooring\\contoso\\"), 0);
    assert_int_equal(fake.letter, '\0');
    assert_string_equal(fake.path, "contoso");
    assert_int_equal(ask(&fake, NP_CONNECT, "K:", "\\\\mooring"), NP_STATUS_BAD_NETNAME);
    assert_int_equal(fake.calls, 0);
}

static void disconnect__takes_a_letter_or_a_name(void **state)
{
    struct fake fake = {.code = 0};

    (void)state;
    assert_int_equal(ask(&fake, NP_DISCONNECT, "K:", ""), 0);
    assert_int_equal(fake.letter, 'K');
    assert_int_equal(ask(&fake, NP_DISCONNECT, "", "\\\\mooring\\contoso\\a"), 0);
    assert_string_equal(fake.path, "contoso/a");
    fake.code = ERR_NOT_FOUND;
    assert_int_equal(ask(&fake, NP_DISCONNECT, "K:", ""), NP_STATUS_NOT_CONNECTED);
    assert_int_equal(ask(&fake, NP_DISCONNECT, "", "\\\\mooring\\x"), NP_STATUS_NOT_CONNECTED);
    assert_int_equal(ask(&fake, NP_DISCONNECT, "", "\\\\mooring"), NP_STATUS_NOT_CONNECTED);
}

static void exists__knows_the_server_itself(void **state)
{
    struct fake fake = {.code = ERR_NOT_FOUND};

    (void)state;
    assert_int_equal(ask(&fake, NP_EXISTS, "", "\\\\mooring"), 0);
    assert_int_equal(ask(&fake, NP_EXISTS, "", "\\\\mooring\\a"), NP_STATUS_BAD_NETNAME);
}

static void names__that_are_none_reach_nobody(void **state)
{
    static const char *const names[] = {
        "",
        "\\",
        "\\\\",
        "mooring\\a",
        "\\\\other\\a",
        "\\\\moorings\\a",
        "\\\\moorin",
        "\\\\mooring\\a\\\\b",
        "\\\\mooring\\a\\..\\b",
        "\\\\mooring\\.\\b",
        "\\\\mooring\\a/b",
        "\\\\mooring\\\\",
    };
    struct fake fake = {.code = 0};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (ask(&fake, NP_EXISTS, "", names[i]) != NP_STATUS_BAD_NETNAME || fake.calls != 0) {
            fail_msg("'%s' was taken for a name", names[i]);
        }
    }
}

static void codes__become_what_windows_calls_them(void **state)
{
    static const struct {
        int code;
        unsigned status;
    } rows[] = {
        {0, NP_STATUS_SUCCESS},
        {ERR_NOT_FOUND, NP_STATUS_BAD_NETNAME},
        {ERR_NOT_FOLDER, NP_STATUS_BAD_NETNAME},
        {ERR_EXISTS, NP_STATUS_ALREADY_CONNECTED},
        {ERR_DENIED, NP_STATUS_ACCESS_DENIED},
        {ERR_NO_MEMORY, NP_STATUS_OUT_OF_MEMORY},
        {ERR_UNSUPPORTED, NP_STATUS_NOT_SUPPORTED},
        {ERR_TIMED_OUT, NP_STATUS_NET_ERROR},
        {ERR_UNREACHABLE, NP_STATUS_NET_ERROR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fake fake = {.code = rows[i].code};

        assert_int_equal(ask(&fake, NP_CONNECT, "K:", "\\\\mooring\\a"), rows[i].status);
    }
}

static void questions__that_break_a_rule_are_not_supported(void **state)
{
    struct fake fake = {.code = 0};
    unsigned char question[8192];
    struct answered answer;
    struct np_request head;
    size_t size = make(question, NP_EXISTS, "", "\\\\mooring\\a", 0);

    (void)state;
    for (size_t cut = 0; cut < size; cut++) { /* every byte counts */
        ask_raw(&answer, &fake, question, cut);
        assert_int_equal(answer.head.status, NP_STATUS_NOT_SUPPORTED);
    }
    ask_raw(&answer, &fake, question, size + 2);
    assert_int_equal(answer.head.status, NP_STATUS_NOT_SUPPORTED);
    memcpy(&head, question, sizeof(head));
    head.magic++;
    memcpy(question, &head, sizeof(head));
    ask_raw(&answer, &fake, question, size);
    assert_int_equal(answer.head.status, NP_STATUS_NOT_SUPPORTED);
    head.magic--;
    head.remote_units = 0xFFFF;
    memcpy(question, &head, sizeof(head));
    ask_raw(&answer, &fake, question, size);
    assert_int_equal(answer.head.status, NP_STATUS_NOT_SUPPORTED);
    assert_int_equal(ask(&fake, (enum np_op)9, "", "\\\\mooring\\a"), NP_STATUS_NOT_SUPPORTED);
    assert_int_equal(ask(&fake, NP_CONNECT, "k:", "\\\\mooring\\a"), NP_STATUS_BAD_LOCALNAME);
    assert_int_equal(ask(&fake, NP_CONNECT, "K;", "\\\\mooring\\a"), NP_STATUS_BAD_LOCALNAME);
    size = make(question, NP_EXISTS, "", "\\\\mooring\\a", 0);
    question[size - 1] = 0xD8; /* half of a pair */
    ask_raw(&answer, &fake, question, size);
    assert_int_equal(answer.head.status, NP_STATUS_BAD_NETNAME);
    assert_int_equal(fake.calls, 0);
}

/* Asks until there is nothing more, as the provider does. */
static void children__come_in_answers_that_fit(void **state)
{
    struct fake fake = {.children = 1500};
    unsigned char question[8192];
    struct answered answer;
    uint32_t start = 0;
    unsigned answers = 0;

    (void)state;
    do {
        const unsigned char *at = answer.bytes + sizeof(answer.head);

        ask_raw(&answer, &fake, question, make(question, NP_CHILDREN, "", "\\\\mooring", start));
        assert_int_equal(answer.head.status, 0);
        for (uint32_t i = 0; i < answer.head.count; i++) {
            char want[64];
            char *text = NULL;
            uint16_t name[64];
            uint16_t units;

            memcpy(&units, at, sizeof(units));
            assert_in_range(units, 1, 63);
            memcpy(name, at + sizeof(units), units * sizeof(*name));
            at += sizeof(units) + units * sizeof(*name);
            assert_int_equal(utf16_to_utf8(&text, name, units, NULL), 0);
            snprintf(want, sizeof(want), "\\\\mooring\\child-%u", (unsigned)(start + i));
            assert_string_equal(text, want);
            free(text);
        }
        assert_ptr_equal(at, answer.bytes + answer.size);
        start += answer.head.count;
        answers++;
    } while (answer.head.count > 0);
    assert_int_equal(start, fake.children);
    assert_in_range(answers, 3, 100);
    fake.code = ERR_UNREACHABLE; /* half a list is none */
    ask_raw(&answer, &fake, question, make(question, NP_CHILDREN, "", "\\\\mooring", 0));
    assert_int_equal(answer.head.status, NP_STATUS_NET_ERROR);
    assert_int_equal(answer.head.count, 0);
    assert_int_equal(ask(&fake, NP_CHILDREN, "", "\\\\mooring\\a"), NP_STATUS_BAD_NETNAME);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect__reaches_the_session_with_a_path),
        cmocka_unit_test(disconnect__takes_a_letter_or_a_name),
        cmocka_unit_test(exists__knows_the_server_itself),
        cmocka_unit_test(names__that_are_none_reach_nobody),
        cmocka_unit_test(codes__become_what_windows_calls_them),
        cmocka_unit_test(questions__that_break_a_rule_are_not_supported),
        cmocka_unit_test(children__come_in_answers_that_fit),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
