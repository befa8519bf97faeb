/*
 * session_doors.c - what open, view, link, versions and `status PATH` ask for.
 */
#include "session_doors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"

#define WAIT_MS 60000

static const char *argument(const struct control_request *request, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request->arguments, name));
}

static void add_text(cJSON *object, const char *name, const char *text)
{
    if (text && *text) {
        cJSON_AddStringToObject(object, name, text);
    }
}

static void add_time(cJSON *object, const char *name, int64_t wall_ms)
{
    char text[40];

    if (wall_ms > 0) {
        clock_format_iso(text, sizeof(text), wall_ms - wall_ms % 1000);
        cJSON_AddStringToObject(object, name, text);
    }
}

static bool is_over(void *payload)
{
    const struct control_request *request = payload;

    return request->is_cancelled(request);
}

static struct call call_for(const struct control_request *request, int64_t wait_ms)
{
    return (struct call){.priority = CALL_LISTING,
                         .deadline_ms = wait_ms > 0 ? clock_mono_ms(clock_system()) + wait_ms : 0,
                         .is_cancelled = is_over,
                         .payload = (void *)request};
}

static const char *kind_name(const struct door *door)
{
    static const char *const names[] = {[GRAPH_FILE] = "file",
                                        [GRAPH_FOLDER] = "folder",
                                        [GRAPH_PACKAGE] = "notebook",
                                        [GRAPH_REMOTE] = "shortcut",
                                        [GRAPH_DELETED] = "deleted"};

    return door->is_site ? "site" : door->address.is_root ? "library" : names[door->address.kind];
}

static cJSON *door_json(const struct door *door)
{
    cJSON *object = cJSON_CreateObject();
    const struct graph_address *address = &door->address;

    cJSON_AddStringToObject(object, "kind", kind_name(door));
    add_text(object, "name", address->name);
    add_text(object, "path", door->path);
    add_text(object, "webUrl", address->web_url);
    add_text(object, "documentUrl", address->document_url);
    add_text(object, "driveId", address->drive_id);
    add_text(object, "id", address->item_id);
    add_text(object, "etag", address->etag);
    if (!door->is_site) {
        add_text(object, "state", door_state(door));
        add_time(object, "modified", address->modified_ms);
    }
    if (!door->is_site && address->kind == GRAPH_FILE) {
        cJSON_AddNumberToObject(object, "bytes", (double)address->size_bytes);
    }
    add_text(object, "upload", door->upload_id);
    return object;
}

/* --- what is there --- */

static const char *co_authoring_name(struct session *session)
{
    const struct settings *settings = session_settings(session);
    enum policy_co_authoring is = settings->co_authoring;

    settings_unref(settings);
    return is == POLICY_CO_AUTHORING_OFF       ? "Off"
           : is == POLICY_CO_AUTHORING_BROWSER ? "Browser"
                                               : "DesktopApps";
}

/* --- links --- */

static int link_scope(const char **scope, struct session *session, struct error *err)
{
    const struct settings *settings = session_settings(session);
    enum policy_link_scope is = settings->link_scope;

    settings_unref(settings);
    if (is == POLICY_LINK_SCOPE_DISABLED) {
        return error_set(err, ERR_DENIED,
                         "sharing links are turned off by policy (LinkScope); ask the "
                         "administrator, or share the file in the browser: mooring view");
    }
    *scope = is == POLICY_LINK_SCOPE_ANONYMOUS      ? "anonymous"
             : is == POLICY_LINK_SCOPE_ORGANIZATION ? "organization"
                                                    : NULL;
    return 0;
}

static int do_link(cJSON *result, struct session *session, const struct door *door,
                   const struct control_request *request, const struct call *call,
                   struct error *err)
{
    const char *type = argument(request, "type");
    const char *scope = NULL;
    char *url = NULL;
    int code = link_scope(&scope, session, err);
    bool may_link = code == 0;

