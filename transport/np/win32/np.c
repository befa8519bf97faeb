/*
 * np.c - the transport `np` on Windows: the namespace, shown by WinFsp. One volume per tenant, since
 * a network path has a server and a share: \\mooring\contoso\finance\Documents. A volume comes with
 * the first mapping of its tenant and goes with the last.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "np/notes.h"
#include "np/np.h"

#include "fsp.h"
#include "volume.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "letters.h"
#include "transport/namespace.h"

#define DEFAULT_SERVER "mooring"
#define DEFAULT_DEADLINE_MS 60000
#define FIRST_LETTER 'A'

enum { LETTERS = 26 };

struct shown {
    struct volume *volume;
    struct shown *next;
};

struct letter {
    char *path;    /* NULL: not ours */
    char *target;  /* what it leads to, below \\server */
    bool is_users; /* somebody wanted it; else a mapping has it */
};

struct np {
    struct transport base;            /* must stay first */
    struct transport_options options; /* without what it lent */
    char *server;
    char *user_tag; /* NULL: none */
    struct fsp_api api;
    struct fsp_interface interface;
    atomic_bool is_cancelling; /* operations that run are to end with ERR_CANCELLED */
    struct offline offline;
    struct np_notes notes; /* of np->vfs, on their way to the volumes */
    struct namespace *ns;
    struct vfs *vfs; /* of ns, a reference */

    struct mutex lock;     /* guards what follows; one attach or detach at a time */
    struct shown *volumes; /* in no order */
    struct letter letters[LETTERS];

    struct cond ended; /* is_done came */
    bool is_done;
    bool is_left; /* nobody waits any more: who ends it frees it */
};

static struct np *np_of(struct transport *t)
{
    return (struct np *)t;
}

static int not_started(struct error *err)
{
    return error_set(err, ERR_INVALID, "the transport was not started");
}

static void np_free(struct np *np)
{
    str_free(&np->server);
    str_free(&np->user_tag);
    str_free(&np->offline.exclude);
    mutex_clear(&np->offline.lock);
    cond_clear(&np->ended);
    mutex_clear(&np->lock);
    free(np);
}

/* On the thread of the notes. */
static void tell_volumes(void *payload, uint64_t parent, const char *name, uint64_t id)
{
    struct np *np = payload;

    mutex_lock(&np->lock);
    for (struct shown *s = np->volumes; s; s = s->next) {
        volume_tell(s->volume, parent, name, id);
    }
    mutex_unlock(&np->lock);
}

static int np_create(struct transport **out, const struct transport_options *options,
                     struct error *err)
{
    struct np *np = calloc(1, sizeof(*np));
    int code;

    if (!np) {
        return error_set(err, ERR_NO_MEMORY, "no memory for a mount");
    }
    np->base.type = &transport_type_np;
    np->options = *options;
    np->options.root = NULL;
    np->options.private_directory = NULL;
    np->options.unc_server = NULL;
    np->options.user_tag = NULL;
    if (np->options.deadline_ms <= 0) {
        np->options.deadline_ms = DEFAULT_DEADLINE_MS;
    }
    ops_add_items(&np->interface);
    ops_add_content(&np->interface);
    ops_add_folders(&np->interface);
    mutex_init(&np->lock);
    cond_init(&np->ended);
    mutex_init(&np->offline.lock);
    np_notes_init(&np->notes, tell_volumes, np);
    code = str_copy(&np->server, options->unc_server ? options->unc_server : DEFAULT_SERVER, err);
    if (code == 0) {
        code = str_copy(&np->user_tag, options->user_tag, err);
    }
    if (code < 0) {
        np_notes_clear(&np->notes);
        np_free(np);
        return code;
    }
    *out = &np->base;
    return 0;
}

static int np_start(struct transport *t, struct vfs *vfs, struct error *err)
{
    struct np *np = np_of(t);
    int code = np->ns ? error_set(err, ERR_INVALID, "the transport was started before") : 0;

    if (code == 0) {
        code = fsp_load(&np->api, err);
    }
    if (code == 0) {
        code = namespace_new(&np->ns, vfs, err);
    }
    if (code == 0) {
        np->vfs = namespace_vfs(np->ns);
        code = np_notes_start(&np->notes, err);
    }
    if (code == 0) {
        vfs_listen(np->vfs, np_notes_add, &np->notes);
    }
    return code;
}

