#include "system.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/str.h"
#include "policy/load.h"

enum { PATH_LIMIT = 4096, NAME_LIMIT = 64 };

/* What the XDG base directory specification says when the variable is not set. */
static const char *const xdg_fallbacks[][2] = {
    {"XDG_CACHE_HOME", "/.cache"},
    {"XDG_CONFIG_HOME", "/.config"},
    {"XDG_DATA_HOME", "/.local/share"},
    {"XDG_STATE_HOME", "/.local/state"},
};

const char *system_variable(const char *name, void *payload)
{
    (void)payload;
    return getenv(name);
}

const char *system_default_text(const struct setting *row)
{
    return row->default_text;
}

static int add_variable(struct buf *out, const char *name, setting_variable_fn variable,
                        void *payload, struct error *err)
{
    const char *value = variable(name, payload);
    const char *fallback = "";
    int code;

    for (size_t i = 0; i < sizeof(xdg_fallbacks) / sizeof(xdg_fallbacks[0]); i++) {
        /* The specification says to ignore a relative path. */
        if (strcmp(name, xdg_fallbacks[i][0]) == 0 && (!value || value[0] != '/')) {
            value = variable("HOME", payload);
            fallback = xdg_fallbacks[i][1];
        }
    }
    if (!value || !*value) {
        return error_set(err, ERR_INVALID, "needs the variable %s, which has no value", name);
    }
    code = buf_add_text(out, value, err);
    return code < 0 ? code : buf_add_text(out, fallback, err);
}

/* Reads the name after '$' at *at and moves on; false when there is none. */
static bool read_name(char name[NAME_LIMIT], const char **at)
{
    const char *from = *at;
    bool has_brace = *from == '{';
    size_t length;

    from += has_brace ? 1 : 0;
    length = strspn(from, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    if (length == 0 || length >= NAME_LIMIT || (has_brace && from[length] != '}')) {
        return false;
    }
    memcpy(name, from, length);
    name[length] = '\0';
    *at = from + length + (has_brace ? 1 : 0);
    return true;
}

static int expand_into(struct buf *out, const char *text, setting_variable_fn variable,
                       void *payload, struct error *err)
{
    char name[NAME_LIMIT];
    int code = 0;

    if (text[0] == '~' && (text[1] == '/' || text[1] == '\0')) {
        code = add_variable(out, "HOME", variable, payload, err);
        text++;
    }
    while (code == 0 && *text) {
        if (*text != '$') {
            code = buf_add(out, text++, 1, err);
            continue;
        }
        text++;
        if (!read_name(name, &text)) {
            return error_set(err, ERR_INVALID, "has a '$' without the name of a variable");
        }
        code = add_variable(out, name, variable, payload, err);
    }
    return code;
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
    if (code == 0 && buf_text(&path)[0] != '/') {
        code = error_set(err, ERR_INVALID, "is not an absolute path");
    }
    while (code == 0 && path.size > 1 && path.data[path.size - 1] == '/') {
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
    int code = str_copy(&out->machine_file, "/etc/mooring/policy.yaml", err);

    if (code == 0) {
        code = str_copy(&out->machine_directory, "/etc/mooring/policy.d", err);
    }
    if (code == 0) {
        code =
            system_expand_path(&out->user_preference_file, "$XDG_CONFIG_HOME/mooring/settings.yaml",
                               system_variable, NULL, err);
        /* Without a home there are no settings of the user; that is no reason not to start. */
        code = code == ERR_INVALID ? 0 : code;
    }
    out->checks_owner = true;
    if (code < 0) {
        policy_sources_clear(out);
    }
    return code;
}

int system_may_exist(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

int system_require_file(const char *path, struct error *err)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        int saved = errno;

        return error_set_os(err, error_from_errno(saved), saved, "cannot open the file");
    }
    if (!S_ISREG(st.st_mode)) {
        return error_set(err, ERR_INVALID, "this is not a file");
    }
    return 0;
}

/* Group root may write: there is nobody else in it. */
static int check_mode(const char *path, struct error *err)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        return 0;
    }
    if (st.st_uid != 0) {
        return error_set(err, ERR_DENIED, "'%s' belongs to the user %lu", path,
                         (unsigned long)st.st_uid);
    }
    if ((st.st_mode & S_IWOTH) || ((st.st_mode & S_IWGRP) && st.st_gid != 0)) {
        return error_set(err, ERR_DENIED, "'%s' has the mode %04o", path,
                         (unsigned)st.st_mode & 07777);
    }
    return 0;
}

int system_check_protected(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = NULL;
    int code = check_mode(path, err);

    if (code < 0 || !slash || str_copy_n(&folder, path, (size_t)(slash - path), NULL) < 0) {
        return code;
    }
    code = check_mode(*folder ? folder : "/", err);
    str_free(&folder);
    return code;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_file(struct str_list *files, const char *directory, const char *name,
                    struct error *err)
{
    char *path = NULL;
    int code = str_format(&path, err, "%s/%s", directory, name);

    if (code == 0) {
        code = str_list_add(files, path, err);
    }
    free(path);
    return code;
}

int system_list_files(struct str_list *files, struct str_list *other, const char *directory,
                      const char *suffix, struct error *err)
{
    const struct dirent *entry;
    int code = 0;
    DIR *dir = opendir(directory);

    if (!dir) {
        int saved = errno;

        return saved == ENOENT
                   ? 0
                   : error_set_os(err, error_from_errno(saved), saved, "cannot read the folder");
    }
    while (code == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (str_ends_with(entry->d_name, suffix)) {
            code = add_file(files, directory, entry->d_name, err);
        } else if (other) {
            code = add_file(other, directory, entry->d_name, err);
        }
    }
    closedir(dir);
    if (files->count > 1) {
        qsort(files->items, files->count, sizeof(*files->items), compare_names);
    }
    return code;
}