    type = type ? type : "view";
    if (code == 0 && strcmp(type, "view") != 0 && strcmp(type, "edit") != 0) {
        code = error_set(err, ERR_INVALID, "a link is of type view or edit");
    }
    if (code == 0) {
        code = graph_create_link(&url, door->account->account, door->address.drive_id,
                                 door->address.item_id, type, scope, call, err);
    }
    if (code == ERR_DENIED && may_link) {
        code =
            error_set(err, code,
                      "the tenant, the site or your rights forbid a%s link to '%.100s'; share it "
                      "in the browser (mooring view), or ask the site's owner",
                      !scope                            ? ""
                      : strcmp(scope, "anonymous") == 0 ? "n anonymous"
                                                        : "n organization-wide",
                      door->address.name ? door->address.name : "this");
    }
    if (code == 0) {
        cJSON_AddStringToObject(result, "link", url);
        cJSON_AddStringToObject(result, "type", type);
        cJSON_AddStringToObject(result, "scope", scope ? scope : "tenant");
    }
    free(url);
    return code;
}

/* --- versions --- */

static int check_file(const struct door *door, struct error *err)
{
    return !door->is_site && door->address.kind == GRAPH_FILE
               ? 0
               : error_set(err, ERR_INVALID, "only files have versions; this is a %s",
                           kind_name(door));
}

static int do_list(cJSON *result, const struct door *door, const struct call *call,
                   struct error *err)
{
    struct graph_history history = {0};
    int code = graph_list_history(&history, door->account->account, door->address.drive_id,
                                  door->address.item_id, call, err);
    cJSON *array = code == 0 ? cJSON_AddArrayToObject(result, "versions") : NULL;

    for (size_t i = 0; code == 0 && i < history.count; i++) {
        const struct graph_history_entry *entry = &history.entries[i];
        cJSON *item = cJSON_CreateObject();

        cJSON_AddStringToObject(item, "version", entry->id);
        add_time(item, "modified", entry->modified_ms);
        add_text(item, "by", entry->user);
        cJSON_AddNumberToObject(item, "bytes", (double)entry->size_bytes);
        if (i == 0) {
            cJSON_AddBoolToObject(item, "current", true);
        }
        cJSON_AddItemToArray(array, item);
    }
    if (code == 0 && history.has_more) {
        cJSON_AddBoolToObject(result, "more", true);
    }
    graph_history_clear(&history);
    return code;
}

/* "3" stands for "3.0". *size_bytes of an old version; the current one is ERR_EXISTS. */
static int find_version(char **id, uint64_t *size_bytes, const struct door *door,
                        const char *wanted, const struct call *call, struct error *err)
{
    struct graph_history history = {0};
    char *whole = NULL;
    int code = graph_list_history(&history, door->account->account, door->address.drive_id,
                                  door->address.item_id, call, err);

    if (code == 0) {
        code = str_format(&whole, err, "%s.0", wanted);
    }
    for (size_t i = 0; code == 0 && i < history.count && !*id; i++) {
        const struct graph_history_entry *entry = &history.entries[i];

        if (strcmp(entry->id, wanted) == 0 || strcmp(entry->id, whole) == 0) {
            code = i == 0 ? error_set(err, ERR_EXISTS, "version %s is the current one", entry->id)
                          : str_copy(id, entry->id, err);
            *size_bytes = entry->size_bytes;
        }
    }
    if (code == 0 && !*id) {
        code = error_set(err, ERR_NOT_FOUND,
                         "there is no version '%.40s'; `mooring versions` lists them", wanted);
    }
    graph_history_clear(&history);
    free(whole);
    return code;
}

/* What is on its way would become the newest version right after. */
static int do_restore(cJSON *result, const struct door *door, const char *wanted,
                      const struct call *call, struct error *err)
{
    char *id = NULL;
    uint64_t bytes = 0;
    int code = door->upload_id ? door_not_sent(door, "changes to this file are", err)
                               : find_version(&id, &bytes, door, wanted, call, err);

    if (code == 0) {
        code = graph_restore_version(door->account->account, door->address.drive_id,
                                     door->address.item_id, id, call, err);
    }
    if (code == ERR_LOCKED) {
        code = error_set(err, code,
                         "somebody has '%.100s' open or checked out; restore it when it is closed "
                         "(mooring view shows who works in it)",
                         door->address.name ? door->address.name : "the file");
    }
    if (code == 0) {
        cJSON_AddStringToObject(result, "restored", id);
    }
    free(id);
    return code;
}

