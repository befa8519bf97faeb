#include "paths.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/file.h"
#include "base/str.h"
#include "base/win32.h"

enum { PLACES = 9 }; /* sessions of one user at once */

/* What stays on this machine: a roaming profile would carry one machine's letters to another. */
static int state_directory(char **out, struct error *err)
{
    char *local = NULL;
    int code = win32_environment(&local, "LOCALAPPDATA", NULL);

    if (code == 0 && *local) {
        code = str_format(out, err, "%s\\Mooring\\state", local);
    } else {
        code = error_set(err, ERR_NOT_FOUND,
                         "LOCALAPPDATA is not set, so there is no place for the agent's files");
    }
    free(local);
    return code;
}

/* Pipes have one name space for all users and sessions, the user's folders one for all sessions. */
static int session_names(struct agent_paths *paths, struct error *err)
{
    char *sid = NULL;
    DWORD session = 0;
    int code = win32_user_sid(&sid, err);

    if (code == 0 && !ProcessIdToSessionId(GetCurrentProcessId(), &session)) {
        code = win32_failed(err, GetLastError(), "cannot ask which session this is");
    }
    if (code == 0) {
        code = str_format(&paths->socket, err, "\\\\.\\pipe\\mooring-%s-%lu", sid,
                          (unsigned long)session);
    }
    if (code == 0) {
        code = str_format(&paths->lock, err, "%s\\session-%lu.lock", paths->state,
                          (unsigned long)session);
    }
    free(sid);
    return code;
}

int agent_paths_init(struct agent_paths *paths, struct error *err)
{
    int code;

    memset(paths, 0, sizeof(*paths));
    paths->place = 1;
    code = state_directory(&paths->state, err);
    if (code == 0) {
        code = str_copy(&paths->runtime, paths->state, err);
    }
    if (code == 0) {
        code = session_names(paths, err);
    }
    if (code == 0) {
        code = str_format(&paths->tokens, err, "%s\\tokens", paths->state);
    }
    if (code == 0) {
        code = file_make_private_directory(paths->state, err);
    }
    if (code == 0) {
        code = file_make_private_directory(paths->tokens, err);
    }
    if (code < 0) {
        agent_paths_clear(paths);
    }
    return code;
}

void agent_paths_clear(struct agent_paths *paths)
{
    str_free(&paths->state);
    str_free(&paths->runtime);
    str_free(&paths->socket);
    str_free(&paths->lock);
    str_free(&paths->tokens);
    file_unlock(paths->hold);
    paths->hold = NULL;
}

static int place_directory(char **out, const char *directory, unsigned place, struct error *err)
{
    return place == 1 ? str_copy(out, directory, err)
                      : str_format(out, err, "%s-%u", directory, place);
}

/* Whether a journal has more in its folder than the table of what waits: the bytes of files that
 * were never sent. */
static bool has_unsent(const char *journal, unsigned place)
{
    WIN32_FIND_DATAW entry;
    wchar_t *pattern = NULL;
    char *text = NULL;
    char *all = NULL;
    HANDLE search = INVALID_HANDLE_VALUE;
    bool is_found = false;

    if (place_directory(&text, journal, place, NULL) == 0 &&
        str_format(&all, NULL, "%s\\*", text) == 0 && win32_wide_path(&pattern, all, NULL) == 0) {
        search = FindFirstFileW(pattern, &entry);
    }
    if (search != INVALID_HANDLE_VALUE) {
        do {
            is_found = is_found || (!(entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) &&
                                    _wcsnicmp(entry.cFileName, L"journal.db", 10) != 0);
        } while (!is_found && FindNextFileW(search, &entry));
        FindClose(search);
    }
    free(pattern);
    str_free(&all);
    str_free(&text);
    return is_found;
}

/* ERR_BUSY: another agent has it. */
static int hold_place(struct file_lock **hold, char **state, const char *first, unsigned place,
                      struct error *err)
{
    char *lock = NULL;
    int code = place_directory(state, first, place, err);

    if (code == 0) {
        code = file_make_private_directory(*state, err);
    }
    if (code == 0) {
        code = str_format(&lock, err, "%s\\agent.lock", *state);
    }
    if (code == 0) {
        code = file_lock(hold, lock, 0, err);
    }
    str_free(&lock);
    return code;
}

int agent_paths_claim(struct agent_paths *paths, const char *journal, struct error *err)
{
    char *first = NULL;
    bool is_over = false;
    int code = str_copy(&first, paths->state, err);

    for (unsigned place = 1; place <= PLACES && code == 0 && !is_over; place++) {
        bool has_more = has_unsent(journal, place);
        struct file_lock *hold = NULL;
        char *state = NULL;

        if (paths->hold && !has_more) {
            continue;
        }
        code = hold_place(&hold, &state, first, place, err);
        if (code == 0) {
            file_unlock(paths->hold);
            str_free(&paths->state);
            paths->hold = hold;
            paths->state = state;
            paths->place = place;
            is_over = has_more;
        } else {
            str_free(&state);
            code = code == ERR_BUSY ? 0 : code;
        }
    }
    if (code == 0 && !paths->hold) {
        code = error_set(err, ERR_BUSY, "%d agents of this user run already", PLACES);
    }
    str_free(&first);
    return code;
}

int agent_paths_placed(char **out, const struct agent_paths *paths, const char *directory,
                       struct error *err)
{
    return place_directory(out, directory, paths->place, err);
}
