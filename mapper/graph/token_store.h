/*
 * token_store.h - the file that keeps one sign-in: refresh token, the access token made from it,
 * and what a warm start needs so that it makes no request (endpoints, who the tenant and the user
 * are).
 *
 * One file per tenant, client id and login host, JSON, 0600, sealed by protect.h, in a folder that
 * only the user can enter; written atomically. Other processes of the user read and write it too: whoever changes it
 * holds the lock from token_store_lock() from reading to writing, and raises `serial`.
 */
#ifndef GRAPH_TOKEN_STORE_H
#define GRAPH_TOKEN_STORE_H

#include <stdint.h>

#include "base/error.h"
#include "base/file.h"
#include "graph/entra_parse.h"

/* All strings are heap and owned, NULL = absent. */
struct token_data {
    int64_t serial;         /* grows by one with each write */
    char *refresh_token;    /* secret */
    char *access_token;     /* secret */
    int64_t access_ends_ms; /* wall clock */
    int64_t access_life_ms; /* how long it lived when it was new */
    char *claims;           /* JSON a challenge or Entra asked for; sent until a token came by it */
    struct entra_endpoints endpoints; /* token_url NULL: not asked yet */
    char tenant_id[40];
    char tenant_name[128];
    char initial_domain[128];
    char user_id[40];
    char user_name[128];
};
void token_data_clear(struct token_data *data); /* wipes the secrets */
int token_data_copy(struct token_data *out, const struct token_data *from, struct error *err);

/* *out = the path of the file for this sign-in. Caller frees. */
int token_store_path(char **out, const char *directory, const char *tenant, const char *client_id,
                     const char *login_url, struct error *err);

/*
 * 0; ERR_NOT_FOUND when there is none. ERR_INVALID: the file is broken or of another version; it
 * was renamed to "<path>.bad" (so that nothing is lost and the next sign-in can write) and counts
 * as signed out. `login_url` guards the remembered endpoints.
 */
int token_store_read(struct token_data *out, const char *path, const char *login_url,
                     struct error *err);
int token_store_write(const char *path, const struct token_data *data, struct error *err);
int token_store_remove(const char *path, struct error *err);

/* The lock beside the file; ERR_BUSY after `wait_ms`. */
int token_store_lock(struct file_lock **out, const char *path, int64_t wait_ms, struct error *err);

#endif
