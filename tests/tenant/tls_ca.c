#include "tls_ca.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define DAY_SECONDS (24L * 3600)

static char *bio_text(BIO *bio)
{
    char *data = NULL;
    long n = BIO_get_mem_data(bio, &data);

    return xstrndup(data, (size_t)n);
}

static char *cert_pem(X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;

    if (!bio || PEM_write_bio_X509(bio, cert) != 1) {
        die("cannot write a certificate");
    }
    text = bio_text(bio);
    BIO_free(bio);
    return text;
}

static char *key_pem(EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;

    if (!bio || PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        die("cannot write a key");
    }
    text = bio_text(bio);
    BIO_free(bio);
    return text;
}

static void add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    if (!ext || X509_add_ext(cert, ext, -1) != 1) {
        die("cannot add a certificate extension '%s'", value);
    }
    X509_EXTENSION_free(ext);
}

/* issuer NULL: self-signed CA. sans NULL: none. */
static X509 *make_cert(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key,
                       const char *sans)
{
    X509 *cert = X509_new();
    X509_NAME *subject;
    unsigned char serial[16];
    BIGNUM *bn;

    if (!cert) {
        die("no memory for a certificate");
    }
    random_bytes(serial, sizeof(serial));
    serial[0] &= 0x7f;
    bn = BN_bin2bn(serial, sizeof(serial), NULL);
    BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert));
    BN_free(bn);
    X509_set_version(cert, 2);
    X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_SECONDS);
    X509_gmtime_adj(X509_getm_notAfter(cert), (issuer ? 90 : 3650) * DAY_SECONDS);
    subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
    X509_set_pubkey(cert, key);
    add_extension(cert, issuer ? issuer : cert, NID_basic_constraints,
                  issuer ? "critical,CA:FALSE" : "critical,CA:TRUE");
    add_extension(cert, issuer ? issuer : cert, NID_key_usage,
                  issuer ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
    add_extension(cert, issuer ? issuer : cert, NID_subject_key_identifier, "hash");
    add_extension(cert, issuer ? issuer : cert, NID_authority_key_identifier, "keyid:always");
    if (issuer) {
        add_extension(cert, issuer, NID_ext_key_usage, "serverAuth");
    }
    if (sans) {
        add_extension(cert, issuer, NID_subject_alt_name, sans);
    }
    if (X509_sign(cert, issuer ? issuer_key : key, EVP_sha256()) == 0) {
        die("cannot sign a certificate");
    }
    return cert;
}

static bool load_ca(const char *pem_path, const char *key_path, X509 **cert, EVP_PKEY **key)
{
    BIO *pem = BIO_new_file(pem_path, "r");
    BIO *sec = BIO_new_file(key_path, "r");

    if (pem && sec) {
        *cert = PEM_read_bio_X509(pem, NULL, NULL, NULL);
        *key = PEM_read_bio_PrivateKey(sec, NULL, NULL, NULL);
    }
    BIO_free(pem);
    BIO_free(sec);
    return *cert && *key;
}

static void make_ca(const char *pem_path, const char *key_path, X509 **cert, EVP_PKEY **key)
{
    char *pem;
    char *sec;

    *key = EVP_EC_gen("P-256");
    if (!*key) {
        die("cannot make a key");
    }
    *cert = make_cert(*key, "Simulated tenant CA", NULL, NULL, NULL);
    pem = cert_pem(*cert);
    sec = key_pem(*key);
    if (write_file_atomic(key_path, sec, strlen(sec), 0600) != 0 ||
        write_file_atomic(pem_path, pem, strlen(pem), 0644) != 0) {
        die("cannot write '%s' or '%s'", pem_path, key_path);
    }
    free(pem);
    OPENSSL_cleanse(sec, strlen(sec));
    free(sec);
}

static bool is_address(const char *name)
{
    unsigned char raw[16];

    return inet_pton(AF_INET, name, raw) == 1 || inet_pton(AF_INET6, name, raw) == 1;
}

void tls_identity_make(struct tls_identity *id, const char *state_dir, const char *const *names,
                       size_t n)
{
    char *key_path = xasprintf("%s/ca.key", state_dir);
    struct strbuf sans = {0};
    X509 *ca = NULL;
    EVP_PKEY *ca_key = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *leaf;
    char *leaf_pem;
    char *ca_pem;

    id->ca_path = xasprintf("%s/ca.pem", state_dir);
    if (!load_ca(id->ca_path, key_path, &ca, &ca_key)) {
        X509_free(ca);
        EVP_PKEY_free(ca_key);
        make_ca(id->ca_path, key_path, &ca, &ca_key);
    }
    for (size_t i = 0; i < n; i++) {
        sb_printf(&sans, "%s%s:%s", i ? "," : "", is_address(names[i]) ? "IP" : "DNS", names[i]);
    }
    if (!key) {
        die("cannot make a key");
    }
    leaf = make_cert(key, names[0], ca, ca_key, sans.data);
    leaf_pem = cert_pem(leaf);
    ca_pem = cert_pem(ca);
    id->chain_pem = xasprintf("%s%s", leaf_pem, ca_pem);
    id->key_pem = key_pem(key);
    free(leaf_pem);
    free(ca_pem);
    free(key_path);
    sb_clear(&sans);
    X509_free(leaf);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

void tls_identity_clear(struct tls_identity *id)
{
    free(id->ca_path);
    free(id->chain_pem);
    free(id->key_pem);
    *id = (struct tls_identity){0};
}
