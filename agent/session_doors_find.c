#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mapper/url.h"
#include "session_doors.h"

void door_clear(struct door *door)
{
    session_account_unref(door->account);
    graph_address_clear(&door->address);
    free(door->path);
    free(door->upload_id);
    *door = (struct door){0};
}

/* --- libraries --- */

/* A copy of the library, and the account that has it. */
static int find_library(struct library *out, struct session_account **account,
                        struct session *session, const char *key, struct error *err)
{
    int code = ERR_NOT_FOUND;

    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count && code == ERR_NOT_FOUND; i++) {
        struct session_account *a = session->accounts[i];
        const struct library *library = library_list_find(&a->libraries, key);

        if (library && !a->is_refused) {
            code = library_copy(out, library, err);
            *account = a;
            a->references += code == 0;
        }
    }
    mutex_unlock(&session->mutex);
    return code == ERR_NOT_FOUND ? error_set(err, code, "this library is not known any more")
                                 : code;
}

/* The library that the address (in the one spelling) is in; *site_url instead when it is a site's
 * own. Both stay NULL when nothing known has to do with it. */
static int match_url(char **key, char **rest, char **site_url, struct session *session,
                     const char *url, struct error *err)
{
    size_t best = 0;
    int code = 0;

    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        const struct session_account *a = session->accounts[i];

        for (size_t k = 0; k < a->libraries.count && code == 0 && !a->is_refused; k++) {
            const struct library *library = &a->libraries.items[k];
            const char *below = library_below(library, url);

            if (below && strlen(library->key) > best) { /* a folder's key is longer than its
                                                           library's */
                best = strlen(library->key);
                code = str_copy(key, library->key, err);
                code = code == 0 ? str_copy(rest, below, err) : code;
            } else if (library->site_url && str_equal_nocase(library->site_url, url)) {
                code = str_copy(site_url, library->site_url, err);
            }
        }
    }
    mutex_unlock(&session->mutex);
    return code;
}

static int confirmed_drive(char **out, const struct library *library, struct account *account,
                           const struct call *call, struct error *err)
{
    struct graph_drive drive = {0};
    int code = 0;

    if (library->is_verified && library->drive_id) {
        return str_copy(out, library->drive_id, err);
    }
    code = graph_verify_drive(&drive, account, library->drive_id ? library->drive_id : "",
                              library->site_id, library->list_id, library->url, call, err);
    if (code == 0) {
        code = str_copy(out, drive.id, err);
    }
    graph_drive_clear(&drive);
    return code;
}

/* --- from place to item --- */

struct pending {
    const struct door_place *place;
    struct door *door;
};

static bool needs_person(enum online_vfs_upload_state state)
{
    return state == UPLOAD_BLOCKED || state == UPLOAD_CONFLICT || state == UPLOAD_UNSAVED;
}

/* The first of what is on its way, else of what is kept. */
static void note_upload(void *payload, const struct online_vfs_upload *upload)
{
    const struct pending *pending = payload;
    struct door *door = pending->door;
    const char *path = upload->path + (*upload->path == '/');
    bool is_better =
        !door->upload_id || (needs_person(door->upload_state) && !needs_person(upload->state));

    if (is_better && strcmp(upload->key, pending->place->key) == 0 &&
        str_equal_nocase(path, pending->place->rest) &&
        str_copy(&door->upload_id, upload->id, NULL) == 0) {
        door->upload_state = upload->state;
    }
}

static void find_upload(struct door *door, struct session *session, const struct door_place *place)
{
    struct pending pending = {.place = place, .door = door};

    str_free(&door->upload_id);
    (void)online_vfs_visit_uploads(session->online, note_upload, &pending, NULL);
}

const char *door_state(const struct door *door)
{
    if (!door->upload_id) {
        return "saved";
    }
    return session_upload_state_name(needs_person(door->upload_state) ? door->upload_state
                                                                      : UPLOAD_RUNNING);
}

int door_not_sent(const struct door *door, const char *what, struct error *err)
{
    return needs_person(door->upload_state)
               ? error_set(err, ERR_BUSY,
                           "%s not on the server, and not sent by itself; `mooring uploads list` "
                           "says why",
                           what)
               : error_set(err, ERR_BUSY,
                           "%s not on the server yet; `mooring uploads wait` waits for it", what);
}

/* A notebook is shown as "<name>.url". */
static int ask_notebook(struct graph_address *out, struct account *account, const char *drive,
                        const char *path, const struct call *call, struct error *err)
{
    char *name = NULL;
    int code = str_copy_n(&name, path, strlen(path) - 4, err);

    if (code == 0) {
        code = graph_get_address(out, account, drive, name, call, err);
    }
    if (code == 0 && out->kind != GRAPH_PACKAGE) {
        graph_address_clear(out);
        code = error_set(err, ERR_NOT_FOUND, "there is no such notebook");
    }
    free(name);
    return code;
}

