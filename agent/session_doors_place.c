/*
 * session_doors_place.c - from a PATH to a mapping and what is below it. No network.
 */
#include <stdlib.h>
#include <string.h>

#include "mapper/url.h"
#include "np_session.h"
#include "session_doors.h"

void door_place_clear(struct door_place *place)
{
    free(place->key);
    free(place->shown);
    free(place->rest);
    free(place->site_of);
    *place = (struct door_place){0};
}

int door_local_path(char **out, struct session *session, const char *path, struct error *err)
{
    struct error why = {0};
    char *url = NULL;
    int code = session->transport ? transport_local_path(session->transport, out, path, &why)
                                  : ERR_NOT_FOUND;

    if (code == ERR_UNSUPPORTED && transport_address(session->transport, &url, NULL) < 0) {
        code = str_format(out, err, "%s%s%s", session->mount_root, *path ? "/" : "", path);
    }
    str_free(&url);
    return code == ERR_NO_MEMORY ? error_set(err, code, "no memory for a path") : 0;
}

static const char *argument(const struct control_request *request, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request->arguments, name));
}

int door_place_take(struct door_place *out, const struct plan_mapping *mapping, const char *rest,
                    struct error *err)
{
    int code;

    door_place_clear(out);
    out->letter = mapping->letter;
    code = str_copy(&out->key, mapping->key, err);
    if (code == 0) {
        code = str_copy(&out->shown, mapping->path, err);
    }
    return code == 0 ? str_copy(&out->rest, rest, err) : code;
}

/* The mapping by its path, or by its label in the place of the last component. */
static const char *below_mapping(const struct plan_mapping *mapping, const char *path)
{
    const char *rest = url_below(path, mapping->path);
    const char *slash = strrchr(mapping->path, '/');
    char *alias = NULL;

    if (!rest && slash && mapping->label &&
        str_format(&alias, NULL, "%.*s/%s", (int)(slash - mapping->path), mapping->path,
                   mapping->label) == 0) {
        rest = url_below(path, alias);
    }
    free(alias);
    return rest;
}

/* `path` below the mount; *out stays empty when nothing of ours is there. */
static int find_shown(struct door_place *out, struct session *session, const char *path,
                      struct error *err)
{
    int code = 0;

    mutex_lock(&session->apply_mutex);
    for (size_t i = 0; i < session->have.count && code == 0; i++) {
        const struct plan_mapping *mapping = &session->have.items[i];
        const char *rest = below_mapping(mapping, path);
        const char *deeper = url_below(mapping->path, path);

        if (rest && (!out->shown || strlen(mapping->path) > strlen(out->shown))) {
            code = door_place_take(out, mapping, rest, err);
        } else if (deeper && *path && strchr(path, '/') && !out->site_of) {
            code = str_copy(&out->site_of, mapping->key, err);
        }
    }
    mutex_unlock(&session->apply_mutex);
    return code;
}

static int find_letter(struct door_place *out, struct session *session, char letter,
                       const char *rest, struct error *err)
{
    int code = 0;

    mutex_lock(&session->apply_mutex);
    for (size_t i = 0; i < session->have.count && code == 0 && !out->key; i++) {
        if (session->have.items[i].letter == letter) {
            code = door_place_take(out, &session->have.items[i], rest, err);
        }
    }
    mutex_unlock(&session->apply_mutex);
    return code == 0 && !out->key
               ? error_set(err, ERR_NOT_FOUND,
                           "no library has the letter %c:; `mooring status` shows those that have "
                           "one",
                           letter)
               : code;
}

/* "F", "F:" and what follows, below drives/. */
static bool is_drive(const char *path, char *letter, const char **rest)
{
    const char *at = url_below(path, "drives");
    char c = at ? (char)(*at & ~0x20) : '\0';

    if (c < 'A' || c > 'Z') {
        return false;
    }
    at += 1 + (at[1] == ':');
    *letter = c;
    *rest = *at == '/' ? at + 1 : at;
    return !*at || *at == '/';
}

static int find_below(struct door_place *out, struct session *session, const char *path,
                      struct error *err)
{
    const char *rest = "";
    char letter = 0;

    return is_drive(path, &letter, &rest) ? find_letter(out, session, letter, rest, err)
                                          : find_shown(out, session, path, err);
}

