/*
 * fuzz_entra_parse.c - everything of the sign-in that reads what others wrote: answers of Entra,
 * claims challenges, and requests to the loopback listener. The first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "graph/claims.h"
#include "graph/entra_parse.h"
#include "graph/loopback.h"

#define LOGIN "https://login.microsoftonline.com"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void run_answers(char choice, const char *text, size_t size)
{
    struct entra_endpoints endpoints = {0};
    struct entra_token token = {0};
    struct entra_device_code device = {0};
    struct entra_organization organization = {0};
    struct entra_identity me = {0};

    switch (choice) {
    case 'c':
        if (entra_parse_configuration(&endpoints, LOGIN, text, size, NULL) == 0) {
            must(entra_is_trusted_url(endpoints.token_url, LOGIN));
            must(entra_is_trusted_url(endpoints.authorize_url, LOGIN));
        }
        entra_endpoints_clear(&endpoints);
        break;
    case 't':
        if (entra_parse_token(&token, text, size, NULL) == 0) {
            must(token.access_token[0] && !strpbrk(token.access_token, "\r\n "));
            must(token.expires_in_s >= 0);
        }
        entra_token_clear(&token);
        break;
    case 'd':
        if (entra_parse_device_code(&device, text, size, NULL) == 0) {
            must(device.interval_s >= 1 && device.expires_in_s >= 1);
        }
        entra_device_code_clear(&device);
        break;
    case 'o':
        if (entra_parse_organization(&organization, text, size, NULL) == 0) {
            must(!strchr(organization.initial_domain, '/') && organization.initial_domain[0]);
        }
        break;
    default:
        (void)entra_parse_me(&me, text, size, NULL);
        break;
    }
}

static void run_failure(const char *text, size_t size)
{
    struct entra_failure failure = {0};
    char sentence[64];

    entra_parse_failure(&failure, 400, text, size);
    entra_failure_text(sentence, sizeof(sentence), &failure);
    entra_failure_clear(&failure);
    entra_judge_redirect(&failure, text, text);
    entra_failure_clear(&failure);
}

static void run_claims(const char *text)
{
    char *claims = NULL;
    char *merged = NULL;

    if (claims_from_challenge(&claims, text, NULL) == 0 && claims) {
        must(claims_merge(&merged, claims, NULL) == 0);
        must(strstr(merged, "cp1") != NULL);
    }
    free(claims);
    free(merged);
}

static enum loopback_verdict on_query(void *payload, const char *query)
{
    *(size_t *)payload += strlen(query);
    return LOOPBACK_ACCEPT;
}

static void run_request(char *text)
{
    size_t seen = 0;
    struct loopback_callbacks callbacks = {.on_query = on_query, .payload = &seen};
    enum loopback_verdict verdict;
    size_t length = strlen(text);

    must(strncmp(loopback_answer(text, &callbacks, &verdict), "HTTP/1.1 ", 9) == 0);
    must(seen <= length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = size > 0 ? calloc(1, size) : NULL;

    if (!text) {
        return 0;
    }
    memcpy(text, data + 1, size - 1);
    switch (data[0]) {
    case 'f':
        run_failure(text, size - 1);
        break;
    case 'w':
        run_claims(text);
        break;
    case 'g':
        run_request(text);
        break;
    default:
        run_answers((char)data[0], text, size - 1);
        break;
    }
    free(text);
    return 0;
}
