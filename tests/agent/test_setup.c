/*
 * test_setup.c - the scheduled task as text. What the Task Scheduler makes of it only Windows shows.
 */
#include <string.h>

#include "base/str.h"
#include "setup.h"
#include "test.h"

static void assert_has(const char *xml, const char *part)
{
    if (!strstr(xml, part)) {
        fail_msg("no '%s' in: %s", part, xml);
    }
}

static void setup_task_xml__is_for_every_user_without_their_passwords(void **state)
{
    char *xml = NULL;

    (void)state;
    assert_int_equal(setup_task_xml(&xml, "C:\\Program Files\\Mooring\\mooring-agent.exe", NULL),
                     0);
    assert_has(xml, "<LogonTrigger>");
    assert_null(strstr(xml, "<UserId>")); /* not of one user, neither trigger nor principal */
    assert_has(xml, "<GroupId>S-1-5-32-545</GroupId>");
    assert_has(xml, "<RunLevel>LeastPrivilege</RunLevel>");
    assert_has(xml, "<Command>C:\\Program Files\\Mooring\\mooring-agent.exe</Command>");
    str_free(&xml);
}

static void setup_task_xml__ends_no_agent_and_hinders_no_second_user(void **state)
{
    char *xml = NULL;

    (void)state;
    assert_int_equal(setup_task_xml(&xml, "C:\\a.exe", NULL), 0);
    assert_has(xml, "<MultipleInstancesPolicy>Parallel</MultipleInstancesPolicy>");
    assert_has(xml, "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit>");
    assert_has(xml, "<DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>");
    assert_has(xml, "<StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>");
    str_free(&xml);
}

static void setup_task_xml__keeps_a_path_that_looks_like_xml(void **state)
{
    char *xml = NULL;

    (void)state;
    assert_int_equal(setup_task_xml(&xml, "D:\\R&D\\<x>.exe", NULL), 0);
    assert_has(xml, "<Command>D:\\R&amp;D\\&lt;x&gt;.exe</Command>");
    str_free(&xml);
}

/* The text goes to Windows as UTF-16: a declaration of another encoding would be refused. */
static void setup_task_xml__names_no_encoding(void **state)
{
    char *xml = NULL;

    (void)state;
    assert_int_equal(setup_task_xml(&xml, "C:\\a.exe", NULL), 0);
    assert_null(strstr(xml, "encoding"));
    str_free(&xml);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(setup_task_xml__is_for_every_user_without_their_passwords),
    cmocka_unit_test(setup_task_xml__ends_no_agent_and_hinders_no_second_user),
    cmocka_unit_test(setup_task_xml__keeps_a_path_that_looks_like_xml),
    cmocka_unit_test(setup_task_xml__names_no_encoding),
};

TEST_MAIN("setup", tests)
