/*
 * test_np_volumes.c - the transport `np` on Windows, on a double of WinFsp's DLL: which volumes and
 * letters there are, what they are called, and what the driver is told.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#define WIN32_NO_STATUS
#include <windows.h>
#undef WIN32_NO_STATUS
#include <ntstatus.h>

#include "base/clock.h"
#include "base/win32.h"
#include "fixture.h"
#include "np/win32/letters.h"
#include "test.h"

#define LONG_MS 30000

static void start__says_what_is_missing(void **state)
{
    const struct transport_options options = {0};
    struct transport *transport = NULL;
    struct vfs *memory = NULL;
    struct error err = {0};

    (void)state;
    winfsp_install(false);
    assert_int_equal(memfs_new(&memory, NULL, NULL), 0);
    assert_int_equal(transport_create(&transport, "np", &options, NULL), 0);
    assert_int_equal(transport_start(transport, memory, &err), ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "not installed"));
    transport_stop(transport, 0);
    transport = NULL;
    winfsp_install(true);
    SetEnvironmentVariableW(L"MOORING_FSP_VERSION", L"131073"); /* 2.1 */
    assert_int_equal(transport_create(&transport, "np", &options, NULL), 0);
    assert_int_equal(transport_start(transport, memory, &err), ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "2.1 is too old"));
    assert_int_equal(transport_check(transport, &err), ERR_INVALID);
    transport_stop(transport, 0);
    SetEnvironmentVariableW(L"MOORING_FSP_VERSION", NULL);
    vfs_unref(memory);
    winfsp_install(false);
}

static void attach__shows_a_volume_per_tenant(void **state)
{
    struct winfsp_world *world = *state;
    struct mapping mapping = {.path = "Fabrikam/s/l", .root_id = world->library};
    struct error err = {0};

    assert_non_null(winfsp_volume(0));
    assert_null(winfsp_volume(1));
    assert_true(wcscmp(winfsp_volume(0)->params.prefix, L"\\mooring\\contoso") == 0);
    assert_int_equal(winfsp_volume(0)->params.version, 504);
    assert_true(winfsp_volume(0)->params.flags & FSP_PERSISTENT_ACLS);
    assert_true(winfsp_volume(0)->params.irp_timeout_ms > 60000);
    assert_int_equal(winfsp_volume(0)->threads, 3);
    assert_true(winfsp_volume(0)->is_dispatching);
    assert_int_equal(transport_attach(world->transport, &mapping, &err), 0);
    assert_int_equal(transport_attach(world->transport, &mapping, &err), 0);
    mapping.path = "fabrikam/s/m";
    assert_int_equal(transport_attach(world->transport, &mapping, &err), 0);
    assert_non_null(winfsp_volume(1));
    assert_null(winfsp_volume(2));
    assert_int_equal(transport_detach(world->transport, "fabrikam/s/m", &err), 0);
    assert_non_null(winfsp_volume(1));
    assert_int_equal(transport_detach(world->transport, "Fabrikam/s/l", &err), 0);
    assert_null(winfsp_volume(1));
}

static void attach__takes_the_server_that_it_is_told(void **state)
{
    const struct transport_options options = {.unc_server = "sharepoint"};
    struct winfsp_world *world = *state;
    struct mapping mapping = {.path = "contoso/s/l", .root_id = world->library};
    struct transport *transport = NULL;

    assert_int_equal(transport_create(&transport, "np", &options, NULL), 0);
    assert_int_equal(transport_start(transport, world->memory, NULL), 0);
    assert_int_equal(transport_attach(transport, &mapping, NULL), 0);
    assert_true(wcscmp(winfsp_volume(1)->params.prefix, L"\\sharepoint\\contoso") == 0);
    transport_stop(transport, 2000);
    assert_null(winfsp_volume(1));
    /* the name of a volume is the machine's: the second to ask is told so */
    assert_int_equal(transport_create(&transport, "np", &(struct transport_options){0}, NULL), 0);
    assert_int_equal(transport_start(transport, world->memory, NULL), 0);
    assert_int_equal(transport_attach(transport, &mapping, NULL), ERR_BUSY);
    transport_stop(transport, 2000);
}

static bool letter_leads_to(char letter, const wchar_t *wanted)
{
    const wchar_t name[] = {(wchar_t)letter, L':', L'\0'};
    wchar_t target[256] = L"";

    return QueryDosDeviceW(name, target, ARRAYSIZE(target)) > 0 && wcscmp(target, wanted) == 0;
}

