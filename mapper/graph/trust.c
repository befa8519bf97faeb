#include "graph/trust.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/file.h"

#define CA_FILE_MAX (1u << 20)

struct trust {
    STACK_OF(X509) * certificates; /* of CaFile */
    bool has_folder;
};

/* libcurl would use both. The file alone is 140 CAs, parsed for each connection and kept as long as it
 * lives: 3 MB, of an agent that has 5 without them (tests/bench). */
static bool has_folder(void)
{
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);

    return trust_folder_is_current(curl->capath, curl->cainfo);
}

static int read_certificates(struct trust *trust, const struct buf *pem, const char *ca_file,
                             struct error *err)
{
    BIO *bio = BIO_new_mem_buf(buf_text(pem), (int)pem->size);
    X509 *certificate;

    if (!bio) {
        return error_set(err, ERR_NO_MEMORY, "no memory for certificates");
    }
    while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (!sk_X509_push(trust->certificates, certificate)) {
            X509_free(certificate);
            break;
        }
    }
    ERR_clear_error(); /* the end of the file counts as an error there */
    BIO_free(bio);
    if (sk_X509_num(trust->certificates) == 0) {
        return error_set(err, ERR_INVALID, "there is no PEM certificate in '%s'", ca_file);
    }
    return 0;
}

int trust_new(struct trust **out, const char *ca_file, struct error *err)
{
    struct trust *trust = calloc(1, sizeof(*trust));
    struct buf pem;
    int code;

    buf_init(&pem, CA_FILE_MAX);
    if (trust) {
        trust->certificates = sk_X509_new_null();
    }
    if (!trust || !trust->certificates) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for certificates");
        goto out;
    }
    trust->has_folder = has_folder();
    code = ca_file ? file_read_all(&pem, ca_file, err) : 0;
    if (code == 0 && ca_file) {
        code = read_certificates(trust, &pem, ca_file, err);
    }
    if (code < 0) {
        goto out;
    }
    *out = trust;
    trust = NULL;
out:
    buf_clear(&pem);
    trust_free(trust);
    return code;
}

void trust_free(struct trust *trust)
{
    if (!trust) {
        return;
    }
    sk_X509_pop_free(trust->certificates, X509_free);
    free(trust);
}

static CURLcode add_to_context(CURL *easy, void *ssl_context, void *payload)
{
    struct trust *trust = payload;
    X509_STORE *store = SSL_CTX_get_cert_store(ssl_context);

    (void)easy;
    for (int i = 0; i < sk_X509_num(trust->certificates); i++) {
        /* one that is there already is no error */
        if (!X509_STORE_add_cert(store, sk_X509_value(trust->certificates, i))) {
            return CURLE_SSL_CACERT_BADFILE;
        }
    }
    return CURLE_OK;
}

void trust_apply(struct trust *trust, CURL *easy)
{
    if (trust->has_folder) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    }
    if (sk_X509_num(trust->certificates) > 0) {
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, add_to_context);
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, trust);
        /* a cached store would be changed under connections of other transfers */
        curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
    }
}
