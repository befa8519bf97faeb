/*
 * session_uploads.c - what `mooring uploads` asks for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "session_private.h"

#define WAIT_STEP_MS 500
#define COPY_BYTES 65536u
#define NAMES_MAX 1000

const char *session_upload_state_name(enum online_vfs_upload_state state)
{
    static const char *const names[] = {"waiting",  "uploading", "retry",   "blocked",
                                        "conflict", "unsaved",   "settling"};

    return names[state];
}

static const char *argument(const struct control_request *request, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(request->arguments, name));
}

static void add_time(cJSON *object, const char *name, int64_t wall_ms)
{
    char text[40];

    if (wall_ms > 0) {
        clock_format_iso(text, sizeof(text), wall_ms - wall_ms % 1000);
        cJSON_AddStringToObject(object, name, text);
    }
}

/* --- list --- */

struct list {
    struct session *session;
    cJSON *array;
};

static void add_upload(void *payload, const struct online_vfs_upload *upload)
{
    struct list *list = payload;
    cJSON *item = cJSON_CreateObject();

    cJSON_AddStringToObject(item, "id", upload->id);
    cJSON_AddStringToObject(item, "state", session_upload_state_name(upload->state));
    session_add_library(item, list->session, upload->key);
    cJSON_AddStringToObject(item, "path", upload->path);
    cJSON_AddNumberToObject(item, "bytes", (double)upload->size_bytes);
    cJSON_AddNumberToObject(item, "sentBytes", (double)upload->done_bytes);
    add_time(item, "since", upload->since_ms);
    if (upload->state == UPLOAD_RETRY) {
        add_time(item, "retryAt", upload->due_ms);
    }
    cJSON_AddNumberToObject(item, "attempts", upload->attempts);
    if (*upload->reason) {
        cJSON_AddStringToObject(item, "reason", upload->reason);
    }
    if (*upload->spool_file) {
        cJSON_AddStringToObject(item, "spoolFile", upload->spool_file);
    }
    cJSON_AddItemToArray(list->array, item);
}

static int do_list(struct session *session, cJSON **result, struct error *err)
{
    struct list list = {.session = session};
    cJSON *object = cJSON_CreateObject();
    int code;

    list.array = cJSON_AddArrayToObject(object, "uploads");
    code = online_vfs_visit_uploads(session->online, add_upload, &list, err);
    if (code < 0) {
        cJSON_Delete(object);
        return code;
    }
    *result = object;
    return 0;
}

/* --- wait --- */

static int do_wait(struct session *session, const struct control_request *request, cJSON **result)
{
    double seconds = 60;
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(request->arguments, "seconds");
    int64_t end;
    unsigned left;

    if (cJSON_IsNumber(given) && given->valuedouble >= 0 && given->valuedouble <= 86400) {
        seconds = given->valuedouble;
    }
    end = clock_mono_ms(clock_system()) + (int64_t)(seconds * 1000);
    left = online_vfs_wait_uploads(session->online, 0);
    while (left > 0 && clock_mono_ms(clock_system()) < end && !request->is_cancelled(request)) {
        left = online_vfs_wait_uploads(session->online, WAIT_STEP_MS);
    }
    *result = cJSON_CreateObject();
    cJSON_AddNumberToObject(*result, "left", left);
    return 0;
}

/* --- export --- */

struct wanted {
    const char *id;
    char *path;
    char *spool_file;
    uint64_t size_bytes;
};

static void find_upload(void *payload, const struct online_vfs_upload *upload)
{
    struct wanted *wanted = payload;

    /* What settles has no bytes of its own. */
    if (!wanted->path && *upload->spool_file && strcmp(upload->id, wanted->id) == 0 &&
        str_copy(&wanted->path, upload->path, NULL) == 0) {
        (void)str_copy(&wanted->spool_file, upload->spool_file, NULL);
        wanted->size_bytes = upload->size_bytes;
    }
}

/* "report.docx", "report 2.docx", ... in `directory`: made, since no file there is written over. */
static int make_target(FILE **out, char **path, const char *directory, const char *name,
                       struct error *err)
{
    const char *dot = strrchr(name, '.');
    size_t stem = dot && dot != name ? (size_t)(dot - name) : strlen(name);
    int code = 0;

    for (int i = 1; code == 0 && !*out && i <= NAMES_MAX; i++) {
        code = i == 1 ? str_format(path, err, "%s/%s", directory, name)
                      : str_format(path, err, "%s/%.*s %d%s", directory, (int)stem, name, i,
                                   name + stem);
        if (code == 0) {
            *out = file_open_stream(*path, "wbx", err);
            code = *out || err->code == ERR_EXISTS ? 0 : err->code;
        }
    }
    return code < 0 || *out ? code : error_set(err, ERR_EXISTS, "'%s' has it already", directory);
}

