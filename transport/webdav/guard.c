/*
 * guard.c - who may talk to us. Every user of the machine reaches its loopback, and so does every
 * page in a browser.
 *
 * - The connection was made by this user (or root's mount helper): posix/peer.c, when it is accepted.
 * - Host is ours: a name that an attacker points at 127.0.0.1 (DNS rebinding) is not.
 * - No Origin: pages of the web are no WebDAV clients.
 * - Basic with the secret from a file that only this user can read. Every request is challenged, also
 *   OPTIONS (windows-facts 3.5).
 * - On Windows, whose client sends no Basic over http, the secret is the first segment of each path
 *   instead, and Negotiate says who it is that knows it (auth.h). What is outside of it is an empty
 *   folder and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/str.h"
#include "method.h"
#include "webdav_internal.h"

#define SECRET_FILE "webdav-password"

/* Takes the same time wherever they differ. */
bool dav_is_secret(const char *secret, const char *given, size_t size)
{
    unsigned char different = size != DAV_SECRET_SIZE - 1;

    for (size_t i = 0; i < DAV_SECRET_SIZE - 1; i++) {
        different |= (unsigned char)(secret[i] ^ (size ? given[i % size] : 0));
    }
    return different == 0;
}

/* Any user name goes: the password says it all. */
static bool is_authorized(const struct dav_request *r)
{
    const char *header = dav_request_header(r, "Authorization");
    void *plain = NULL;
    const char *colon = NULL;
    size_t size = 0;
    bool is_good = false;

    if (!header || strncasecmp(header, "Basic ", 6) != 0 || strlen(header) > 512 ||
        str_base64_decode(&plain, &size, header + 6 + strspn(header + 6, " "), NULL) < 0) {
        return false;
    }
    colon = size ? memchr(plain, ':', size) : NULL;
    if (colon) {
        size_t before = (size_t)(colon + 1 - (const char *)plain);

        is_good = dav_is_secret(r->dav->secret, colon + 1, size - before);
    }
    secret_wipe(plain, size);
    free(plain);
    return is_good;
}

static int check_identity(struct dav_request *r)
{
    struct dav_auth_peer *peer = dav_connection_auth(r->peer);
    struct buf answer;
    int status = 503;

    buf_init(&answer, DAV_TOKEN_BYTES_MAX * 2);
    if (peer) {
        status = dav_auth_check(r->dav->auth, peer, dav_request_header(r, "Authorization"),
                                dav_request_header(r, "User-Agent"), &answer);
    }
    for (unsigned i = 0; status == 401 && answer.size == 0 && dav_auth_package(r->dav->auth, i);
         i++) {
        dav_header(r, "WWW-Authenticate", "%s", dav_auth_package(r->dav->auth, i));
    }
    if (answer.size > 0) {
        dav_header_text(r, "WWW-Authenticate", buf_text(&answer));
    }
    buf_clear(&answer);
    if (status == 0) {
        return 0;
    }
    return dav_status(r, status, status == 401 ? "who are you?" : "this server is another user's");
}

int dav_guard(struct dav_request *r)
{
    const char *host = dav_request_header(r, "Host");

    if (!host || !dav_is_us(r->dav, host, strlen(host))) {
        return dav_status(r, 403, "this server is localhost and nobody else");
    }
    if (dav_request_header(r, "Origin")) {
        return dav_status(r, 403, "pages of the web may not use this server");
    }
    if (r->dav->secret_in_path) {
        return check_identity(r);
    }
    if (!is_authorized(r)) {
        dav_header(r, "WWW-Authenticate", "Basic realm=\"Mooring\", charset=\"UTF-8\"");
        return dav_status(r, 401, "the password is missing or wrong");
    }
    dav_connection_trust(r->dav->connections, r->peer);
    return 0;
}

static bool is_hex_secret(const char *text)
{
    return strlen(text) == DAV_SECRET_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == DAV_SECRET_SIZE - 1;
}

int dav_secret_make(char secret[DAV_SECRET_SIZE], struct error *err)
{
    unsigned char bytes[(DAV_SECRET_SIZE - 1) / 2];
    int code = secret_random(bytes, sizeof(bytes), err);

    for (size_t i = 0; code == 0 && i < sizeof(bytes); i++) {
        snprintf(secret + i * 2, 3, "%02x", bytes[i]);
    }
    secret_wipe(bytes, sizeof(bytes));
    return code;
}

/* The secret stays the same from agent to agent, so that ~/.davfs2/secrets stays right. The folder is
 * private, and so is all in it. */
int dav_secret_load(char secret[DAV_SECRET_SIZE], const char *directory, struct error *err)
{
    struct buf text;
    char *path = NULL;
    int code = file_make_private_directory(directory, err);

    if (code == 0) {
        code = str_format(&path, err, "%s/%s", directory, SECRET_FILE);
    }
    if (code < 0) {
        return code;
    }
    buf_init(&text, 4096);
    if (file_exists(path) && file_read_all(&text, path, NULL) == 0 &&
        is_hex_secret(buf_text(&text))) {
        memcpy(secret, buf_text(&text), DAV_SECRET_SIZE);
    } else {
        code = dav_secret_make(secret, err);
        if (code == 0) {
            code = file_write_atomic(path, secret, DAV_SECRET_SIZE - 1, err);
        }
    }
    secret_wipe(text.data, text.size);
    buf_clear(&text);
    free(path);
    return code;
}
