#include "session_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* The libraries of all accounts, copied, so that nothing is held while planning. */
static int collect(struct session *session, struct library_list *out, struct error *err)
{
    int code = 0;

    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count && code == 0; i++) {
        const struct session_account *a = session->accounts[i];

        for (size_t k = 0; k < a->libraries.count && code == 0 && !a->is_refused; k++) {
            struct library copy = {0};

            code = library_copy(&copy, &a->libraries.items[k], err);
            if (code == 0) {
                code = library_list_add(out, &copy, err);
            }
            library_clear(&copy);
        }
    }
    mutex_unlock(&session->mutex);
    return code;
}

int session_wanted(struct session *session, struct plan_mapping_list *want, struct str_list *notes,
                   struct error *err)
{
    const struct settings *settings = session_settings(session);
    struct library_list libraries = {0};
    int code = collect(session, &libraries, err);

    if (code == 0) {
        /* on Linux all letters are links of ours below the mount: nobody else can have taken one */
        code = plan_wanted(want, notes, &libraries, settings, "", err);
    }
    settings_unref(settings);
    library_list_clear(&libraries);
    return code;
}

static struct session_root *find_root(struct session *session, const char *key)
{
    for (size_t i = 0; i < session->root_count; i++) {
        if (strcmp(session->roots[i].key, key) == 0) {
            return &session->roots[i];
        }
    }
    return NULL;
}

static int add_root(struct session *session, const char *key, uint64_t id, struct error *err)
{
    struct session_root *roots = session->roots;

    if (session->root_count == session->root_capacity) {
        size_t capacity = session->root_capacity ? session->root_capacity * 2 : 64;

        roots = realloc(roots, capacity * sizeof(*roots));
        if (!roots) {
            return error_set(err, ERR_NO_MEMORY, "no memory for %zu mappings", capacity);
        }
        session->roots = roots;
        session->root_capacity = capacity;
    }
    roots[session->root_count].key = NULL;
    if (str_copy(&roots[session->root_count].key, key, err) < 0) {
        return ERR_NO_MEMORY;
    }
    roots[session->root_count++].id = id;
    return 0;
}

static void drop_root(struct session *session, const char *key)
{
    struct session_root *root = find_root(session, key);

    if (root) {
        online_vfs_remove(session->online, root->id);
        free(root->key);
        *root = session->roots[--session->root_count];
    }
}

void session_roots_clear(struct session *session)
{
    while (session->root_count > 0) {
        drop_root(session, session->roots[0].key);
    }
    free(session->roots);
    session->roots = NULL;
    session->root_capacity = 0;
}

/* Puts the library `key` of whichever account has it into the vfs. */
static int carry(struct session *session, const struct plan_mapping *mapping, uint64_t *id,
                 struct error *err)
{
    int code = ERR_NOT_FOUND;

    mutex_lock(&session->mutex);
    for (size_t i = 0; i < session->account_count; i++) {
        struct session_account *a = session->accounts[i];
        const struct library *library = library_list_find(&a->libraries, mapping->key);
        struct online_library online;

        if (!library) {
            continue;
        }
        online = (struct online_library){.account = a->account,
                                         .key = library->key,
                                         .drive_id = library->drive_id,
                                         .is_verified = library->is_verified,
                                         .site_id = library->site_id,
                                         .list_id = library->list_id,
                                         .url = library->url,
                                         .folder_path = library->folder_path,
                                         .is_read_only = mapping->is_read_only};
        code = online_vfs_add(session->online, id, &online, err);
        mutex_unlock(&session->mutex);
        return code;
    }
    mutex_unlock(&session->mutex);
    return error_set(err, code, "the library of '%s' is not known any more", mapping->path);
}

static int attach(void *payload, const struct plan_mapping *mapping, struct error *err)
{
    struct session *session = payload;
    struct mapping shown = {
        .path = mapping->path, .letter = mapping->letter, .label = mapping->label};
    bool is_new = !find_root(session, mapping->key);
    int code = carry(session, mapping, &shown.root_id, err);

    if (code == 0 && is_new) {
        code = add_root(session, mapping->key, shown.root_id, err);
        if (code < 0) {
            online_vfs_remove(session->online, shown.root_id);
            return code;
        }
    }
    if (code == 0) {
        code = transport_attach(session->transport, &shown, err);
        if (code < 0 && is_new) {
            drop_root(session, mapping->key);
        }
    }
    return code;
}

static int detach(void *payload, const struct plan_mapping *mapping, struct error *err)
{
    struct session *session = payload;
    int code = transport_detach(session->transport, mapping->path, err);

    if (code == 0) {
        drop_root(session, mapping->key);
    }
    return code;
}

/* A full disk must not keep the libraries away, which may be where space is to be made: on Linux all
 * that was attached ends with the mount, and the record only tells the next agent what died. */
static int record(void *payload, const struct plan_step *step, struct error *err)
{
    struct session *session = payload;
    struct error failure = {0};

    (void)err;
    if (state_record(session->state, step, &failure) < 0) {
        session_note_state(session, &failure);
    }
    return 0;
}

/* What the vfs carries for mappings that are not there: attaching failed, or the mount was lost. */
static void prune_roots(struct session *session)
{
    for (size_t i = session->root_count; i > 0; i--) {
        const char *key = session->roots[i - 1].key;
        bool is_used = false;

        for (size_t k = 0; k < session->have.count && !is_used; k++) {
            is_used = strcmp(session->have.items[k].key, key) == 0;
        }
        if (!is_used) {
            drop_root(session, key);
        }
    }
}

static void report(struct session *session, const struct plan *plan, size_t failed,
                   const struct error *first, struct str_list *notes)
{
    size_t counts[3] = {0};

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_step *step = &plan->steps[i];

        counts[step->kind] += step->result == 0;
        if (step->result < 0) {
            log_error(LOG_PLAN, &step->error, "mapping '%s'", step->mapping.path);
        }
    }
    if (plan->count > 0) {
        log_info(LOG_PLAN, "%zu mappings added, %zu changed, %zu taken away, %zu failed; %zu now",
                 counts[PLAN_ATTACH], counts[PLAN_UPDATE], counts[PLAN_DETACH], failed,
                 session->have.count);
    }
    mutex_lock(&session->mutex);
    str_list_clear(&session->plan_notes);
    session->plan_notes = *notes;
    memset(notes, 0, sizeof(*notes));
    session->failed_steps = failed;
    session->failed_step = *first;
    mutex_unlock(&session->mutex);
}

int session_remap(struct session *session, struct error *err)
{
    const struct plan_actions actions = {
        .attach = attach, .update = attach, .detach = detach, .record = record, .payload = session};
    struct plan_mapping_list want = {0};
    struct str_list notes = {0};
    struct plan plan = {0};
    struct error first = {0};
    size_t failed;
    int code;

    mutex_lock(&session->apply_mutex);
    if (!session->transport) { /* mounting again does it */
        mutex_unlock(&session->apply_mutex);
        return 0;
    }
    code = session_wanted(session, &want, &notes, err);
    if (code == 0) {
        code = plan_build(&plan, &want, &session->have, err);
    }
    if (code == 0) {
        failed = plan_apply(&plan, &actions, &first);
        code = plan_take_over(&session->have, &plan, err);
        report(session, &plan, failed, &first, &notes);
        if (session->root_count > session->have.count) {
            prune_roots(session);
        }
        session_explorer_update(session);
    }
    mutex_unlock(&session->apply_mutex);
    plan_clear(&plan);
    plan_mapping_list_clear(&want);
    str_list_clear(&notes);
    return code;
}
