#include "auth.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/secret.h"
#include "base/str.h"

/* In this order they are offered: the client takes the first that it knows. */
static const char *const packages[] = {"Negotiate", "NTLM"};
#define PACKAGES (sizeof(packages) / sizeof(packages[0]))

struct dav_auth {
    enum transport_dav_auth mode;
    const struct dav_sspi *sspi;
    void *credentials[PACKAGES]; /* NULL: not to be had */
};

static bool has_any(const struct dav_auth *auth)
{
    for (size_t i = 0; i < PACKAGES; i++) {
        if (auth->credentials[i]) {
            return true;
        }
    }
    return false;
}

int dav_auth_new(struct dav_auth **out, enum transport_dav_auth mode, const struct dav_sspi *sspi,
                 struct error *err)
{
    struct dav_auth *auth = calloc(1, sizeof(*auth));
    struct error why = {0};

    if (!auth) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the WebDAV server");
    }
    auth->mode = mode;
    auth->sspi = sspi;
    for (size_t i = 0; sspi && mode != TRANSPORT_DAV_AUTH_OFF && i < PACKAGES; i++) {
        if (sspi->acquire(&auth->credentials[i], packages[i], &why) < 0) {
            auth->credentials[i] = NULL;
        }
    }
    if (mode == TRANSPORT_DAV_AUTH_REQUIRED && !has_any(auth)) {
        dav_auth_free(auth);
        return error_set(
            err, ERR_UNSUPPORTED,
            "policy WebDavAuth requires an identity check that this system cannot do%s%s",
            why.message[0] ? ": " : "", why.message);
    }
    *out = auth;
    return 0;
}

void dav_auth_free(struct dav_auth *auth)
{
    if (!auth) {
        return;
    }
    for (size_t i = 0; i < PACKAGES; i++) {
        if (auth->credentials[i]) {
            auth->sspi->release(auth->credentials[i]);
        }
    }
    free(auth);
}

const char *dav_auth_package(const struct dav_auth *auth, unsigned index)
{
    for (size_t i = 0; i < PACKAGES; i++) {
        if (auth->credentials[i] && index-- == 0) {
            return packages[i];
        }
    }
    return NULL;
}

static void end_session(struct dav_auth *auth, struct dav_auth_peer *peer)
{
    if (peer->session) {
        auth->sspi->end(peer->session);
    }
    peer->session = NULL;
    peer->legs = 0;
}

void dav_auth_peer_clear(struct dav_auth *auth, struct dav_auth_peer *peer)
{
    end_session(auth, peer);
    peer->is_good = false;
}

/* Those that answer a challenge for the name `localhost` by themselves (windows-facts 3.5); others
 * would only be kept out. */
static bool is_able(const char *agent)
{
    static const char *const known[] = {"Microsoft-WebDAV-MiniRedir", "DavClnt", "Microsoft Office",
                                        "MSFrontPage", "Microsoft Data Access"};

    for (size_t i = 0; agent && i < sizeof(known) / sizeof(known[0]); i++) {
        if (str_starts_with_nocase(agent, known[i])) {
            return true;
        }
    }
    return false;
}

static bool read_scheme(const char *header, unsigned *package, const char **token)
{
    for (unsigned i = 0; i < PACKAGES; i++) {
        size_t length = strlen(packages[i]);

        if (strncasecmp(header, packages[i], length) == 0 && header[length] == ' ') {
            *package = i;
            *token = header + length + strspn(header + length, " ");
            return true;
        }
    }
    return false;
}

/* "Negotiate oYGwMIGt..." */
static int write_answer(struct buf *out, const char *package, const struct buf *token)
{
    char *text = NULL;
    int code = str_base64url_encode(&text, token->data, token->size, NULL);

    for (char *c = text; code == 0 && *c; c++) {
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    }
    if (code == 0) {
        code = buf_add_format(out, NULL, "%s %s%.*s", package, text,
                              (int)((4 - strlen(text) % 4) % 4), "===");
    }
    free(text);
    return code;
}

/* As dav_auth_check(). */
static int take_leg(struct dav_auth *auth, struct dav_auth_peer *peer, const void *token,
                    size_t size, const char *package, struct buf *answer)
{
    struct buf ours;
    bool is_us = false;
    int code = 0;

    buf_init(&ours, DAV_TOKEN_BYTES_MAX);
    peer->is_good = false; /* it begins anew */
    code = ++peer->legs > DAV_LEGS_MAX
               ? ERR_DENIED
               : auth->sspi->accept(auth->credentials[peer->package], &peer->session, token, size,
                                    &ours, &is_us, NULL);
    if (code >= 0 && ours.size > 0 && write_answer(answer, package, &ours) < 0) {
        code = ERR_NO_MEMORY;
    }
    buf_clear(&ours);
    if (code == 1 && answer->size > 0) {
        return 401;
    }
    end_session(auth, peer);
    if (code != 0) {
        buf_reset(answer);
        return 401;
    }
    peer->is_good = is_us;
    return is_us ? 0 : 403;
}

int dav_auth_check(struct dav_auth *auth, struct dav_auth_peer *peer, const char *header,
                   const char *agent, struct buf *answer)
{
    const char *token = NULL;
    unsigned package = 0;
    void *bytes = NULL;
    size_t size = 0;
    int status = 401;

    if (!has_any(auth)) {
        return 0;
    }
    if (!header || !read_scheme(header, &package, &token) || !auth->credentials[package]) {
        bool may_pass = peer->is_good ||
                        (auth->mode == TRANSPORT_DAV_AUTH_PREFERRED && !header && !is_able(agent));

        return may_pass ? 0 : 401;
    }
    if (peer->session && peer->package != package) {
        end_session(auth, peer);
    }
    peer->package = package;
    if (strlen(token) <= DAV_TOKEN_BYTES_MAX &&
        str_base64_decode(&bytes, &size, token, NULL) == 0) {
        status = take_leg(auth, peer, bytes, size, packages[package], answer);
        secret_wipe(bytes, size);
        free(bytes);
    } else {
        dav_auth_peer_clear(auth, peer);
    }
    return status;
}
