/*
 * np_session.c - what the session tells and does for the network provider: which folders there are,
 * and letters at a user's wish.
 */
#include "np_session.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "np_answer.h"
#include "np_pipe.h"
#include "session_private.h"

#define LOOK_MS 1500 /* the provider gives up after two seconds */

static size_t first_length(const char *path)
{
    return strcspn(path, "/");
}

static bool is_first(const char *path, const char *name, size_t length)
{
    return strlen(name) == length && str_starts_with_nocase(path, name);
}

/* Whether `path` is `folder` or lies below it. */
static bool is_at_or_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return strlen(path) >= length && (path[length] == '\0' || path[length] == '/') &&
           str_starts_with_nocase(path, folder);
}

/* The first components of what is mapped, in order, each once. Apply_mutex held. */
static int list_tenants(struct str_list *out, const struct session *session, struct error *err)
{
    const struct plan_mapping_list *have = &session->have;
    char *name = NULL;
    int code = 0;

    for (size_t i = 0; i < have->count && code == 0; i++) {
        const char *path = have->items[i].path;

        if (out->count > 0 && is_first(path, name, first_length(path))) {
            continue;
        }
        code = str_copy_n(&name, path, first_length(path), err);
        if (code == 0 && !str_list_has_nocase(out, name)) {
            code = str_list_add(out, name, err);
        }
    }
    str_free(&name);
    return code;
}

static int compare(const void *a, const void *b)
{
    return str_compare_nocase(*(char *const *)a, *(char *const *)b);
}

int session_np_untag(char **out, const struct session *session, const char *asked,
                     struct error *err)
{
    struct str_list tenants = {0};
    size_t length = first_length(asked);
    char *share = NULL;
    bool is_found = false;
    int code = list_tenants(&tenants, session, err);

    for (size_t i = 0; i < tenants.count && code == 0 && !is_found; i++) {
        const char *tenant = tenants.items[i];

        is_found =
            is_first(asked, tenant, length) ||
            (session->transport && transport_share(session->transport, &share, tenant, NULL) == 0 &&
             is_first(asked, share, length));
        if (is_found) {
            code = str_format(out, err, "%s%s", tenant, asked + length);
        }
    }
    if (code == 0 && !is_found) {
        code = error_set(err, ERR_NOT_FOUND, "nothing is mapped at '%s'", asked);
    }
    str_free(&share);
    str_list_clear(&tenants);
    return code;
}

/* Finds the mapping that `path` lies in: *root is its folder in the vfs and *rest what is below it;
 * *rest NULL: `path` is a mapping or a folder above one. Apply_mutex held. */
static int find(uint64_t *root, const char **rest, const struct session *session, const char *path,
                struct error *err)
{
    *rest = NULL;
    for (size_t i = 0; i < session->have.count; i++) {
        const struct plan_mapping *mapping = &session->have.items[i];

        if (is_at_or_below(mapping->path, path)) {
            return 0;
        }
        if (!is_at_or_below(path, mapping->path)) {
            continue;
        }
        for (size_t k = 0; k < session->root_count; k++) {
            if (strcmp(session->roots[k].key, mapping->key) == 0) {
                *root = session->roots[k].id;
                *rest = path + strlen(mapping->path) + 1;
                return 0;
            }
        }
    }
    return error_set(err, ERR_NOT_FOUND, "nothing is mapped at '%s'", path);
}

/* Whether `path` below `root` is a folder. May ask the server. */
static int look(struct vfs *vfs, uint64_t root, const char *path, struct error *err)
{
    const struct vfs_call call = {.deadline_ms = clock_mono_ms(clock_system()) + LOOK_MS};
    struct vfs_attr attr = {.id = root, .kind = VFS_FOLDER};
    char *name = NULL;
    int code = 0;

    while (code == 0 && *path) {
        size_t length = first_length(path);
        struct vfs_attr next;

        code = str_copy_n(&name, path, length, err);
        if (code == 0) {
            code = vfs_lookup(vfs, &next, attr.id, name, &call, err);
        }
        if (attr.id != root) {
            vfs_forget(vfs, attr.id, 1);
        }
        attr = code == 0 ? next : (struct vfs_attr){.id = root};
        path += length + (path[length] == '/');
    }
    if (code == 0 && attr.kind != VFS_FOLDER) {
        code = error_set(err, ERR_NOT_FOLDER, "'%s' is no folder", name ? name : "");
    }
    if (attr.id != root) {
        vfs_forget(vfs, attr.id, 1);
    }
    str_free(&name);
    return code;
}

