#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "base/buf.h"
#include "base/file.h"

static char path_buffer[4096];

static const char *variable(const char *name, void *payload)
{
    (void)payload;
    if (strcmp(name, "LOCALAPPDATA") == 0) {
        return "C:\\Users\\anna\\AppData\\Local";
    }
    return strcmp(name, "HOME") == 0 ? "/home/anna" : NULL;
}

const char *fixture_path(struct fixture *fixture, const char *name)
{
    snprintf(path_buffer, sizeof(path_buffer), "%s/%s", fixture->directory, name);
    return path_buffer;
}

int fixture_setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    assert_int_equal(
        file_make_temporary_directory(&fixture->directory, "mooring-test-policy", NULL), 0);
    fixture->sources.variable = variable;
    assert_int_equal(
        str_copy(&fixture->sources.machine_file, fixture_path(fixture, "machine.yaml"), NULL), 0);
    assert_int_equal(
        str_copy(&fixture->sources.machine_directory, fixture_path(fixture, "policy.d"), NULL), 0);
    assert_int_equal(
        str_copy(&fixture->sources.user_preference_file, fixture_path(fixture, "user.yaml"), NULL),
        0);
    *state = fixture;
    return 0;
}

int fixture_teardown(void **state)
{
    struct fixture *fixture = *state;

    policy_free(fixture->policy);
    policy_sources_clear(&fixture->sources);
    file_remove_tree(fixture->directory, NULL);
    str_free(&fixture->directory);
    free(fixture);
    return 0;
}

void fixture_write_bytes(struct fixture *fixture, const char *name, const void *data, size_t size)
{
    FILE *file;
    const char *slash = strchr(name, '/');

    if (slash) {
        char folder[64];

        snprintf(folder, sizeof(folder), "%.*s", (int)(slash - name), name);
        assert_int_equal(file_make_directories(fixture_path(fixture, folder), NULL), 0);
    }
    file = fopen(fixture_path(fixture, name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void fixture_write(struct fixture *fixture, const char *name, const char *text)
{
    fixture_write_bytes(fixture, name, text, strlen(text));
}

void fixture_load(struct fixture *fixture)
{
    struct error err = {0};

    policy_free(fixture->policy);
    fixture->policy = NULL;
    if (policy_load(&fixture->policy, &fixture->sources, &err) < 0) {
        fail_msg("policy_load: %s", err.message);
    }
}

void fixture_load_machine(struct fixture *fixture, const char *text)
{
    fixture_write(fixture, "machine.yaml", text);
    fixture_load(fixture);
}

const char *fixture_text(struct fixture *fixture, const char *name)
{
    const struct policy_result *result = policy_result_find(fixture->policy, name);

    assert_non_null(result);
    return result->text;
}

void assert_warnings(struct fixture *fixture, const char *expected)
{
    struct buf actual;

    buf_init(&actual, 1 << 20);
    for (size_t i = 0; i < policy_warning_count(fixture->policy); i++) {
        const struct policy_warning *warning = policy_warning_at(fixture->policy, i);

        assert_true(strlen(warning->message) > 10);
        assert_int_equal(buf_add_format(&actual, NULL, "%s %d %s\n",
                                        warning->severity == POLICY_ERROR ? "error" : "warning",
                                        warning->line, warning->key ? warning->key : "-"),
                         0);
    }
    assert_string_equal(buf_text(&actual), expected);
    buf_clear(&actual);
}

void assert_sentence(struct fixture *fixture, size_t index, const char *part)
{
    const struct policy_warning *warning = policy_warning_at(fixture->policy, index);

    assert_non_null(warning);
    if (!strstr(warning->message, part)) {
        fail_msg("'%s' is not in '%s'", part, warning->message);
    }
}