static size_t first_length(const char *path)
{
    return strcspn(path, "/");
}

static struct shown **find_volume(struct np *np, const char *path)
{
    struct shown **at = &np->volumes;
    size_t length = first_length(path);

    while (*at && !(strlen((*at)->volume->folder) == length &&
                    str_starts_with_nocase(path, (*at)->volume->folder))) {
        at = &(*at)->next;
    }
    return at;
}

static int show_tenant(struct np *np, const char *path, struct error *err)
{
    struct volume_options options = {.api = &np->api,
                                     .interface = &np->interface,
                                     .is_cancelling = &np->is_cancelling,
                                     .offline = &np->offline,
                                     .vfs = np->vfs,
                                     .server = np->server,
                                     .user_tag = np->user_tag,
                                     .deadline_ms = np->options.deadline_ms,
                                     .save_deadline_ms = np->options.save_deadline_ms,
                                     .max_threads = np->options.max_threads};
    struct shown *shown = NULL;
    char *folder = NULL;
    int code;

    if (*find_volume(np, path)) {
        return 0;
    }
    shown = calloc(1, sizeof(*shown));
    code = shown ? str_copy_n(&folder, path, first_length(path), err)
                 : error_set(err, ERR_NO_MEMORY, "no memory for a volume");
    if (code == 0) {
        options.folder = folder;
        code = volume_new(&shown->volume, &options, err);
    }
    if (code == 0) {
        shown->next = np->volumes;
        np->volumes = shown;
        shown = NULL;
    }
    free(shown);
    str_free(&folder);
    return code;
}

struct search {
    const char *path;
    bool is_found;
};

static void match_tenant(void *payload, const struct mapping *mapping)
{
    struct search *search = payload;
    size_t length = first_length(search->path);
    char *tenant = NULL;

    /* without memory a volume stays that nobody needs */
    if (first_length(mapping->path) == length &&
        (str_copy_n(&tenant, search->path, length, NULL) < 0 ||
         str_starts_with_nocase(mapping->path, tenant))) {
        search->is_found = true;
    }
    str_free(&tenant);
}

static void free_letter(struct np *np, struct letter *letter)
{
    letter_remove((char)(FIRST_LETTER + (letter - np->letters)), np->server, letter->target);
    str_free(&letter->path);
    str_free(&letter->target);
    letter->is_users = false;
}

static bool is_below(const char *path, const char *folder, size_t length)
{
    return strlen(path) >= length && (path[length] == '\0' || path[length] == '/') &&
           str_starts_with_nocase(path, folder);
}

/* The letter of a mapping; with `all` also those that users gave to it and to folders below it. */
static void remove_letters(struct np *np, const char *path, bool all)
{
    size_t length = strlen(path);

    for (int i = 0; i < LETTERS; i++) {
        struct letter *letter = &np->letters[i];

        if (letter->path && (all ? is_below(letter->path, path, length)
                                 : !letter->is_users && str_equal_nocase(letter->path, path))) {
            free_letter(np, letter);
        }
    }
}

static void hide_tenant(struct np *np, const char *path)
{
    struct search search = {.path = path};
    struct shown **at = find_volume(np, path);
    struct shown *shown = *at;

    if (shown && namespace_enumerate(np->ns, match_tenant, &search, NULL) == 0 &&
        !search.is_found) {
        remove_letters(np, shown->volume->folder, true);
        *at = shown->next;
        volume_free(shown->volume);
        free(shown);
    }
}

static struct letter *letter_of(struct np *np, char letter)
{
    int at = letter - FIRST_LETTER;

    return at >= 0 && at < LETTERS ? &np->letters[at] : NULL;
}

/* Makes `name`, whose place `letter` is free, lead to `path`; its tenant has a volume. */
static int make_letter(struct np *np, char name, const char *path, bool is_users, struct error *err)
{
    struct letter *letter = letter_of(np, name);
    const struct shown *shown = *find_volume(np, path);
    char *target = NULL;
    int code;

    if (!shown) {
        return error_set(err, ERR_NOT_FOUND, "nothing is shown at '%s'", path);
    }
    code = str_format(&target, err, "%s%s", shown->volume->share, path + first_length(path));
    if (code == 0) {
        code = letter_set(name, np->server, target, !is_users, err);
    }
    if (code == 0) {
        code = str_copy(&letter->path, path, err);
        if (code < 0) {
            letter_remove(name, np->server, target);
        }
    }
    if (code < 0) {
        str_free(&target);
        return code;
    }
    letter->target = target;
    letter->is_users = is_users;
    return 0;
}

