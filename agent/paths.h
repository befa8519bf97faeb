/*
 * paths.h - where the agent of this user keeps its files. All of it follows the XDG directories, so
 * that two users or two tests never meet.
 */
#ifndef AGENT_PATHS_H
#define AGENT_PATHS_H

#include "base/error.h"

struct file_lock;

struct agent_paths {
    char *state;   /* $XDG_STATE_HOME/mooring: state, tokens, lock */
    char *runtime; /* $XDG_RUNTIME_DIR/mooring, or <state>/run where there is no session */
    char *socket;  /* <runtime>/agent.sock */
    char *lock;    /* <state>/agent.lock: one agent per user; Windows: one per session */
    char *tokens;  /* <state>/tokens; of the user, for all of their agents */

    unsigned place; /* 1, or which of the user's agents on Windows this is: agent_paths_claim() */
    struct file_lock *hold; /* of that place */
};

/* Finds the places and makes the folders private (base/file.h). ERR_DENIED names a folder others
 * could enter. */
int agent_paths_init(struct agent_paths *paths, struct error *err);
void agent_paths_clear(struct agent_paths *paths);

/* For the agent itself. Where one user may have several sessions (Windows), each agent has a state,
 * a journal and a cache of its own: the first free place, but before that one where an agent left
 * files in its journal (`journal`: JournalDirectory). Changes paths->state, and holds the place until
 * agent_paths_clear(). Elsewhere there is one place, and nothing is done. */
int agent_paths_claim(struct agent_paths *paths, const char *journal, struct error *err);

/* *out = `directory` for this place: "cache", "cache-2", ... The caller frees. */
int agent_paths_placed(char **out, const struct agent_paths *paths, const char *directory,
                       struct error *err);

#endif
