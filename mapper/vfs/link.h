/*
 * link.h - OneNote notebooks. They are neither file nor folder and open only in OneNote, so each is
 * shown as a small read-only file "<name>.url" (an internet shortcut), which leads there. The file
 * is ours: its content is made here, and no request brings it.
 */
#ifndef MAPPER_VFS_LINK_H
#define MAPPER_VFS_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "mapper/graph.h"

struct node;
struct online_vfs;

#define LINK_ENDING ".url"

bool link_is(const struct graph_item *item);

/* Gives a notebook the name it is shown under; others stay as they are. Once for each answer. */
int link_adapt(struct graph_item *item, struct error *err);

/* "Plans" for "plans.url", or NULL with 0: `name` cannot be a link. Caller frees. */
int link_target_name(char **out, const char *name, struct error *err);

uint64_t link_size(const char *url);

/* If a held node is a link: its content, into the cache. Without the lock. */
int link_store(struct online_vfs *online, struct node *node, struct error *err);

#endif
