/*
 * sspi.c - Negotiate and NTLM by the system, and whether the user it names is the one that we are.
 */
#define SECURITY_WIN32
#include "webdav/auth.h"

#include <stdlib.h>
#include <windows.h>
/* needs windows.h before it */
#include <security.h>

#include "base/win32.h"

struct session {
    CtxtHandle context;
    bool has_context;
};

static int sspi_acquire(void **out, const char *package, struct error *err)
{
    CredHandle *credentials = calloc(1, sizeof(*credentials));
    wchar_t *name = NULL;
    TimeStamp expiry;
    SECURITY_STATUS status = SEC_E_INSUFFICIENT_MEMORY;
    int code = credentials ? win32_wide(&name, package, err)
                           : error_set(err, ERR_NO_MEMORY, "no memory for the identity check");

    if (code == 0) {
        status = AcquireCredentialsHandleW(NULL, name, SECPKG_CRED_INBOUND, NULL, NULL, NULL, NULL,
                                           credentials, &expiry);
        if (status != SEC_E_OK) {
            code = error_set(err, ERR_UNSUPPORTED, "the system offers no %s (0x%08lx)", package,
                             (unsigned long)status);
        }
    }
    free(name);
    if (code < 0) {
        free(credentials);
        return code;
    }
    *out = credentials;
    return 0;
}

static void sspi_release(void *credentials)
{
    FreeCredentialsHandle(credentials);
    free(credentials);
}

/* The user of a token; to be freed. */
static TOKEN_USER *user_of(HANDLE token)
{
    TOKEN_USER *user = NULL;
    DWORD size = 0;

    GetTokenInformation(token, TokenUser, NULL, 0, &size);
    user = size ? malloc(size) : NULL;
    if (user && !GetTokenInformation(token, TokenUser, user, size, &size)) {
        free(user);
        user = NULL;
    }
    return user;
}

static bool is_our_user(HANDLE theirs)
{
    HANDLE own = NULL;
    TOKEN_USER *us = OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &own) ? user_of(own) : NULL;
    TOKEN_USER *them = user_of(theirs);
    bool is_us = us && them && EqualSid(us->User.Sid, them->User.Sid);

    if (own) {
        CloseHandle(own);
    }
    free(us);
    free(them);
    return is_us;
}

static int finish(struct session *session, bool *is_us, struct error *err)
{
    HANDLE token = NULL;

    if (QuerySecurityContextToken(&session->context, &token) != SEC_E_OK) {
        return error_set(err, ERR_DENIED, "the system does not say who the client is");
    }
    *is_us = is_our_user(token);
    CloseHandle(token);
    return 0;
}

static int sspi_accept(void *credentials, void **opaque, const void *bytes, size_t size,
                       struct buf *answer, bool *is_us, struct error *err)
{
    struct session *session = *opaque ? *opaque : calloc(1, sizeof(*session));
    SecBuffer in = {(unsigned long)size, SECBUFFER_TOKEN, (void *)(uintptr_t)bytes};
    SecBuffer out = {0, SECBUFFER_TOKEN, NULL};
    SecBufferDesc ins = {SECBUFFER_VERSION, 1, &in};
    SecBufferDesc outs = {SECBUFFER_VERSION, 1, &out};
    SECURITY_STATUS status;
    TimeStamp expiry;
    ULONG got = 0;
    int code = 0;

    *is_us = false;
    if (!session) {
        return error_set(err, ERR_NO_MEMORY, "no memory for the identity check");
    }
    *opaque = session;
    status = AcceptSecurityContext(credentials, session->has_context ? &session->context : NULL,
                                   &ins, ASC_REQ_CONNECTION | ASC_REQ_ALLOCATE_MEMORY,
                                   SECURITY_NATIVE_DREP, &session->context, &outs, &got, &expiry);
    session->has_context = session->has_context || status == SEC_E_OK ||
                           status == SEC_I_CONTINUE_NEEDED || status == SEC_I_COMPLETE_NEEDED ||
                           status == SEC_I_COMPLETE_AND_CONTINUE;
    if (status == SEC_I_COMPLETE_NEEDED || status == SEC_I_COMPLETE_AND_CONTINUE) {
        SECURITY_STATUS done = CompleteAuthToken(&session->context, &outs);

        status = done != SEC_E_OK                        ? done
                 : status == SEC_I_COMPLETE_AND_CONTINUE ? SEC_I_CONTINUE_NEEDED
                                                         : SEC_E_OK;
    }
    if (status != SEC_E_OK && status != SEC_I_CONTINUE_NEEDED) {
        code = error_set(err, ERR_DENIED, "the client proved nothing (0x%08lx)",
                         (unsigned long)status);
    }
    if (code == 0 && out.pvBuffer && out.cbBuffer > 0) {
        code = buf_add(answer, out.pvBuffer, out.cbBuffer, err);
    }
    if (out.pvBuffer) {
        FreeContextBuffer(out.pvBuffer);
    }
    if (code < 0) {
        return code;
    }
    return status == SEC_I_CONTINUE_NEEDED ? 1 : finish(session, is_us, err);
}

static void sspi_end(void *opaque)
{
    struct session *session = opaque;

    if (session && session->has_context) {
        DeleteSecurityContext(&session->context);
    }
    free(session);
}

const struct dav_sspi *dav_system_sspi(void)
{
    static const struct dav_sspi sspi = {sspi_acquire, sspi_release, sspi_accept, sspi_end};

    return &sspi;
}
