/*
 * session_doors.h - what the files of the doors share: from a PATH to an item on the server.
 *
 *   session_doors.c       the commands of the control channel
 *   session_doors_find.c  from a PATH to an item
 */
#ifndef AGENT_SESSION_DOORS_H
#define AGENT_SESSION_DOORS_H

#include "doors_path.h"
#include "mapper/graph_doors.h"
#include "session_private.h"

struct door {
    struct session_account *account; /* a reference */
    bool is_site;                    /* `address` has web_url alone, and no item */
    bool is_pending;                 /* its newest content is not on the server yet */
    struct graph_address address;
    char *path;      /* where it appears in the mount, absolute; NULL: not mapped */
    char *upload_id; /* of what is on its way */
};
void door_clear(struct door *door);

/* From what the client sent: `text`, `absolute` and `real`. ERR_NOT_FOUND: nothing is
 * there, and what to do; ERR_BUSY: only here, not on the server yet. Waits for the network; no lock
 * is held. */
int door_find(struct door *out, struct session *session, const struct control_request *request,
              const struct call *call, struct error *err);

#endif
