#include "paths.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/file.h"
#include "base/str.h"
#include "base/win32.h"

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

/* Pipes have one name space for all users and sessions. */
static int pipe_name(char **out, struct error *err)
{
    char *sid = NULL;
    DWORD session = 0;
    int code = win32_user_sid(&sid, err);

    if (code == 0 && !ProcessIdToSessionId(GetCurrentProcessId(), &session)) {
        code = win32_failed(err, GetLastError(), "cannot ask which session this is");
    }
    if (code == 0) {
        code = str_format(out, err, "\\\\.\\pipe\\mooring-%s-%lu", sid, (unsigned long)session);
    }
    free(sid);
    return code;
}

int agent_paths_init(struct agent_paths *paths, struct error *err)
{
    int code;

    memset(paths, 0, sizeof(*paths));
    code = state_directory(&paths->state, err);
    if (code == 0) {
        code = str_copy(&paths->runtime, paths->state, err);
    }
    if (code == 0) {
        code = pipe_name(&paths->socket, err);
    }
    if (code == 0) {
        code = str_format(&paths->lock, err, "%s\\agent.lock", paths->state);
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
}
