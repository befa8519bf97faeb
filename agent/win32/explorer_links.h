/*
 * explorer_links.h - the folder behind the entry in the navigation pane: a local one with a link for
 * each tenant, because a file dialog hangs on a network folder that nobody serves any more, and not
 * on links to one.
 */
#ifndef AGENT_EXPLORER_LINKS_H
#define AGENT_EXPLORER_LINKS_H

#include "explorer.h"

/* Makes the folder hold the links of `view` and nothing else. No network is asked whether the places
 * are there. The thread has COM. */
int explorer_links_write(const char *folder, const struct explorer_view *view, struct error *err);

/* The folder and all in it. */
int explorer_links_remove(const char *folder, struct error *err);

#endif