/* *real (may be NULL) = the path as mappings spell it. */
static int check(struct session *session, const char *asked, char **real, struct error *err)
{
    const char *rest = NULL;
    uint64_t root = 0;
    char *path = NULL;
    int code;

    mutex_lock(&session->apply_mutex);
    code = session_np_untag(&path, session, asked, err);
    if (code == 0) {
        code = find(&root, &rest, session, path, err);
    }
    mutex_unlock(&session->apply_mutex);
    if (code == 0 && rest) {
        code = look(online_vfs_vfs(session->online), root, rest, err);
    }
    if (code == 0 && real) {
        *real = path;
        path = NULL;
    }
    str_free(&path);
    return code;
}

static int exists(void *payload, const char *path, struct error *err)
{
    return check(payload, path, NULL, err);
}

static int set_letter(struct session *session, char letter, const char *path, struct error *err)
{
    int code;

    mutex_lock(&session->apply_mutex);
    code = session->transport ? transport_set_letter(session->transport, letter, path, err)
                              : error_set(err, ERR_UNREACHABLE, "the libraries are not shown now");
    mutex_unlock(&session->apply_mutex);
    return code;
}

static int connect_letter(void *payload, char letter, const char *path, struct error *err)
{
    struct session *session = payload;
    char *real = NULL;
    int code = check(session, path, &real, err);

    if (code == 0) {
        code = set_letter(session, letter, real, err);
    }
    if (code == 0) {
        log_info(LOG_AGENT, "%c: is now '%s', as a program asked", letter, real);
    }
    str_free(&real);
    return code;
}

static int disconnect_letter(void *payload, char letter, struct error *err)
{
    int code = set_letter(payload, letter, NULL, err);

    if (code == 0) {
        log_info(LOG_AGENT, "%c: is gone, as a program asked", letter);
    }
    return code;
}

static int children(void *payload, size_t start, np_child_fn take, void *taker, struct error *err)
{
    struct session *session = payload;
    struct str_list tenants = {0};
    char *share = NULL;
    bool has_room = true;
    int code;

    mutex_lock(&session->apply_mutex);
    code = session->transport ? list_tenants(&tenants, session, err) : 0;
    if (tenants.count > 0) {
        qsort(tenants.items, tenants.count, sizeof(*tenants.items), compare);
    }
    for (size_t i = start; i < tenants.count && code == 0 && has_room; i++) {
        code = transport_share(session->transport, &share, tenants.items[i], err);
        has_room = code == 0 && take(taker, share);
    }
    mutex_unlock(&session->apply_mutex);
    str_free(&share);
    str_list_clear(&tenants);
    return code;
}

static size_t answer(void *payload, void *out, const void *question, size_t size)
{
    struct session *session = payload;
    struct np_world world = {.exists = exists,
                             .connect = connect_letter,
                             .disconnect = disconnect_letter,
                             .children = children,
                             .payload = session};
    char *server = NULL;
    size_t bytes;

    mutex_lock(&session->apply_mutex);
    (void)str_copy(&server, session->unc_server, NULL);
    mutex_unlock(&session->apply_mutex);
    world.server = server ? server : "";
    bytes = np_answer_question(out, question, size, &world);
    str_free(&server);
    return bytes;
}

void session_np_tick(struct session *session)
{
    struct error err = {0};

    if (session->np_pipe || session->is_np_off) {
        return;
    }
    if (np_pipe_start(&session->np_pipe, answer, session, &err) == ERR_UNSUPPORTED) {
        session->is_np_off = true;
    } else if (err.code < 0 && err.code != session->np_failure) {
        log_error(LOG_AGENT, &err, "`net use` does not know the libraries");
    }
    session->np_failure = err.code;
}

void session_np_stop(struct session *session)
{
    np_pipe_stop(session->np_pipe);
    session->np_pipe = NULL;
}