static int set_letter(struct np *np, const struct mapping *mapping, struct error *err)
{
    struct letter *letter = letter_of(np, mapping->letter);

    if (letter && letter->path && str_equal_nocase(letter->path, mapping->path)) {
        letter->is_users = false; /* what policy wants too stays when the user has enough of it */
        return 0;
    }
    remove_letters(np, mapping->path, false);
    if (!letter) {
        return 0;
    }
    if (letter->path && letter->is_users) {
        return error_set(err, ERR_EXISTS, "the letter %c: is in use", mapping->letter);
    }
    if (letter->path) {
        free_letter(np, letter);
    }
    return make_letter(np, mapping->letter, mapping->path, false, err);
}

static int np_set_letter(struct transport *t, char name, const char *path, struct error *err)
{
    struct np *np = np_of(t);
    struct letter *letter = letter_of(np, name);
    int code = 0;

    if (!np->ns || !letter) {
        return np->ns ? error_set(err, ERR_INVALID, "there is no such letter") : not_started(err);
    }
    mutex_lock(&np->lock);
    if (path) {
        code = letter->path ? error_set(err, ERR_EXISTS, "the letter %c: is in use", name)
                            : make_letter(np, name, path, true, err);
    } else if (letter->path) {
        free_letter(np, letter);
    } else {
        code = error_set(err, ERR_NOT_FOUND, "the letter %c: is not a library", name);
    }
    mutex_unlock(&np->lock);
    return code;
}

static int np_share(struct transport *t, char **out, const char *folder, struct error *err)
{
    struct np *np = np_of(t);
    const struct shown *shown;
    int code;

    mutex_lock(&np->lock);
    shown = *find_volume(np, folder);
    code = shown ? str_copy(out, shown->volume->share, err)
                 : error_set(err, ERR_NOT_FOUND, "nothing is shown at '%s'", folder);
    mutex_unlock(&np->lock);
    return code;
}

static void match_path(void *payload, const struct mapping *mapping)
{
    struct search *search = payload;

    search->is_found = search->is_found || str_equal_nocase(mapping->path, search->path);
}

/* What was there before stays also when its letter cannot be changed. */
static int attach(struct np *np, const struct mapping *mapping, struct error *err)
{
    struct search search = {.path = mapping->path};
    int code = namespace_enumerate(np->ns, match_path, &search, err);

    if (code == 0) {
        code = namespace_attach(np->ns, mapping, err);
    }
    if (code < 0) {
        return code;
    }
    code = show_tenant(np, mapping->path, err);
    if (code == 0) {
        code = set_letter(np, mapping, err);
    }
    if (code < 0 && !search.is_found) {
        remove_letters(np, mapping->path, false);
        namespace_detach(np->ns, mapping->path, NULL);
        hide_tenant(np, mapping->path);
    }
    return code;
}

static int np_attach(struct transport *t, const struct mapping *mapping, struct error *err)
{
    struct np *np = np_of(t);
    int code;

    if (!np->ns) {
        return not_started(err);
    }
    mutex_lock(&np->lock);
    code = attach(np, mapping, err);
    mutex_unlock(&np->lock);
    return code;
}

static int np_detach(struct transport *t, const char *path, struct error *err)
{
    struct np *np = np_of(t);
    int code;

    if (!np->ns) {
        return not_started(err);
    }
    mutex_lock(&np->lock);
    remove_letters(np, path, true);
    code = namespace_detach(np->ns, path, err);
    if (code == 0) {
        hide_tenant(np, path);
    }
    mutex_unlock(&np->lock);
    return code;
}

static int np_enumerate(struct transport *t, transport_visit_fn visit, void *payload,
                        struct error *err)
{
    struct np *np = np_of(t);

    return np->ns ? namespace_enumerate(np->ns, visit, payload, err) : not_started(err);
}