static int find_share(struct door_place *out, struct session *session, const struct door_path *path,
                      struct error *err)
{
    const char *slash = strchr(path->text, '/');
    char *plain = NULL;
    int code;

    mutex_lock(&session->apply_mutex);
    code = session_np_untag(&plain, session, path->text, NULL);
    mutex_unlock(&session->apply_mutex);
    code = code == ERR_NO_MEMORY ? error_set(err, code, "no memory for a path")
                                 : find_below(out, session, plain ? plain : path->text, err);
    if (code == 0 && !out->key && path->may_be_token && slash) {
        code = find_below(out, session, slash + 1, err);
    }
    free(plain);
    return code == 0 && !out->key && !out->site_of
               ? error_set(err, ERR_NOT_FOUND,
                           "no library is there; `mooring status` shows where they are")
               : code;
}

/* In the mount, where the system has one. */
static int find_mounted(struct door_place *out, struct session *session, const char *path,
                        struct error *err)
{
    char *root = NULL;
    size_t length;
    int code;

    mutex_lock(&session->apply_mutex);
    code = str_copy(&root, session->mount_root, err);
    mutex_unlock(&session->apply_mutex);
    length = root ? strlen(root) : 0;
    if (length > 0 && strncmp(path, root, length) == 0 && (path[length] == '/' || !path[length])) {
        code = find_below(out, session, path + length + (path[length] == '/'), err);
    }
    free(root);
    return code;
}

/* What the system made of a path: in the mount, or with a letter or a server that the text that was
 * given did not have. *out stays empty when nothing of ours is there. */
static int find_form(struct door_place *out, struct session *session, const char *form,
                     const char *unc_server, struct error *err)
{
    struct door_path path = {0};
    struct error why = {0};
    int code = door_path_read(&path, form, unc_server, &why);

    if (code == 0 && path.form == DOOR_LETTER) {
        code = find_letter(out, session, path.letter, path.text, &why);
    } else if (code == 0 && path.form == DOOR_SHARE) {
        code = find_share(out, session, &path, &why);
    } else if (code == 0 && path.form == DOOR_FILE) {
        code = find_mounted(out, session, path.text, &why);
    }
    door_path_clear(&path);
    return code == ERR_NO_MEMORY ? error_set(err, code, "%s", why.message) : 0;
}

static int not_ours(struct session *session, struct error *err)
{
    char *root = NULL;
    int code;

    mutex_lock(&session->apply_mutex);
    code = door_local_path(&root, session, "", err);
    mutex_unlock(&session->apply_mutex);
    if (code == 0) {
        code = error_set(err, ERR_NOT_FOUND,
                         "this is not in a library%s%s%s; `mooring status` shows them",
                         root ? ": they are below '" : "", root ? root : "", root ? "'" : "");
    }
    free(root);
    return code;
}

/* As it was given, then with its links followed. */
static int find_file(struct door_place *out, struct session *session,
                     const struct control_request *request, const char *unc_server,
                     struct error *err)
{
    const char *forms[] = {argument(request, "absolute"), argument(request, "real")};
    int code = 0;

    for (size_t i = 0; i < 2 && code == 0 && !out->key && !out->site_of; i++) {
        if (forms[i]) {
            code = find_form(out, session, forms[i], unc_server, err);
        }
    }
    return code == 0 && !out->key && !out->site_of ? not_ours(session, err) : code;
}

/* A letter that is not one of ours may be the user's own way to what is. */
static int find_drive(struct door_place *out, struct session *session, const struct door_path *path,
                      const struct control_request *request, const char *unc_server,
                      struct error *err)
{
    const char *real = argument(request, "real");
    int code = find_letter(out, session, path->letter, path->text, err);

    if (code == ERR_NOT_FOUND && real && find_form(out, session, real, unc_server, NULL) == 0 &&
        (out->key || out->site_of)) {
        error_clear(err);
        code = 0;
    }
    return code;
}

int door_place_find(struct door_place *out, struct session *session, const struct door_path *path,
                    const struct control_request *request, const char *unc_server,
                    struct error *err)
{
    switch (path->form) {
    case DOOR_LETTER:
        return find_drive(out, session, path, request, unc_server, err);
    case DOOR_SHARE:
        return find_share(out, session, path, err);
    default:
        return find_file(out, session, request, unc_server, err);
    }
}
