#include "paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/str.h"

static int state_directory(char **out, struct error *err)
{
    const char *base = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (base && *base == '/') {
        return str_format(out, err, "%s/mooring", base);
    }
    if (home && *home == '/') {
        return str_format(out, err, "%s/.local/state/mooring", home);
    }
    return error_set(
        err, ERR_NOT_FOUND,
        "neither XDG_STATE_HOME nor HOME is set, so there is no place for the agent's files");
}

/* A runtime folder somebody else owns (sudo -E keeps the variable) is not ours to use. */
static int runtime_directory(char **out, const char *state, struct error *err)
{
    const char *base = getenv("XDG_RUNTIME_DIR");
    struct stat st;

    if (base && *base == '/' && stat(base, &st) == 0 && st.st_uid == geteuid()) {
        return str_format(out, err, "%s/mooring", base);
    }
    return str_format(out, err, "%s/run", state);
}

int agent_paths_init(struct agent_paths *paths, struct error *err)
{
    struct sockaddr_un address;
    int code;

    memset(paths, 0, sizeof(*paths));
    paths->place = 1;
    code = state_directory(&paths->state, err);
    if (code == 0) {
        code = runtime_directory(&paths->runtime, paths->state, err);
    }
    if (code == 0) {
        code = str_format(&paths->socket, err, "%s/agent.sock", paths->runtime);
    }
    if (code == 0) {
        code = str_format(&paths->lock, err, "%s/agent.lock", paths->state);
    }
    if (code == 0) {
        code = str_format(&paths->tokens, err, "%s/tokens", paths->state);
    }
    if (code == 0 && strlen(paths->socket) >= sizeof(address.sun_path)) {
        code = error_set(err, ERR_INVALID,
                         "the path of the control socket, '%s', is longer than %zu bytes",
                         paths->socket, sizeof(address.sun_path) - 1);
    }
    if (code == 0) {
        code = file_make_private_directory(paths->state, err);
    }
    if (code == 0) {
        code = file_make_private_directory(paths->runtime, err);
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

int agent_paths_claim(struct agent_paths *paths, const char *journal, struct error *err)
{
    (void)paths;
    (void)journal;
    (void)err;
    return 0;
}

int agent_paths_placed(char **out, const struct agent_paths *paths, const char *directory,
                       struct error *err)
{
    (void)paths;
    return str_copy(out, directory, err);
}
