/*
 * paths.h - where the agent of this user keeps its files. All of it follows the XDG directories, so
 * that two users or two tests never meet.
 */
#ifndef AGENT_PATHS_H
#define AGENT_PATHS_H

#include "base/error.h"

struct agent_paths {
    char *state;   /* $XDG_STATE_HOME/mooring: state, tokens, lock */
    char *runtime; /* $XDG_RUNTIME_DIR/mooring, or <state>/run where there is no session */
    char *socket;  /* <runtime>/agent.sock */
    char *lock;    /* <state>/agent.lock: one agent per user */
    char *tokens;  /* <state>/tokens */
};

/* Finds the places and makes the folders private (base/file.h). ERR_DENIED names a folder others
 * could enter. */
int agent_paths_init(struct agent_paths *paths, struct error *err);
void agent_paths_clear(struct agent_paths *paths);

#endif