static void attach__makes_and_moves_the_letter(void **state)
{
    static const wchar_t device[] = L"\\Device\\Mup\\mooring\\contoso\\finance\\Documents";
    struct winfsp_world *world = *state;
    struct mapping mapping = {
        .path = "contoso/finance/Documents", .root_id = world->library, .letter = 'W'};
    struct error err = {0};

    assert_true(letter_leads_to('X', device));
    assert_int_equal(transport_attach(world->transport, &mapping, &err), 0);
    assert_false(letter_leads_to('X', device));
    assert_true(letter_leads_to('W', device));
    assert_int_equal(transport_detach(world->transport, mapping.path, &err), 0);
    assert_false(letter_leads_to('W', device));
    assert_null(winfsp_volume(0));
}

static void attach__leaves_letters_of_others(void **state)
{
    struct winfsp_world *world = *state;
    struct mapping mapping = {.path = "contoso/a/b", .root_id = world->library, .letter = 'V'};
    struct error err = {0};

    assert_true(DefineDosDeviceW(DDD_RAW_TARGET_PATH, L"V:", L"\\Device\\Mup\\server\\share"));
    assert_int_equal(transport_attach(world->transport, &mapping, &err), ERR_EXISTS);
    assert_true(letter_leads_to('V', L"\\Device\\Mup\\server\\share"));
    DefineDosDeviceW(DDD_REMOVE_DEFINITION, L"V:", NULL);
    /* of an agent that died */
    assert_int_equal(letter_set('V', "mooring", "contoso/old", true, &err), 0);
    assert_int_equal(transport_attach(world->transport, &mapping, &err), 0);
    assert_true(letter_leads_to('V', L"\\Device\\Mup\\mooring\\contoso\\a\\b"));
}

static void volume_info__has_room_when_the_quota_is_unknown(void **state)
{
    struct fsp_volume_info info;

    (void)state;
    assert_int_equal(calls()->get_volume_info(fs(), &info), STATUS_SUCCESS);
    assert_true(info.total_bytes > 0 && info.free_bytes > 0);
    assert_int_equal(info.label_bytes, 7 * sizeof(wchar_t));
    assert_true(wcsncmp(info.label, L"contoso", 7) == 0);
}

static void check__notices_that_winfsp_stopped(void **state)
{
    struct winfsp_world *world = *state;
    struct error err = {0};

    assert_int_equal(transport_check(world->transport, &err), 0);
    calls()->dispatcher_stopped(fs(), TRUE);
    assert_int_equal(transport_check(world->transport, &err), 0);
    calls()->dispatcher_stopped(fs(), FALSE);
    assert_int_equal(transport_check(world->transport, &err), ERR_IO);
}

/* WinFsp was updated: the session makes a new transport, as session_mount.c does. */
static void check__is_good_again_after_a_new_start(void **state)
{
    const struct transport_options options = {.max_threads = 3};
    struct winfsp_world *world = *state;
    struct mapping mapping = {
        .path = "contoso/finance/Documents", .root_id = world->library, .letter = 'X'};
    struct error err = {0};

    make_file(L"kept.txt", "before");
    calls()->dispatcher_stopped(fs(), FALSE);
    assert_int_equal(transport_check(world->transport, &err), ERR_IO);
    transport_stop(world->transport, 2000);
    assert_null(winfsp_volume(0));
    assert_false(letter_leads_to('X', L"\\Device\\Mup\\mooring\\contoso\\finance\\Documents"));
    assert_int_equal(transport_create(&world->transport, "np", &options, NULL), 0);
    assert_int_equal(transport_start(world->transport, world->memory, NULL), 0);
    assert_int_equal(transport_attach(world->transport, &mapping, NULL), 0);
    assert_int_equal(transport_check(world->transport, &err), 0);
    assert_true(letter_leads_to('X', L"\\Device\\Mup\\mooring\\contoso\\finance\\Documents"));
    assert_int_equal(calls()->get_security_by_name(fs(), in_library(L"kept.txt"), NULL, NULL, NULL),
                     STATUS_SUCCESS);
}

