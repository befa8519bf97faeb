/*
 * preauth.h - the tempauth part of preauthenticated URLs: who has it may do the one thing it stands
 * for.
 *
 * It is signed, not stored, so a listing of a thousand downloadUrls costs no memory. Raising
 * world->url_epoch expires all of them at once.
 */
#ifndef TENANT_PREAUTH_H
#define TENANT_PREAUTH_H

#include <stdbool.h>
#include <stdint.h>

struct world;

enum preauth_kind {
    PREAUTH_FILE = 1,
    PREAUTH_UPLOAD,  /* serial: id of the session */
    PREAUTH_MONITOR, /* serial: id of the copy job */
    PREAUTH_THUMBNAIL,
};

struct preauth {
    enum preauth_kind kind;
    uint32_t drive;   /* index */
    uint64_t serial;  /* of the item */
    uint32_t version; /* 0: the current content */
    int64_t expires;  /* unix seconds of the service */
};

/* For the caller to free. World locked. */
char *preauth_make(struct world *w, const struct preauth *p);

enum preauth_result {
    PREAUTH_OK,
    PREAUTH_EXPIRED,
    PREAUTH_FORGED,
};

/* World locked. */
enum preauth_result preauth_check(struct world *w, struct preauth *out, const char *text);

#endif