static int copy_to(FILE *out, const struct wanted *wanted, struct error *err)
{
    FILE *in = file_open_stream(wanted->spool_file, "rb", err);
    char *data = malloc(COPY_BYTES);
    uint64_t left = wanted->size_bytes;
    bool is_good = in && data;

    while (is_good && left > 0) {
        size_t part = left < COPY_BYTES ? (size_t)left : COPY_BYTES;
        size_t got = fread(data, 1, part, in);

        is_good = got > 0 && fwrite(data, 1, got, out) == got;
        left -= got;
    }
    free(data);
    if (in) {
        fclose(in);
    }
    return is_good ? 0 : error_set(err, ERR_IO, "'%s' cannot be copied", wanted->spool_file);
}

static int recovery_directory(char **out, struct session *session,
                              const struct control_request *request, struct error *err)
{
    const struct settings *settings = session_settings(session);
    const char *given = argument(request, "directory");
    const char *home = getenv("HOME");
    int code;

    if (given && *given == '/') {
        code = str_copy(out, given, err);
    } else if (settings->recovery_directory && *settings->recovery_directory) {
        code = str_copy(out, settings->recovery_directory, err);
    } else if (home && *home == '/') {
        code = str_format(out, err, "%s/Downloads", home);
    } else {
        code = error_set(err, ERR_INVALID, "say where to with --directory");
    }
    settings_unref(settings);
    return code < 0 ? code : file_make_directories(*out, err);
}

static int do_export(struct session *session, const struct control_request *request, const char *id,
                     cJSON **result, struct error *err)
{
    struct wanted wanted = {.id = id};
    char *directory = NULL;
    char *path = NULL;
    FILE *out = NULL;
    const char *slash;
    int code = online_vfs_visit_uploads(session->online, find_upload, &wanted, err);

    if (code == 0 && !wanted.spool_file) {
        code = error_set(err, ERR_NOT_FOUND, "there is no upload '%s'", id);
    }
    if (code == 0) {
        code = recovery_directory(&directory, session, request, err);
    }
    if (code == 0) {
        slash = strrchr(wanted.path, '/');
        code = make_target(&out, &path, directory, slash ? slash + 1 : wanted.path, err);
    }
    if (code == 0) {
        code = copy_to(out, &wanted, err);
    }
    if (out && fclose(out) != 0 && code == 0) {
        code = error_set(err, ERR_NO_SPACE, "'%s' cannot be written", path);
    }
    if (code < 0 && out) {
        (void)file_remove(path, NULL);
    }
    if (code == 0) {
        *result = cJSON_CreateObject();
        cJSON_AddStringToObject(*result, "file", path);
    }
    free(wanted.path);
    free(wanted.spool_file);
    free(directory);
    free(path);
    return code;
}

/* --- all of them --- */

int session_uploads(struct session *session, const struct control_request *request, cJSON **result,
                    struct error *err)
{
    const char *action = argument(request, "action");
    const char *id = argument(request, "id");
    unsigned count = 1;
    int code;

    if (!action) {
        return error_set(err, ERR_INVALID, "uploads needs an action");
    }
    if (strcmp(action, "list") == 0) {
        return do_list(session, result, err);
    }
    if (strcmp(action, "wait") == 0) {
        return do_wait(session, request, result);
    }
    if (strcmp(action, "export") == 0 && id) {
        return do_export(session, request, id, result, err);
    }
    if (strcmp(action, "retry") == 0) {
        code = online_vfs_retry_uploads(session->online, id, &count, err);
    } else if (strcmp(action, "discard") == 0 && id) {
        code = online_vfs_discard_upload(session->online, id, err);
    } else {
        return error_set(err, ERR_INVALID, "uploads %s needs the id of an upload", action);
    }
    if (code == 0) {
        *result = cJSON_CreateObject();
        cJSON_AddNumberToObject(*result, "count", count);
    }
    return code;
}

/* --- for signing out --- */

struct of_tenant {
    const char *tenant_id;
    struct str_list *ids; /* may be NULL */
    unsigned count;
};

/* The key of a library begins with the id of its tenant. */
static void take_of_tenant(void *payload, const struct online_vfs_upload *upload)
{
    struct of_tenant *of = payload;

    if (str_starts_with_nocase(upload->key, of->tenant_id)) {
        of->count++;
        if (of->ids) {
            (void)str_list_add(of->ids, upload->id, NULL);
        }
    }
}

int session_uploads_count(struct session *session, const char *tenant_id, unsigned *count,
                          struct error *err)
{
    struct of_tenant of = {.tenant_id = tenant_id};
    int code = online_vfs_visit_uploads(session->online, take_of_tenant, &of, err);

    *count = of.count;
    return code;
}

int session_uploads_discard(struct session *session, const char *tenant_id, struct error *err)
{
    struct str_list ids = {0};
    struct of_tenant of = {.tenant_id = tenant_id, .ids = &ids};
    int code = online_vfs_visit_uploads(session->online, take_of_tenant, &of, err);

    for (size_t i = 0; i < ids.count && code == 0; i++) {
        code = online_vfs_discard_upload(session->online, ids.items[i], err);
        if (code == ERR_NOT_FOUND) { /* sent meanwhile */
            code = 0;
        }
    }
    str_list_clear(&ids);
    return code;
}