static void user_tag__tells_users_and_sessions_apart(void **state)
{
    const struct transport_options options = {.user_tag = "k3f9aq"};
    struct winfsp_world *world = *state;
    struct mapping mapping = {.path = "Contoso/s/l", .root_id = world->library, .letter = 'V'};
    struct transport *transports[2] = {NULL, NULL};
    char *share = NULL;

    for (int i = 0; i < 2; i++) { /* two sessions of one user, beside the client of the set-up */
        assert_int_equal(transport_create(&transports[i], "np", &options, NULL), 0);
        assert_int_equal(transport_start(transports[i], world->memory, NULL), 0);
        assert_int_equal(transport_attach(transports[i], &mapping, NULL), 0);
        mapping.letter = 'W';
    }
    assert_true(wcscmp(winfsp_volume(1)->params.prefix, L"\\mooring\\Contoso~k3f9aq") == 0);
    assert_true(wcscmp(winfsp_volume(2)->params.prefix, L"\\mooring\\Contoso~k3f9aq2") == 0);
    assert_true(letter_leads_to('V', L"\\Device\\Mup\\mooring\\Contoso~k3f9aq\\s\\l"));
    assert_true(letter_leads_to('W', L"\\Device\\Mup\\mooring\\Contoso~k3f9aq2\\s\\l"));
    assert_int_equal(transport_share(transports[1], &share, "CONTOSO", NULL), 0);
    assert_string_equal(share, "Contoso~k3f9aq2");
    assert_int_equal(transport_share(transports[1], &share, "nobody", NULL), ERR_NOT_FOUND);
    assert_int_equal(transport_share(world->transport, &share, "contoso", NULL), 0);
    assert_string_equal(share, "contoso");
    free(share);
    transport_stop(transports[0], 2000);
    transport_stop(transports[1], 2000);
}

static void set_letter__is_a_users_until_it_is_taken_away(void **state)
{
    static const wchar_t budget[] = L"\\Device\\Mup\\mooring\\contoso\\finance\\Documents\\Budget";
    static const char path[] = "contoso/finance/Documents/Budget";
    struct winfsp_world *world = *state;
    struct mapping mapping = {.path = "contoso/finance/Documents", .root_id = world->library};
    struct transport *t = world->transport;

    assert_int_equal(transport_set_letter(t, 'V', path, NULL), 0);
    assert_true(letter_leads_to('V', budget));
    assert_int_equal(transport_set_letter(t, 'V', path, NULL), ERR_EXISTS);
    assert_int_equal(transport_set_letter(t, 'X', path, NULL), ERR_EXISTS); /* the mapping's */
    assert_int_equal(transport_set_letter(t, 'U', "nobody/x", NULL), ERR_NOT_FOUND);
    /* what policy changes leaves the user's alone, and does not take it */
    assert_int_equal(transport_attach(t, &mapping, NULL), 0);
    assert_false(letter_leads_to('X', L"\\Device\\Mup\\mooring\\contoso\\finance\\Documents"));
    assert_true(letter_leads_to('V', budget));
    mapping.letter = 'V';
    assert_int_equal(transport_attach(t, &mapping, NULL), ERR_EXISTS);
    assert_true(letter_leads_to('V', budget));
    assert_int_equal(transport_set_letter(t, 'V', NULL, NULL), 0);
    assert_false(letter_leads_to('V', budget));
    assert_int_equal(transport_set_letter(t, 'V', NULL, NULL), ERR_NOT_FOUND);
    /* it goes with what it leads to */
    assert_int_equal(transport_set_letter(t, 'V', path, NULL), 0);
    assert_int_equal(transport_detach(t, "contoso/finance/Documents", NULL), 0);
    assert_false(letter_leads_to('V', budget));
}

static void set_letter__leaves_letters_of_others(void **state)
{
    static const wchar_t server[] = L"\\Device\\Mup\\server\\share";
    struct winfsp_world *world = *state;

    assert_true(DefineDosDeviceW(DDD_RAW_TARGET_PATH, L"V:", server));
    assert_int_equal(transport_set_letter(world->transport, 'V', "contoso", NULL), ERR_EXISTS);
    assert_int_equal(transport_set_letter(world->transport, 'V', NULL, NULL), ERR_NOT_FOUND);
    assert_true(letter_leads_to('V', server));
    DefineDosDeviceW(DDD_REMOVE_DEFINITION, L"V:", NULL);
}