static int write_piece(void *payload, const void *data, size_t size, struct error *err)
{
    return fwrite(data, 1, size, payload) == size
               ? 0
               : error_set(err, ERR_NO_SPACE, "the file cannot be written");
}

/* A new file only: nothing is written over. A failure leaves nothing behind. */
static int do_save(cJSON *result, const struct door *door, const char *wanted, const char *file,
                   const struct control_request *request, const struct call *call,
                   struct error *err)
{
    struct call pieces = call_for(request, 0);
    FILE *out = NULL;
    char *id = NULL;
    uint64_t bytes = 0;
    int code = find_version(&id, &bytes, door, wanted, call, err);

    if (code == ERR_EXISTS) {
        code =
            error_set(err, code, "version %.40s is the current one: copy the file itself", wanted);
    }
    if (code == 0) {
        out = file_open_stream(file, "wbx", err);
        code = out ? 0 : err->code;
    }
    if (code == 0) {
        code = graph_read_version(door->account->account, door->address.drive_id,
                                  door->address.item_id, id, bytes, write_piece, out, &pieces, err);
    }
    if (out && fclose(out) != 0 && code == 0) {
        code = error_set(err, ERR_NO_SPACE, "'%s' cannot be written", file);
    }
    if (out && code < 0) {
        (void)file_remove(file, NULL);
    }
    if (code == 0) {
        cJSON_AddStringToObject(result, "saved", id);
        cJSON_AddStringToObject(result, "file", file);
        cJSON_AddNumberToObject(result, "bytes", (double)bytes);
    }
    free(id);
    return code;
}

static int do_versions(cJSON *result, const struct door *door,
                       const struct control_request *request, const struct call *call,
                       struct error *err)
{
    const char *restore = argument(request, "restore");
    const char *save = argument(request, "save");
    const char *file = argument(request, "file");
    int code = check_file(door, err);

    if (code < 0) {
        return code;
    }
    if (restore) {
        return do_restore(result, door, restore, call, err);
    }
    if (save) {
        return file ? do_save(result, door, save, file, request, call, err)
                    : error_set(err, ERR_INVALID, "say which file to save the version as");
    }
    return do_list(result, door, call, err);
}

/* --- all of them --- */

/* The sentence of the account says why; here is what to do. */
static int add_next_step(int code, struct error *err)
{
    struct error told = *err;

    if (code == ERR_SIGNED_OUT && !strstr(told.message, "mooring login")) {
        return error_set(err, code, "%.300s; sign in with `mooring login`", told.message);
    }
    return code;
}

int session_doors(struct session *session, const struct control_request *request, cJSON **result,
                  struct error *err)
{
    struct call call = call_for(request, WAIT_MS);
    const char *action = argument(request, "action");
    struct door door = {0};
    cJSON *object = NULL;
    int code;

    if (!action) {
        return error_set(err, ERR_INVALID, "door needs an action");
    }
    code = door_find(&door, session, request, &call, err);
    if (code == 0) {
        object = door_json(&door);
    }
    if (code == 0 && strcmp(action, "show") == 0) {
        cJSON_AddStringToObject(object, "coAuthoring", co_authoring_name(session));
    } else if (code == 0 && strcmp(action, "link") == 0) {
        code = door.is_site ? error_set(err, ERR_INVALID,
                                        "a site is shared in the browser: mooring "
                                        "view")
                            : do_link(object, session, &door, request, &call, err);
    } else if (code == 0 && strcmp(action, "versions") == 0) {
        code = do_versions(object, &door, request, &call, err);
    } else if (code == 0) {
        code = error_set(err, ERR_UNSUPPORTED, "this agent cannot '%s' a file", action);
    }
    if (code < 0) {
        code = add_next_step(code, err);
        cJSON_Delete(object);
    } else {
        *result = object;
    }
    door_clear(&door);
    return code;
}
