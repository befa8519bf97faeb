/*
 * watch.h - tells when a source of policy may say something else than before.
 *
 * A thread of its own watches what the system lets it watch: on Linux inotify on the folders that
 * lead to each file (also where nothing is yet, and behind symbolic links), on Windows
 * RegNotifyChangeKeyValue. It waits until the source is quiet for a moment (debounce.h), since
 * editors and configuration tools write in several steps, and then tells once.
 *
 * The rule that both halves keep, so that no change is lost between reading and watching: arm
 * first, then tell, and whoever is told reads. What changes while it is read tells again. For the
 * same reason it tells once right after it started: what was read before could be old by then.
 */
#ifndef POLICY_WATCH_H
#define POLICY_WATCH_H

#include "base/error.h"
#include "policy/load.h"

struct policy_watch;

/* On the thread of the watch, one call at a time; may take its time. Must not call
 * policy_watch_stop(). */
typedef void (*policy_watch_fn)(void *payload);

/* Watches all places of `sources` (also those that override_file puts aside: a machine policy that
 * appears ends the override). They are copied. Where the system cannot watch (no inotify instance
 * is left, a network file system), changes are found by looking every now and then. ERR_NO_MEMORY,
 * ERR_IO when there is no thread. */
int policy_watch_start(struct policy_watch **out, const struct policy_sources *sources,
                       policy_watch_fn changed, void *payload, struct error *err);

/* Waits for a call that runs. NULL is fine. */
void policy_watch_stop(struct policy_watch *watch);

#endif