static uint32_t attributes_of(const wchar_t *name)
{
    struct fsp_file_info info = {.attributes = 0};
    uint32_t by_name = 0;
    void *context = NULL;

    assert_int_equal(open_named(&context, name, FILE_READ_ATTRIBUTES), STATUS_SUCCESS);
    assert_int_equal(calls()->get_file_info(fs(), context, &info), STATUS_SUCCESS);
    close_context(context);
    assert_int_equal(calls()->get_security_by_name(fs(), in_library(name), &by_name, NULL, NULL),
                     STATUS_SUCCESS);
    assert_int_equal(info.attributes, by_name);
    return by_name;
}

static void offline__marks_files_as_policy_says(void **state)
{
    enum { MARK = FILE_ATTRIBUTE_OFFLINE | 0x00400000 };
    struct winfsp_world *world = *state;
    void *context = NULL;
    union {
        struct fsp_dir_info info;
        char room[sizeof(struct fsp_dir_info) + 512];
    } entry;

    make_file(L"a.docx", "x");
    make_file(L"b.PDF", "x");
    make_file(L"c", "x");
    make_file(L"d.pd", "x");
    assert_int_equal(attributes_of(L"a.docx"), FILE_ATTRIBUTE_NORMAL);
    assert_int_equal(transport_set_offline(world->transport, "msg|pdf", NULL), 0);
    assert_int_equal(attributes_of(L"a.docx"), MARK);
    assert_int_equal(attributes_of(L"b.PDF"), FILE_ATTRIBUTE_NORMAL);
    assert_int_equal(attributes_of(L"c"), MARK);
    assert_int_equal(attributes_of(L"d.pd"), MARK);
    assert_int_equal(attributes_of(L""), FILE_ATTRIBUTE_DIRECTORY);
    assert_int_equal(open_named(&context, L"", FILE_LIST_DIRECTORY), STATUS_SUCCESS);
    assert_int_equal(
        calls()->get_dir_info_by_name(fs(), context, (wchar_t *)(uintptr_t)L"a.docx", &entry.info),
        STATUS_SUCCESS);
    assert_int_equal(entry.info.file.attributes, MARK);
    close_context(context);
    /* by another name it is another kind of file */
    assert_int_equal(open_named(&context, L"a.docx", DELETE), STATUS_SUCCESS);
    assert_int_equal(
        calls()->rename(fs(), context, in_library(L"a.docx"), in_library(L"a.pdf"), FALSE),
        STATUS_SUCCESS);
    assert_int_equal(calls()->get_file_info(fs(), context, &entry.info.file), STATUS_SUCCESS);
    assert_int_equal(entry.info.file.attributes, FILE_ATTRIBUTE_NORMAL);
    close_context(context);
    assert_int_equal(transport_set_offline(world->transport, "", NULL), 0);
    assert_int_equal(attributes_of(L"b.PDF"), MARK);
    assert_int_equal(transport_set_offline(world->transport, NULL, NULL), 0);
    assert_int_equal(attributes_of(L"b.PDF"), FILE_ATTRIBUTE_NORMAL);
}

/* Waits until the driver was told so. */
static void await_note(const wchar_t *name, uint32_t action)
{
    const struct double_volume *volume = winfsp_volume(0);
    int64_t end = clock_mono_ms(clock_system()) + LONG_MS;
    LONG seen = 0;

    while (clock_mono_ms(clock_system()) < end) {
        for (; seen < volume->note_count; seen++) {
            if (volume->notes[seen].action == action &&
                wcscmp(volume->notes[seen].name, name) == 0) {
                return;
            }
        }
        SwitchToThread();
    }
    for (LONG i = 0; i < seen; i++) {
        print_error("  told: %lu '%ls'\n", (unsigned long)volume->notes[i].action,
                    volume->notes[i].name);
    }
    print_error("not told: %lu '%ls'\n", (unsigned long)action, name);
    fail();
}

