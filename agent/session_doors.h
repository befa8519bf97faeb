/*
 * session_doors.h - what the files of the doors share: from a PATH to an item on the server.
 *
 *   session_doors.c       the commands of the control channel
 *   session_doors_find.c  from a PATH to an item
 *   session_doors_place.c from a PATH to a mapping, without the network
 */
#ifndef AGENT_SESSION_DOORS_H
#define AGENT_SESSION_DOORS_H

#include "doors_path.h"
#include "mapper/graph_doors.h"
#include "session_private.h"

struct door {
    struct session_account *account; /* a reference */
    bool is_site;                    /* `address` has web_url alone, and no item */
    struct graph_address address;
    char *path;      /* where it appears in the mount, absolute; NULL: not mapped */
    char *upload_id; /* of content that is newer than the server's; NULL: there is none */
    enum online_vfs_upload_state upload_state;
};
void door_clear(struct door *door);

/* How things are with what was saved here: "saved", "uploading", or what `uploads list` calls what is
 * not sent by itself. */
const char *door_state(const struct door *door);

/* ERR_BUSY, for what needs the newest content on the server: `what` is not, and what to do. */
int door_not_sent(const struct door *door, const char *what, struct error *err);

/* From what the client sent: `text`, `absolute` and `real`. ERR_NOT_FOUND: nothing is
 * there, and what to do; ERR_BUSY: only here, not on the server yet. Waits for the network; no lock
 * is held. */
int door_find(struct door *out, struct session *session, const struct control_request *request,
              const struct call *call, struct error *err);

/* session_doors_place.c: what PATH names in our name space: a mapping and the path below it. Owned.
 */
struct door_place {
    char *key;     /* of the library; NULL: none */
    char *shown;   /* path of the mapping below the mount */
    char *rest;    /* below the mapping */
    char letter;   /* of the mapping; 0 none */
    char *site_of; /* key of a library whose site's folder this is */
};

void door_place_clear(struct door_place *place);
int door_place_take(struct door_place *out, const struct plan_mapping *mapping, const char *rest,
                    struct error *err);

/* For every form but DOOR_URL. ERR_NOT_FOUND with what to do: nothing of ours is there. */
int door_place_find(struct door_place *out, struct session *session, const struct door_path *path,
                    const struct control_request *request, const char *unc_server,
                    struct error *err);

/* Where programs of this user find what is at `path` of our name space: below the mount, or by a
 * server. *out stays NULL when the system does not mount what we serve. Apply_mutex held. */
int door_local_path(char **out, struct session *session, const char *path, struct error *err);

#endif
