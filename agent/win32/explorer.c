#include "explorer.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <objbase.h>
#include <shlobj.h>

#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "base/thread.h"
#include "base/win32.h"
#include "explorer_keys.h"
#include "explorer_links.h"
#include "remembered.h"

#define LINKS "Libraries"     /* what people see of it */
#define FIRST_STATE "\\state" /* of the first agent; the others have "state-2" and so on */

struct explorer {
    struct thread thread;
    char *program; /* what the entries start: mooring-agent.exe beside this program */
    char *folder;  /* of the links */

    struct mutex mutex; /* guards these: */
    struct cond wake;
    struct explorer_view next;
    bool has_next;
    bool is_ending;
    bool keeps_letters;

    struct explorer_view shown; /* the thread's own */
};

/* --- telling Explorer; it may be away, and says nothing back --- */

static void tell_path(LONG event, const char *path)
{
    wchar_t *wide = NULL;

    if (win32_wide(&wide, path, NULL) == 0) {
        SHChangeNotify(event, SHCNF_PATHW | SHCNF_FLUSHNOWAIT, wide, NULL);
    }
    free(wide);
}

static void tell_letter(LONG event, char letter)
{
    const char path[] = {letter, ':', '\\', '\0'};

    tell_path(event, path);
}

static void tell_classes(void)
{
    SHChangeNotify(SHCNE_ASSOCCHANGED, SHCNF_IDLIST | SHCNF_FLUSHNOWAIT, NULL, NULL);
}

/* --- one view after the other --- */

/* What went wrong is said once, and the rest is done: no drive depends on it. */
static void note(int code, const struct error *err)
{
    if (code < 0) {
        log_error(LOG_AGENT, err, "Explorer does not show all that it could");
    }
}

static const struct explorer_letter *find_letter(const struct explorer_view *view,
                                                 const struct explorer_letter *wanted)
{
    for (size_t i = 0; i < view->letter_count; i++) {
        const struct explorer_letter *letter = &view->letters[i];

        if (letter->letter == wanted->letter && str_equal(letter->label, wanted->label) &&
            str_equal(letter->path, wanted->path)) {
            return letter;
        }
    }
    return NULL;
}

static void change_letters(const struct explorer *explorer, const struct explorer_view *from,
                           const struct explorer_view *to)
{
    for (size_t i = 0; i < from->letter_count; i++) {
        if (!find_letter(to, &from->letters[i])) {
            explorer_keys_remove_letter(&from->letters[i]);
            tell_letter(SHCNE_DRIVEREMOVED, from->letters[i].letter);
        }
    }
    for (size_t i = 0; i < to->letter_count; i++) {
        if (!find_letter(from, &to->letters[i])) {
            struct error err = {0};

            note(explorer_keys_add_letter(&to->letters[i], explorer->program, &err), &err);
            tell_letter(SHCNE_DRIVEADD, to->letters[i].letter);
        }
    }
}

static void show_all(const struct explorer *explorer, const struct explorer_view *view)
{
    struct error err = {0};

    note(explorer_links_write(explorer->folder, view, &err), &err);
    tell_path(SHCNE_UPDATEDIR, explorer->folder);
    note(explorer_keys_add_verbs(view, explorer->program, &err), &err);
    note(explorer_keys_add_node(explorer->folder, explorer->program, &err), &err);
    tell_classes();
}

static int remove_all(const char *folder, struct error *err)
{
    int code = explorer_keys_remove_all(err);
    int links;

    tell_classes();
    links = explorer_links_remove(folder, code < 0 ? NULL : err);
    return code < 0 ? code : links;
}

static void change(struct explorer *explorer, struct explorer_view *to)
{
    struct error err = {0};
    bool is_nothing = !to->root || (to->letter_count == 0 && to->folder_count == 0);

    if (!explorer_view_equal(&explorer->shown, to)) {
        change_letters(explorer, &explorer->shown, to);
        if (is_nothing) {
            note(remove_all(explorer->folder, &err), &err);
        } else {
            show_all(explorer, to);
        }
    }
    explorer_view_clear(&explorer->shown);
    explorer->shown = *to;
    *to = (struct explorer_view){0};
}