static void changes__are_told_to_who_looks(void **state)
{
    struct winfsp_world *world = *state;
    struct vfs_attr unseen;
    void *folder = NULL;
    void *file = NULL;

    assert_int_equal(vfs_mkdir(world->memory, &unseen, world->library, "nobody looks", NULL, NULL),
                     0);
    assert_int_equal(open_named(&folder, L"", FILE_LIST_DIRECTORY), STATUS_SUCCESS);
    assert_int_equal(memfs_edit(world->memory, unseen.id, "unseen.txt", "1", 1, NULL), 0);
    assert_int_equal(memfs_edit(world->memory, world->library, "new \xC3\xBC.txt", "1", 1, NULL),
                     0);
    await_note(L"\\FINANCE\\DOCUMENTS\\NEW \x00DC.TXT", FILE_ACTION_ADDED);
    await_note(L"\\FINANCE\\DOCUMENTS\\NEW \x00DC.TXT", FILE_ACTION_MODIFIED);
    for (LONG i = 0; i < winfsp_volume(0)->note_count; i++) {
        assert_null(wcsstr(winfsp_volume(0)->notes[i].name, L"UNSEEN"));
    }
    close_context(folder);
    assert_int_equal(open_named(&file, L"new \x00fc.txt", FILE_READ_DATA), STATUS_SUCCESS);
    winfsp_volume(0)->note_count = 0; /* all that came before is told */
    assert_int_equal(memfs_edit(world->memory, world->library, "new \xC3\xBC.txt", "22", 2, NULL),
                     0);
    await_note(L"\\FINANCE\\DOCUMENTS\\NEW \x00DC.TXT", FILE_ACTION_MODIFIED);
    close_context(file);
    vfs_forget(world->memory, unseen.id, 1);
}

static void folders__that_come_are_told_to_who_looks(void **state)
{
    struct winfsp_world *world = *state;
    struct mapping mapping = {.path = "contoso/sales/Documents", .root_id = world->library};
    struct fsp_file_info info;
    void *root = NULL;

    assert_int_equal(
        calls()->open(fs(), (wchar_t *)(uintptr_t)L"\\", 1, FILE_LIST_DIRECTORY, &root, &info),
        STATUS_SUCCESS);
    assert_int_equal(transport_attach(world->transport, &mapping, NULL), 0);
    await_note(L"\\SALES", FILE_ACTION_ADDED);
    assert_int_equal(transport_detach(world->transport, mapping.path, NULL), 0);
    await_note(L"\\SALES", FILE_ACTION_REMOVED);
    close_context(root);
}

/* Each operation ends by its deadline, with a status that programs understand. */
static void operations__end_by_their_deadline(void **state)
{
    const struct transport_options options = {.deadline_ms = 50, .save_deadline_ms = 50};
    const struct memfs_options slow = {.delay_ms = 600000};
    struct mapping mapping = {.path = "contoso/finance/Documents", .root_id = 77};
    struct transport *transport = NULL;
    struct fsp_file_info info;
    struct vfs *memory = NULL;
    void *context = NULL;

    (void)state;
    winfsp_install(true);
    assert_int_equal(memfs_new(&memory, &slow, NULL), 0);
    assert_int_equal(transport_create(&transport, "np", &options, NULL), 0);
    assert_int_equal(transport_start(transport, memory, NULL), 0);
    assert_int_equal(transport_attach(transport, &mapping, NULL), 0);
    assert_int_equal(calls()->get_security_by_name(fs(), in_library(L"x"), NULL, NULL, NULL),
                     STATUS_IO_TIMEOUT);
    assert_int_equal(open_named(&context, L"x", FILE_READ_DATA), STATUS_IO_TIMEOUT);
    assert_int_equal(
        calls()->create(fs(), in_library(L"x"), 0, FILE_WRITE_DATA, 0, NULL, 0, &context, &info),
        STATUS_IO_TIMEOUT);
    transport_stop(transport, 2000);
    vfs_unref(memory);
    winfsp_install(false);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, winfsp_set_up, winfsp_tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start__says_what_is_missing),
        TEST(attach__shows_a_volume_per_tenant),
        TEST(attach__takes_the_server_that_it_is_told),
        TEST(attach__makes_and_moves_the_letter),
        TEST(attach__leaves_letters_of_others),
        TEST(volume_info__has_room_when_the_quota_is_unknown),
        TEST(check__notices_that_winfsp_stopped),
        TEST(check__is_good_again_after_a_new_start),
        TEST(user_tag__tells_users_and_sessions_apart),
        TEST(set_letter__is_a_users_until_it_is_taken_away),
        TEST(set_letter__leaves_letters_of_others),
        TEST(offline__marks_files_as_policy_says),
        TEST(changes__are_told_to_who_looks),
        TEST(folders__that_come_are_told_to_who_looks),
        cmocka_unit_test(operations__end_by_their_deadline),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("np_volumes", tests, NULL, NULL) ? 1 : 0;
}
