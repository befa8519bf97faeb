/*
 * test_cert.h - a self-signed certificate for servers of tests, to be trusted by giving its file as
 * CA.
 */
#ifndef TEST_CERT_H
#define TEST_CERT_H

/* Writes a certificate (for localhost, graph.localhost, login.localhost, content.localhost,
 * 127.0.0.1) and its key as PEM files. Fails the test when it cannot. */
void test_cert_write(const char *cert_path, const char *key_path);

#endif
