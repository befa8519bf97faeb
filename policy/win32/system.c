#include "system.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/win32.h"
#include "policy/load.h"
#include "registry.h"

enum { PATH_LIMIT = 4096, NAME_LIMIT = 64 };

/* The environment in UTF-8, "NAME=value". getenv() has it in the code page of the machine, and what
 * is lent must last; so it is taken once, as it was at the first question, and never changes. */
static struct str_list environment;
static pthread_once_t environment_once = PTHREAD_ONCE_INIT;

static void take_environment(void)
{
    wchar_t *block = GetEnvironmentStringsW();

    for (const wchar_t *entry = block; entry && *entry; entry += wcslen(entry) + 1) {
        char *text = NULL;

        if (win32_utf8(&text, entry, NULL) == 0) {
            str_list_add(&environment, text, NULL);
        }
        free(text);
    }
    if (block) {
        FreeEnvironmentStringsW(block);
    }
}

const char *system_variable(const char *name, void *payload)
{
    size_t length = strlen(name);

    (void)payload;
    pthread_once(&environment_once, take_environment);
    for (size_t i = 0; i < environment.count; i++) {
        const char *entry = environment.items[i];

        if (length > 0 && str_starts_with_nocase(entry, name) && entry[length] == '=') {
            return entry + length + 1;
        }
    }
    return NULL;
}

/* What means something on Linux only has no path here, and is not complained about. */
const char *system_default_text(const struct setting *row)
{
    if (row->flags & SETTING_LINUX) {
        return "";
    }
    return row->default_windows ? row->default_windows : row->default_text;
}

/* Reads "NAME%" at *at and moves on; false when that is not there. */
static bool read_name(char name[NAME_LIMIT], const char **at)
{
    size_t length = strcspn(*at, "%/\\");

    if (length == 0 || length >= NAME_LIMIT || (*at)[length] != '%') {
        return false;
    }
    memcpy(name, *at, length);
    name[length] = '\0';
    *at += length + 1;
    return true;
}

static int expand_into(struct buf *out, const char *text, setting_variable_fn variable,
                       void *payload, struct error *err)
{
    char name[NAME_LIMIT];
    int code = 0;

    while (code == 0 && *text) {
        const char *value;

        if (*text != '%') {
            code = buf_add(out, text++, 1, err);
            continue;
        }
        text++;
        if (!read_name(name, &text)) {
            return error_set(err, ERR_INVALID, "has a '%%' without the name of a variable");
        }
        value = variable(name, payload);
        if (!value || !*value) {
            return error_set(err, ERR_INVALID, "needs the variable %s, which has no value", name);
        }
        code = buf_add_text(out, value, err);
    }
    return code;
}

static bool is_separator(char c)
{
    return c == '\\' || c == '/';
}

/* "C:\..." or "\\server\..."; "C:x" and "\x" depend on where the process is. */
static bool is_absolute(const char *path)
{
    bool is_letter = (path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z');

    return (is_letter && path[1] == ':' && is_separator(path[2])) ||
           (is_separator(path[0]) && is_separator(path[1]) && path[2] && !is_separator(path[2]));
}

int system_expand_path(char **out, const char *text, setting_variable_fn variable, void *payload,
                       struct error *err)
{
    struct buf path;
    int code;

    buf_init(&path, PATH_LIMIT);
    code = expand_into(&path, text, variable, payload, err);
    if (code == ERR_LIMIT) {
        code = error_set(err, ERR_INVALID, "is longer than %d bytes", PATH_LIMIT);
    }
    if (code == 0 && !is_absolute(buf_text(&path))) {
        code = error_set(err, ERR_INVALID, "is not an absolute path");
    }
    while (code == 0 && path.size > 3 && is_separator(path.data[path.size - 1])) {
        path.data[--path.size] = '\0';
    }
    if (code == 0) {
        code = str_copy(out, buf_text(&path), err);
    }
    buf_clear(&path);
    return code;
}

int policy_default_sources(struct policy_sources *out, struct error *err)
{
    (void)err;
    out->registry = registry_read;
    return 0;
}

static DWORD attributes_of(const char *path, DWORD *os_code)
{
    wchar_t *wide = NULL;
    DWORD attributes = INVALID_FILE_ATTRIBUTES;

    *os_code = ERROR_FILE_NOT_FOUND;
    if (win32_wide_path(&wide, path, NULL) == 0) {
        attributes = GetFileAttributesW(wide);
        *os_code = attributes == INVALID_FILE_ATTRIBUTES ? GetLastError() : ERROR_SUCCESS;
    }
    free(wide);
    return attributes;
}

int system_may_exist(const char *path)
{
    DWORD os_code;

    attributes_of(path, &os_code);
    return os_code != ERROR_FILE_NOT_FOUND && os_code != ERROR_PATH_NOT_FOUND;
}

int system_require_file(const char *path, struct error *err)
{
    DWORD os_code;
    DWORD attributes = attributes_of(path, &os_code);

    if (os_code != ERROR_SUCCESS) {
        return win32_failed(err, os_code, "cannot open the file");
    }
    if (attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE)) {
        return error_set(err, ERR_INVALID, "this is not a file");
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_found(struct str_list *files, struct str_list *other, const char *directory,
                     const char *suffix, const wchar_t *name, struct error *err)
{
    char *text = NULL;
    char *path = NULL;
    int code = win32_utf8(&text, name, NULL);

    if (code < 0) { /* half a surrogate pair: not a name that anybody meant */
        return 0;
    }
    if (text[0] != '.' && (str_ends_with(text, suffix) || other)) {
        code = str_format(&path, err, "%s/%s", directory, text);
        if (code == 0) {
            code = str_list_add(str_ends_with(text, suffix) ? files : other, path, err);
        }
    }
    free(path);
    free(text);
    return code;
}

int system_list_files(struct str_list *files, struct str_list *other, const char *directory,
                      const char *suffix, struct error *err)
{
    WIN32_FIND_DATAW found;
    HANDLE search = INVALID_HANDLE_VALUE;
    char *pattern = NULL;
    wchar_t *wide = NULL;
    int code = str_format(&pattern, err, "%s/*", directory);

    if (code == 0) {
        code = win32_wide_path(&wide, pattern, err);
    }
    if (code == 0) {
        search = FindFirstFileW(wide, &found);
        if (search == INVALID_HANDLE_VALUE && GetLastError() != ERROR_FILE_NOT_FOUND &&
            GetLastError() != ERROR_PATH_NOT_FOUND) {
            code = win32_failed(err, GetLastError(), "cannot read the folder");
        }
    }
    if (search != INVALID_HANDLE_VALUE) {
        do {
            code = add_found(files, other, directory, suffix, found.cFileName, err);
        } while (code == 0 && FindNextFileW(search, &found));
        FindClose(search);
    }
    if (files->count > 1) {
        qsort(files->items, files->count, sizeof(*files->items), compare_names);
    }
    free(wide);
    free(pattern);
    return code;
}

/* A machine policy stands in the registry here, where the system sees to it. */
int system_check_protected(const char *path, struct error *err)
{
    (void)path;
    (void)err;
    return 0;
}
