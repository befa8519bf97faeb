/* What Explorer is to show, and the condition for it. Pure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "explorer.h"
#include "office.h"

static void fill(struct explorer_view *view)
{
    assert_int_equal(str_copy(&view->root, "\\\\mooring", NULL), 0);
    assert_int_equal(explorer_view_add_folder(view, "contoso", "\\\\mooring\\contoso", NULL), 0);
    assert_int_equal(
        explorer_view_add_letter(view, 'F', "Finance", "\\\\mooring\\contoso\\finance", NULL), 0);
}

static void explorer_condition__names_each_way_to_our_files(void **state)
{
    struct explorer_view view = {0};
    char *text = NULL;

    (void)state;
    fill(&view);
    assert_int_equal(explorer_condition(&text, &view, false, NULL), 0);
    assert_string_equal(text, "(System.ItemPathDisplay:~<\"\\\\mooring\\\" OR "
                              "System.ItemPathDisplay:~<\"F:\\\")");
    str_free(&text);
    explorer_view_clear(&view);
}

static void explorer_condition__of_office_has_each_of_its_extensions(void **state)
{
    struct explorer_view view = {0};
    char *text = NULL;
    char part[80];

    (void)state;
    fill(&view);
    assert_int_equal(explorer_condition(&text, &view, true, NULL), 0);
    assert_non_null(strstr(text, "\") AND (System.FileExtension:=\".docx\""));
    for (size_t i = 0; office_extension(i); i++) {
        snprintf(part, sizeof(part), "System.FileExtension:=\"%s\"", office_extension(i));
        assert_non_null(strstr(text, part));
        assert_true(office_is_document(office_extension(i)));
    }
    str_free(&text);
    explorer_view_clear(&view);
}

static void explorer_view__equals_only_what_looks_the_same(void **state)
{
    struct explorer_view a = {0};
    struct explorer_view b = {0};

    (void)state;
    assert_true(explorer_view_equal(&a, &b));
    fill(&a);
    assert_false(explorer_view_equal(&a, &b));
    fill(&b);
    assert_true(explorer_view_equal(&a, &b));
    assert_int_equal(str_copy(&b.letters[0].label, "Other", NULL), 0);
    assert_false(explorer_view_equal(&a, &b));
    assert_int_equal(str_copy(&b.letters[0].label, "Finance", NULL), 0);
    b.letters[0].letter = 'G';
    assert_false(explorer_view_equal(&a, &b));
    explorer_view_clear(&a);
    explorer_view_clear(&b);
    assert_true(explorer_view_equal(&a, &b));
}

static void explorer_view__has_each_folder_once_and_a_limit(void **state)
{
    struct explorer_view view = {0};
    char name[20];

    (void)state;
    fill(&view);
    assert_int_equal(explorer_view_add_folder(&view, "CONTOSO", "\\\\mooring\\CONTOSO", NULL), 0);
    assert_int_equal(view.folder_count, 1);
    for (int i = 0; i < EXPLORER_FOLDERS_MAX + 5; i++) {
        snprintf(name, sizeof(name), "tenant%d", i);
        assert_int_equal(explorer_view_add_folder(&view, name, name, NULL), 0);
    }
    assert_int_equal(view.folder_count, EXPLORER_FOLDERS_MAX);
    assert_int_not_equal(explorer_view_add_letter(&view, 'a', "x", "y", NULL), 0);
    explorer_view_clear(&view);
}

static void explorer_mount_point__is_the_path_with_hashes(void **state)
{
    char *name = NULL;

    (void)state;
    assert_int_equal(explorer_mount_point(&name, "\\\\localhost@8080\\DavWWWRoot\\a b", NULL), 0);
    assert_string_equal(name, "##localhost@8080#DavWWWRoot#a b");
    str_free(&name);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(explorer_condition__names_each_way_to_our_files),
        cmocka_unit_test(explorer_condition__of_office_has_each_of_its_extensions),
        cmocka_unit_test(explorer_view__equals_only_what_looks_the_same),
        cmocka_unit_test(explorer_view__has_each_folder_once_and_a_limit),
        cmocka_unit_test(explorer_mount_point__is_the_path_with_hashes),
    };

    if (argc > 1) {
        cmocka_set_test_filter(argv[1]);
    }
    return cmocka_run_group_tests_name("explorer_view", tests, NULL, NULL);
}