static int ask_item(struct door *out, const struct library *library, const char *rest,
                    const struct call *call, struct error *err)
{
    struct account *account = out->account->account;
    char *drive = NULL;
    char *path = NULL;
    int code = confirmed_drive(&drive, library, account, call, err);

    if (code == 0) {
        code = str_format(&path, err, "%s%s%s", library->folder_path ? library->folder_path : "",
                          library->folder_path && *rest ? "/" : "", rest);
    }
    if (code == 0) {
        code = graph_get_address(&out->address, account, drive, path, call, err);
    }
    if (code == ERR_NOT_FOUND && path && strlen(path) > 4 && str_ends_with(path, ".url")) {
        struct error other = {0};

        if (ask_notebook(&out->address, account, drive, path, call, &other) == 0) {
            error_clear(err);
            code = 0;
        }
    }
    free(drive);
    free(path);
    return code;
}

static int show_path(char **out, struct session *session, const struct door_place *place,
                     struct error *err)
{
    char *path = NULL;
    int code = str_format(&path, err, "%s%s%s", place->shown, *place->rest ? "/" : "", place->rest);

    if (code == 0) {
        mutex_lock(&session->apply_mutex);
        code = door_local_path(out, session, path, err);
        mutex_unlock(&session->apply_mutex);
    }
    if (code == 0 && *out && **out == '\\' && place->letter) { /* shorter, and no zone of its own */
        code = str_format(out, err, "%c:\\%s", place->letter, place->rest);
        for (char *c = code == 0 ? *out : NULL; c && *c; c++) {
            *c = *c == '/' ? '\\' : *c;
        }
    }
    free(path);
    return code;
}

/* The service knows nothing by this name: why, as far as we can tell. */
static int not_there(const struct door *out, const struct door_place *place, struct error *err)
{
    if (out->upload_id) {
        char what[160];

        snprintf(what, sizeof(what), "'%.150s' is", place->rest);
        return door_not_sent(out, what, err);
    }
    return error_set(
        err, ERR_NOT_FOUND,
        "'%.150s' is not on the server: it was moved, renamed or deleted there, or is a "
        "scratch file that stays on this machine",
        place->rest);
}

static int open_place(struct door *out, struct session *session, const struct door_place *place,
                      const struct call *call, struct error *err)
{
    struct library library = {0};
    int code = find_library(&library, &out->account, session, place->key, err);

    if (code == 0) {
        find_upload(out, session, place);
        code = ask_item(out, &library, place->rest, call, err);
    }
    if (code == ERR_NOT_FOUND && library.key) {
        code = not_there(out, place, err);
    }
    if (code == 0 && place->shown) {
        code = show_path(&out->path, session, place, err);
    }
    library_clear(&library);
    return code;
}

static int encode_url(char **out, const char *clean, struct error *err)
{
    char *host = NULL;
    char *path = NULL;
    int code = url_host(&host, clean, err);

    if (code == 0) {
        code = str_percent_encode(&path, url_path(clean), true, err);
    }
    if (code == 0) {
        code = str_format(out, err, "https://%s%s", host, path);
    }
    free(host);
    free(path);
    return code;
}

static int open_site(struct door *out, const char *site_url, struct error *err)
{
    const char *slash = strrchr(site_url, '/');
    int code = encode_url(&out->address.web_url, site_url, err);

    out->is_site = true;
    return code == 0 ? str_copy(&out->address.name, slash ? slash + 1 : site_url, err) : code;
}

static int open_site_of(struct door *out, struct session *session, const char *key,
                        struct error *err)
{
    struct library library = {0};
    int code = find_library(&library, &out->account, session, key, err);

    if (code == 0) {
        code = open_site(out, library.site_url, err);
    }
    library_clear(&library);
    return code;
}

/* --- addresses --- */

static bool has_host(const struct session_account *a, const char *host)
{
    for (size_t i = 0; i < a->libraries.count; i++) {
        const char *at = strstr(a->libraries.items[i].url, "://");
        size_t length = strlen(host);

        if (at && str_starts_with_nocase(at + 3, host) &&
            (at[3 + length] == '/' || !at[3 + length])) {
            return true;
        }
    }
    return false;
}

/* The next account to ask: those of the host, and when no account knows it all of them. A link is a
 * key; another tenant's service has nothing to do with it. */
