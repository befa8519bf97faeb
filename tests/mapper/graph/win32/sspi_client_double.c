#define SECURITY_WIN32
#include "win32/sspi_client_double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
/* needs windows.h before it */
#include <security.h>

/* libcurl's (lib/curl_sspi.c), set by curl_global_init(). */
extern PSecurityFunctionTableA s_pSecFn;

static PSecurityFunctionTableA system_table;
static struct sspi_client_double seen;

static SECURITY_STATUS SEC_ENTRY query_package(SEC_CHAR *name, PSecPkgInfoA *out)
{
    if (strcmp(name, "Negotiate") != 0 && strcmp(name, "NTLM") != 0) {
        return SEC_E_SECPKG_NOT_FOUND;
    }
    *out = calloc(1, sizeof(**out));
    if (!*out) {
        return SEC_E_INSUFFICIENT_MEMORY;
    }
    (*out)->cbMaxToken = 256;
    return SEC_E_OK;
}

static SECURITY_STATUS SEC_ENTRY free_buffer(PVOID buffer)
{
    free(buffer);
    return SEC_E_OK;
}

static SECURITY_STATUS SEC_ENTRY acquire(SEC_CHAR *principal, SEC_CHAR *package, ULONG use,
                                         void *logon, void *password, SEC_GET_KEY_FN get_key,
                                         void *get_key_argument, PCredHandle out, PTimeStamp expiry)
{
    (void)principal;
    (void)logon;
    (void)get_key;
    (void)get_key_argument;
    if (use != SECPKG_CRED_OUTBOUND) {
        return SEC_E_NOT_SUPPORTED;
    }
    snprintf(seen.package, sizeof(seen.package), "%s", package);
    seen.has_password = seen.has_password || password;
    seen.open++;
    out->dwLower = 1;
    out->dwUpper = 1;
    expiry->QuadPart = 0;
    return SEC_E_OK;
}

static SECURITY_STATUS SEC_ENTRY release(PCredHandle credentials)
{
    (void)credentials;
    seen.open--;
    return SEC_E_OK;
}

static const SecBuffer *token_of(const SecBufferDesc *list)
{
    for (ULONG i = 0; list && i < list->cBuffers; i++) {
        if (list->pBuffers[i].BufferType == SECBUFFER_TOKEN) {
            return &list->pBuffers[i];
        }
    }
    return NULL;
}

static SECURITY_STATUS SEC_ENTRY initialize(PCredHandle credentials, PCtxtHandle context,
                                            SEC_CHAR *target, ULONG wanted, ULONG reserved,
                                            ULONG data, PSecBufferDesc input, ULONG reserved_too,
                                            PCtxtHandle out, PSecBufferDesc output, PULONG given,
                                            PTimeStamp expiry)
{
    const SecBuffer *question = context ? token_of(input) : NULL;
    const char *word = context ? "me" : "hello";
    SecBuffer *said = &output->pBuffers[0];

    (void)credentials;
    (void)reserved;
    (void)data;
    (void)reserved_too;
    (void)expiry;
    snprintf(seen.target, sizeof(seen.target), "%s", target);
    if (context && (!question || question->cbBuffer != 4 || !question->pvBuffer ||
                    memcmp(question->pvBuffer, "who?", 4) != 0)) {
        return SEC_E_INVALID_TOKEN;
    }
    if (wanted & ISC_REQ_ALLOCATE_MEMORY) {
        said->pvBuffer = calloc(1, strlen(word));
    } else if (said->cbBuffer < strlen(word)) {
        return SEC_E_BUFFER_TOO_SMALL;
    }
    if (!said->pvBuffer) {
        return SEC_E_INSUFFICIENT_MEMORY;
    }
    memcpy(said->pvBuffer, word, strlen(word));
    said->cbBuffer = (ULONG)strlen(word);
    *given = 0;
    seen.open += context ? 0 : 1;
    out->dwLower = 2;
    out->dwUpper = 2;
    return context ? SEC_E_OK : SEC_I_CONTINUE_NEEDED;
}

static SECURITY_STATUS SEC_ENTRY end_context(PCtxtHandle context)
{
    (void)context;
    seen.open--;
    return SEC_E_OK;
}

static SECURITY_STATUS SEC_ENTRY query_context(PCtxtHandle context, ULONG attribute, void *out)
{
    (void)context;
    (void)attribute;
    (void)out;
    return SEC_E_UNSUPPORTED_FUNCTION;
}

static SecurityFunctionTableA table = {.dwVersion = SECURITY_SUPPORT_PROVIDER_INTERFACE_VERSION,
                                       .QuerySecurityPackageInfoA = query_package,
                                       .FreeContextBuffer = free_buffer,
                                       .AcquireCredentialsHandleA = acquire,
                                       .FreeCredentialsHandle = release,
                                       .InitializeSecurityContextA = initialize,
                                       .DeleteSecurityContext = end_context,
                                       .QueryContextAttributesA = query_context};

void sspi_client_double_begin(void)
{
    memset(&seen, 0, sizeof(seen));
    system_table = s_pSecFn;
    s_pSecFn = &table;
}

void sspi_client_double_end(struct sspi_client_double *out)
{
    s_pSecFn = system_table;
    *out = seen;
}
