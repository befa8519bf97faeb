/*
 * explorer.h - what the file manager of Windows shows of our drives beside their files: three
 * entries in its menus, the names and icons of letters, one folder in the navigation pane
 * (windows-facts 8).
 *
 * All of it belongs to one user and to the time in which the agent runs. On Windows the keys are
 * volatile, so that what an agent that died left ends with the session, and the next agent takes it
 * away before it shows anything. Nothing here waits for Explorer: a thread of its own does the work,
 * because a program that asks about one of our drives asks this process.
 *
 *   explorer_view.c          what is to be seen; pure
 *   win32/explorer.c         the thread
 *   win32/explorer_keys.c    the registry
 *   win32/explorer_links.c   the folder behind the entry in the navigation pane
 *   win32/remembered.c       letters that Windows is to remember
 *   posix/explorer.c         nothing: `mooring desktop install` is what file managers of Linux have
 */
#ifndef AGENT_EXPLORER_H
#define AGENT_EXPLORER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define EXPLORER_FOLDERS_MAX 64 /* tenants; more are not shown in the pane */

struct explorer_letter {
    char letter; /* 'A' to 'Z' */
    char *label;
    char *path; /* what the letter leads to: \\mooring\contoso\finance\Documents */
};

struct explorer_folder {
    char *name; /* a file name */
    char *path; /* \\mooring\contoso */
};

/* Owned; zero-initialise. All in UTF-8 with '\'. */
struct explorer_view {
    char *root; /* \\mooring, which all paths begin with; NULL: nothing is shown */
    struct explorer_letter letters[26];
    size_t letter_count;
    struct explorer_folder folders[EXPLORER_FOLDERS_MAX];
    size_t folder_count;
};
void explorer_view_clear(struct explorer_view *view);
bool explorer_view_equal(const struct explorer_view *a, const struct explorer_view *b);

/* A folder that is there already, whatever the case, and one too many are left out. */
int explorer_view_add_folder(struct explorer_view *view, const char *name, const char *path,
                             struct error *err);
int explorer_view_add_letter(struct explorer_view *view, char letter, const char *label,
                             const char *path, struct error *err);

/* The condition under which Explorer shows an entry, in its query language: what lies below our
 * paths and letters, and is an Office file when `is_office`. The caller frees. */
int explorer_condition(char **out, const struct explorer_view *view, bool is_office,
                       struct error *err);

/* The name under which Explorer keeps what it knows of a network path: "##mooring#contoso". The
 * caller frees. */
int explorer_mount_point(char **out, const char *path, struct error *err);

struct explorer;

/* Takes away what an agent that died left, and shows nothing yet. `state` is the agent's folder;
 * the links lie beside it. *out is NULL where there is no such thing, and for an agent that is not
 * the first of its user (paths.h). */
int explorer_start(struct explorer **out, const char *state, struct error *err);

/* Shows this from now on; takes what is in *view. NULL explorer: nothing happens. Any thread; does
 * not wait. */
void explorer_show(struct explorer *explorer, struct explorer_view *view);

/* Takes everything away and waits for that. With `keeps_letters` Windows remembers those that were
 * shown, until the next agent of the user starts. NULL is fine. */
void explorer_stop(struct explorer *explorer, bool keeps_letters);

/* Takes away what an agent of this user left, that died or left letters; for who removes the
 * program. `state` as above. */
int explorer_remove_leftovers(const char *state, struct error *err);

#endif