static struct session_account *next_account(struct session *session, const char *host, size_t *at)
{
    struct session_account *found = NULL;
    bool is_known = false;

    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        is_known = is_known || has_host(session->accounts[i], host);
    }
    for (; *at < session->account_count && !found; (*at)++) {
        struct session_account *a = session->accounts[*at];

        if (!a->is_refused && (!is_known || has_host(a, host))) {
            found = a;
            a->references++;
        }
    }
    mutex_unlock(&session->mutex);
    return found;
}

/* Where it appears, when its library is mapped. */
static int locate(struct door *out, struct session *session, struct error *err)
{
    const char *url = out->address.document_url ? out->address.document_url : out->address.web_url;
    struct door_place place = {0};
    char *clean = NULL;
    char *key = NULL;
    char *rest = NULL;
    char *site = NULL;
    int code = 0;

    if (!url || url_clean(&clean, url, URL_FROM_PERSON, NULL) < 0) {
        return 0;
    }
    code = match_url(&key, &rest, &site, session, clean, err);
    mutex_lock(&session->apply_mutex);
    for (size_t i = 0; i < session->have.count && code == 0 && key && !place.key; i++) {
        if (strcmp(session->have.items[i].key, key) == 0) {
            code = door_place_take(&place, &session->have.items[i], rest, err);
        }
    }
    mutex_unlock(&session->apply_mutex);
    if (code == 0 && place.key) {
        find_upload(out, session, &place);
        code = show_path(&out->path, session, &place, err);
    }
    door_place_clear(&place);
    free(clean);
    free(key);
    free(rest);
    free(site);
    return code;
}

static int follow(struct door *out, struct session *session, const char *url,
                  const struct call *call, struct error *err)
{
    char *host = NULL;
    size_t at = 0;
    struct error first = {0};
    int code = url_host(&host, url, err);
    struct session_account *a;

    if (code < 0) {
        return code;
    }
    code = ERR_NOT_FOUND;
    while (code < 0 && (a = next_account(session, host, &at))) {
        struct error failure = {0};

        code = graph_follow_link(&out->address, a->account, url, call, &failure);
        if (code == 0) {
            out->account = a;
        } else {
            session_account_unref(a);
            if (first.code == 0 || first.code == ERR_NOT_FOUND) {
                first = failure;
            }
        }
    }
    free(host);
    if (code == 0) {
        return locate(out, session, err);
    }
    if (first.code == 0 || first.code == ERR_NOT_FOUND || first.code == ERR_DENIED) {
        return error_set(err, ERR_NOT_FOUND,
                         "the address leads to nothing that the users who are signed in may see");
    }
    return error_set(err, first.code, "%s", first.message);
}

/* What we know needs one request; what we do not, or not any more (a library that was renamed since
 * the last round), is for the service to say. */
static int open_url(struct door *out, struct session *session, const char *url,
                    const struct call *call, struct error *err)
{
    struct door_place place = {0};
    char *clean = NULL;
    char *site = NULL;
    char *encoded = NULL;
    int code;

    if (door_url_is_opaque(url)) {
        return follow(out, session, url, call, err);
    }
    code = url_clean(&clean, url, URL_FROM_PERSON, err);
    if (code == 0) {
        code = match_url(&place.key, &place.rest, &site, session, clean, err);
    }
    if (code == 0 && place.key) {
        code = open_place(out, session, &place, call, err);
        code = code == 0 ? locate(out, session, err) : code;
    } else if (code == 0 && site) {
        code = open_site(out, site, err);
    } else if (code == 0) {
        code = encode_url(&encoded, clean, err);
        code = code == 0 ? follow(out, session, encoded, call, err) : code;
    }
    door_place_clear(&place);
    free(clean);
    free(site);
    free(encoded);
    return code;
}

int door_find(struct door *out, struct session *session, const struct control_request *request,
              const struct call *call, struct error *err)
{
    const struct settings *settings = session_settings(session);
    const char *text =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request->arguments, "text"));
    struct door_path path = {0};
    struct door_place place = {0};
    int code = door_path_read(&path, text ? text : "", settings->unc_server, err);

    *out = (struct door){0};
    if (code == 0 && path.form == DOOR_URL) {
        code = open_url(out, session, path.text, call, err);
    } else if (code == 0) {
        code = door_place_find(&place, session, &path, request, settings->unc_server, err);
    }
    settings_unref(settings);
    if (code == 0 && place.key) {
        code = open_place(out, session, &place, call, err);
    } else if (code == 0 && place.site_of) {
        code = open_site_of(out, session, place.site_of, err);
    }
    if (code < 0) {
        door_clear(out);
    }
    door_place_clear(&place);
    door_path_clear(&path);
    return code;
}
