#include "preauth.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "world.h"

enum { MAC_SIZE = 12 };

struct signed_part {
    uint64_t serial;
    int64_t expires;
    uint32_t kind, drive, version, epoch;
};

static void sign(struct world *w, unsigned char mac[MAC_SIZE], const struct signed_part *part)
{
    unsigned char full[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    if (HMAC(EVP_sha256(), w->url_key, sizeof(w->url_key), (const unsigned char *)part,
             sizeof(*part), full, &len) == NULL) {
        die("HMAC failed");
    }
    memcpy(mac, full, MAC_SIZE);
}

char *preauth_make(struct world *w, const struct preauth *p)
{
    unsigned char bytes[sizeof(struct signed_part) + MAC_SIZE];
    struct signed_part part = {
        .serial = p->serial,
        .expires = p->expires,
        .kind = (uint32_t)p->kind,
        .drive = p->drive,
        .version = p->version,
        .epoch = w->url_epoch,
    };
    memcpy(bytes, &part, sizeof(part));
    sign(w, bytes + sizeof(part), &part);
    char *encoded = base64url_encode(bytes, sizeof(bytes));
    char *text = xasprintf("v1.%s", encoded);
    free(encoded);
    return text;
}

enum preauth_result preauth_check(struct world *w, struct preauth *out, const char *text)
{
    unsigned char mac[MAC_SIZE];
    struct signed_part part;
    size_t len = 0;
    if (text == NULL || !str_starts(text, "v1.")) {
        return PREAUTH_FORGED;
    }
    unsigned char *bytes = base64url_decode(text + 3, strlen(text + 3), &len);
    if (bytes == NULL || len != sizeof(part) + MAC_SIZE) {
        free(bytes);
        return PREAUTH_FORGED;
    }
    memcpy(&part, bytes, sizeof(part));
    sign(w, mac, &part);
    bool is_ours = CRYPTO_memcmp(mac, bytes + sizeof(part), MAC_SIZE) == 0;
    free(bytes);
    if (!is_ours) {
        return PREAUTH_FORGED;
    }
    *out = (struct preauth){
        .kind = (enum preauth_kind)part.kind,
        .drive = part.drive,
        .serial = part.serial,
        .version = part.version,
        .expires = part.expires,
    };
    return part.epoch != w->url_epoch || part.expires <= world_now(w) ? PREAUTH_EXPIRED
                                                                      : PREAUTH_OK;
}
