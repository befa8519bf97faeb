/*
 * tls_ca.h - the certificate authority that the simulated tenant makes for itself.
 *
 * The CA (ca.pem, ca.key) is kept in the state folder and used again at the next start, so that a
 * client which trusts it survives a restart of the tenant. The leaf is new at each start and stays
 * in memory.
 */
#ifndef TENANT_TLS_CA_H
#define TENANT_TLS_CA_H

#include <stddef.h>

struct tls_identity {
    char *ca_path;   /* PEM file to give to clients */
    char *chain_pem; /* leaf, then CA */
    char *key_pem;   /* of the leaf */
};

/* Names: DNS names (wildcards allowed) and textual addresses for the leaf. Ends the program on
 * failure. */
void tls_identity_make(struct tls_identity *id, const char *state_dir, const char *const *names,
                       size_t n);
void tls_identity_clear(struct tls_identity *id);

#endif
