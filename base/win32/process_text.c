#include "win32/process_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <shellapi.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/win32.h"

#define COMMAND_LIMIT 32000 /* of characters; the system takes 32767 */

int process_text_program(wchar_t **out, const char *name, struct error *err)
{
    wchar_t *wide = NULL;
    wchar_t *path = NULL;
    wchar_t *search = NULL;
    char *variable = NULL;
    DWORD length = 0;
    int code;

    if (strpbrk(name, "/\\:")) {
        return win32_wide_path(out, name, err);
    }
    code = win32_wide(&wide, name, err);
    if (code == 0) {
        code = win32_environment(&variable, "PATH", err);
    }
    if (code == 0) {
        code = win32_wide(&search, variable, err);
    }
    if (code == 0) {
        path = calloc(32768, sizeof(*path));
        length = path ? SearchPathW(search, wide, L".exe", 32768, path, NULL) : 0;
        if (length == 0 || length >= 32768) {
            code = error_set(err, path ? ERR_NOT_FOUND : ERR_NO_MEMORY,
                             "there is no program '%s' in PATH", name);
        }
    }
    if (code == 0) {
        free(*out);
        *out = path;
        path = NULL;
    }
    free(path);
    free(search);
    free(variable);
    free(wide);
    return code;
}

/* Backslashes count as themselves but before a quote: there, two make one. */
static int add_argument(struct buf *line, const char *argument, struct error *err)
{
    bool is_quoted = !*argument || strpbrk(argument, " \t\n\v\"");
    size_t slashes = 0;
    int code = is_quoted ? buf_add_text(line, "\"", err) : 0;

    for (; code == 0 && *argument; argument++) {
        if (*argument == '"') {
            for (size_t i = 0; code == 0 && i < slashes + 1; i++) {
                code = buf_add_text(line, "\\", err);
            }
        }
        slashes = *argument == '\\' ? slashes + 1 : 0;
        if (code == 0) {
            code = buf_add(line, argument, 1, err);
        }
    }
    for (size_t i = 0; is_quoted && code == 0 && i < slashes; i++) {
        code = buf_add_text(line, "\\", err);
    }
    return code == 0 && is_quoted ? buf_add_text(line, "\"", err) : code;
}

int process_text_command(wchar_t **out, const char *const *argv, struct error *err)
{
    struct buf line;
    int code = 0;

    buf_init(&line, COMMAND_LIMIT);
    for (size_t i = 0; code == 0 && argv[i]; i++) {
        if (i > 0) {
            code = buf_add_text(&line, " ", err);
        }
        if (code == 0) {
            code = add_argument(&line, argv[i], err);
        }
    }
    if (code == 0) {
        code = win32_wide(out, buf_text(&line), err);
    }
    buf_clear(&line);
    return code;
}

/* Length of the name before '='; one '=' may come first (the current folders of drives). */
static size_t name_length(const wchar_t *entry)
{
    return 1 + wcscspn(entry + 1, L"=");
}

static bool is_same_name(const wchar_t *a, const wchar_t *b)
{
    return name_length(a) == name_length(b) &&
           CompareStringOrdinal(a, (int)name_length(a), b, (int)name_length(b), TRUE) == CSTR_EQUAL;
}

static int compare_entries(const void *a, const void *b)
{
    const wchar_t *left = *(wchar_t *const *)a;
    const wchar_t *right = *(wchar_t *const *)b;

    return CompareStringOrdinal(left, (int)name_length(left), right, (int)name_length(right),
                                TRUE) -
           CSTR_EQUAL;
}

/* The entries in the order of their names, as one block. */
static wchar_t *make_block(wchar_t **entries, size_t count)
{
    size_t size = 2;
    wchar_t *block;
    wchar_t *to;

    for (size_t i = 0; i < count; i++) {
        size += wcslen(entries[i]) + 1;
    }
    qsort(entries, count, sizeof(*entries), compare_entries);
    block = to = calloc(size, sizeof(*block));
    for (size_t i = 0; block && i < count; i++) {
        size_t length = wcslen(entries[i]) + 1;

        memcpy(to, entries[i], length * sizeof(*to));
        to += length;
    }
    return block;
}

int process_text_environment(wchar_t **out, const char *const *add, struct error *err)
{
    wchar_t *ours = GetEnvironmentStringsW();
    wchar_t **entries = NULL;
    wchar_t **added = NULL;
    size_t add_count = 0;
    size_t count = 0;
    int code = 0;

    while (add && add[add_count]) {
        add_count++;
    }
    for (wchar_t *e = ours; e && *e; e += wcslen(e) + 1) {
        count++;
    }
    entries = calloc(count + add_count + 1, sizeof(*entries));
    added = calloc(add_count + 1, sizeof(*added));
    if (!ours || !entries || !added) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for the environment");
        goto out;
    }
    for (size_t i = 0; code == 0 && i < add_count; i++) {
        code = win32_wide(&added[i], add[i], err);
    }
    count = 0;
    for (wchar_t *e = ours; code == 0 && *e; e += wcslen(e) + 1) {
        bool is_replaced = false;

        for (size_t i = 0; i < add_count; i++) {
            is_replaced = is_replaced || is_same_name(e, added[i]);
        }
        if (!is_replaced) {
            entries[count++] = e;
        }
    }
    for (size_t i = 0; code == 0 && i < add_count; i++) {
        entries[count++] = added[i];
    }
    if (code == 0) {
        wchar_t *block = make_block(entries, count);

        code = block ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for the environment");
        if (block) {
            free(*out);
            *out = block;
        }
    }
out:
    for (size_t i = 0; added && i < add_count; i++) {
        free(added[i]);
    }
    free(added);
    free(entries);
    if (ours) {
        FreeEnvironmentStringsW(ours);
    }
    return code;
}

int process_text_arguments(char ***argv, int *argc, const wchar_t *command, struct error *err)
{
    int count = 0;
    wchar_t **wide = CommandLineToArgvW(command, &count);
    char **made = wide ? calloc((size_t)count + 1, sizeof(*made)) : NULL;
    int code = made ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for the arguments");

    for (int i = 0; code == 0 && i < count; i++) {
        code = win32_utf8(&made[i], wide[i], err);
        if (code == ERR_INVALID) {
            for (wchar_t *c = wide[i]; *c; c++) {
                *c = *c >= 0xD800 && *c <= 0xDFFF ? L'?' : *c;
            }
            code = win32_utf8(&made[i], wide[i], err);
        }
    }
    LocalFree(wide);
    if (code == 0) {
        *argv = made;
        *argc = count;
        return 0;
    }
    for (int i = 0; made && i < count; i++) {
        free(made[i]);
    }
    free(made);
    return code;
}