static int np_set_offline(struct transport *t, const char *exclude, struct error *err)
{
    return offline_set(&np_of(t)->offline, exclude, err);
}

/* \\mooring\contoso\finance, with the tag that the tenant's share may have */
static int np_local_path(struct transport *t, char **out, const char *path, struct error *err)
{
    struct np *np = np_of(t);
    const struct shown *shown;
    int code;

    mutex_lock(&np->lock);
    shown = *find_volume(np, path);
    code = shown ? str_format(out, err, "\\\\%s\\%s%s", np->server, shown->volume->share,
                              path + first_length(path))
                 : str_format(out, err, "\\\\%s%s%s", np->server, *path ? "\\" : "", path);
    mutex_unlock(&np->lock);
    for (char *c = code == 0 ? *out : NULL; c && *c; c++) {
        *c = *c == '/' ? '\\' : *c;
    }
    return code;
}

static int np_check(struct transport *t, struct error *err)
{
    struct np *np = np_of(t);
    int code = np->ns ? 0 : not_started(err);

    mutex_lock(&np->lock);
    for (struct shown *s = np->volumes; s && code == 0; s = s->next) {
        if (atomic_load(&s->volume->is_stopped)) {
            code = error_set(err, ERR_IO, "WinFsp stopped the volume \\\\%s\\%s", np->server,
                             s->volume->share);
        }
    }
    mutex_unlock(&np->lock);
    return code;
}

/* Takes everything away; WinFsp waits for operations that run. */
static void *finish(void *payload)
{
    struct np *np = payload;
    bool is_left;

    while (np->volumes) {
        struct shown *next = np->volumes->next;

        volume_free(np->volumes->volume);
        free(np->volumes);
        np->volumes = next;
    }
    vfs_unref(np->vfs);
    mutex_lock(&np->lock);
    np->is_done = true;
    is_left = np->is_left;
    cond_broadcast(&np->ended);
    mutex_unlock(&np->lock);
    if (is_left) {
        np_free(np);
    }
    return NULL;
}

/* Until it is done or `until_ms`. Called with the lock. */
static bool wait_for_end(struct np *np, int64_t until_ms)
{
    while (!np->is_done) {
        int64_t left = until_ms - clock_mono_ms(clock_system());

        if (left <= 0) {
            break;
        }
        cond_wait_ms(&np->ended, &np->lock, left);
    }
    return np->is_done;
}

static void np_stop(struct transport *t, int64_t wait_ms)
{
    struct np *np = np_of(t);
    int64_t now_ms = clock_mono_ms(clock_system());
    struct thread ender = {.is_running = false};
    struct error err = {0};
    bool is_done;

    if (np->vfs) {
        vfs_listen(np->vfs, NULL, NULL);
    }
    np_notes_clear(&np->notes);
    for (int i = 0; i < LETTERS; i++) {
        if (np->letters[i].path) {
            free_letter(np, &np->letters[i]);
        }
    }
    if (!np->vfs || thread_start(&ender, "np-ender", finish, np, &err) < 0) {
        finish(np);
        np_free(np);
        return;
    }
    mutex_lock(&np->lock);
    is_done = wait_for_end(np, now_ms + wait_ms * 3 / 4);
    mutex_unlock(&np->lock);
    if (!is_done) {
        atomic_store(&np->is_cancelling, true);
    }
    mutex_lock(&np->lock);
    is_done = wait_for_end(np, now_ms + wait_ms);
    np->is_left = !is_done;
    mutex_unlock(&np->lock);
    if (is_done) {
        thread_join(&ender);
        np_free(np);
    } else {
        log_write(LOG_LEVEL_INFO, LOG_TRANSPORT,
                  "operations did not end in time and are left behind");
        pthread_detach(ender.impl);
    }
}

static const struct transport_ops np_ops = {
    .create = np_create,
    .start = np_start,
    .attach = np_attach,
    .detach = np_detach,
    .enumerate = np_enumerate,
    .check = np_check,
    .local_path = np_local_path,
    .set_letter = np_set_letter,
    .share = np_share,
    .set_offline = np_set_offline,
    .stop = np_stop,
};

const struct transport_type transport_type_np = {
    .name = "np",
    .title = "network drives by WinFsp",
    .caps = TRANSPORT_CAP_LETTERS,
    .ops = &np_ops,
};