/* True when there is one; false at the end. */
static bool wait_for_next(struct explorer *explorer, struct explorer_view *next)
{
    bool has_next;

    mutex_lock(&explorer->mutex);
    while (!explorer->has_next && !explorer->is_ending) {
        cond_wait(&explorer->wake, &explorer->mutex);
    }
    has_next = !explorer->is_ending;
    *next = explorer->next;
    explorer->next = (struct explorer_view){0};
    explorer->has_next = false;
    mutex_unlock(&explorer->mutex);
    return has_next;
}

static void *run(void *payload)
{
    struct explorer *explorer = payload;
    struct explorer_view next = {0};
    struct error err = {0};
    HRESULT com = CoInitializeEx(NULL, COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE);

    note(remove_all(explorer->folder, &err), &err); /* what an agent that died left */
    note(remembered_remove(&err), &err);
    while (wait_for_next(explorer, &next)) {
        change(explorer, &next);
    }
    explorer_view_clear(&next);
    if (explorer->keeps_letters) { /* from the end on nobody changes it */
        note(remembered_write(&explorer->shown, &err), &err);
    }
    change(explorer, &next); /* to nothing */
    if (SUCCEEDED(com)) {
        CoUninitialize();
    }
    return NULL;
}

static void free_explorer(struct explorer *explorer)
{
    explorer_view_clear(&explorer->next);
    explorer_view_clear(&explorer->shown);
    cond_clear(&explorer->wake);
    mutex_clear(&explorer->mutex);
    free(explorer->program);
    free(explorer->folder);
    free(explorer);
}

/* "path" up to its last '\\', then `name`. */
static int beside(char **out, const char *path, const char *name, struct error *err)
{
    const char *slash = strrchr(path, '\\');

    return str_format(out, err, "%.*s\\%s", (int)(slash ? (size_t)(slash - path) : strlen(path)),
                      path, name);
}

/* The entries are the user's, for all sessions: the first of several agents of the user makes them,
 * and each session's own agent answers what they start. */
int explorer_start(struct explorer **out, const char *state, struct error *err)
{
    struct explorer *explorer = NULL;
    char *self = NULL;
    int code;

    *out = NULL;
    if (!str_ends_with(state, FIRST_STATE)) {
        return 0;
    }
    explorer = calloc(1, sizeof(*explorer));
    if (!explorer) {
        return error_set(err, ERR_NO_MEMORY, "no memory for Explorer's entries");
    }
    mutex_init(&explorer->mutex);
    cond_init(&explorer->wake);
    code = process_own_path(&self, err);
    if (code == 0) {
        code = beside(&explorer->program, self, "mooring-agent.exe", err);
    }
    if (code == 0) {
        code = beside(&explorer->folder, state, LINKS, err);
    }
    free(self);
    if (code == 0) {
        code = thread_start(&explorer->thread, "explorer", run, explorer, err);
    }
    if (code < 0) {
        free_explorer(explorer);
        return code;
    }
    *out = explorer;
    return 0;
}

void explorer_show(struct explorer *explorer, struct explorer_view *view)
{
    if (explorer) {
        mutex_lock(&explorer->mutex);
        explorer_view_clear(&explorer->next);
        explorer->next = *view;
        *view = (struct explorer_view){0};
        explorer->has_next = true;
        cond_signal(&explorer->wake);
        mutex_unlock(&explorer->mutex);
    }
    explorer_view_clear(view);
}

void explorer_stop(struct explorer *explorer, bool keeps_letters)
{
    if (!explorer) {
        return;
    }
    mutex_lock(&explorer->mutex);
    explorer->is_ending = true;
    explorer->keeps_letters = keeps_letters;
    cond_signal(&explorer->wake);
    mutex_unlock(&explorer->mutex);
    thread_join(&explorer->thread);
    free_explorer(explorer);
}

int explorer_remove_leftovers(const char *state, struct error *err)
{
    char *folder = NULL;
    int code = beside(&folder, state, LINKS, err);

    if (code == 0) {
        code = remove_all(folder, err);
    }
    free(folder);
    if (code == 0) {
        code = remembered_remove(err);
    }
    return code;
}
