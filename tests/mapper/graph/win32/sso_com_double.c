#define CINTERFACE
#include "win32/sso_com_double.h"

#include <stdio.h>
#include <string.h>
/* defines the identifiers of the headers behind it */
#include <initguid.h>
#include <windows.h>
#include <objbase.h>
#include <proofofpossessioncookieinfo.h>

#include "test.h"

#define PIECES_MAX 32

static struct sso_com_double *now;
static DWORD registered;
static struct {
    void *at;
    bool is_secret;
} pieces[PIECES_MAX];

/* --- memory: each piece is freed once, and secrets are wiped before --- */

static SIZE_T STDMETHODCALLTYPE pre_alloc(IMallocSpy *spy, SIZE_T size)
{
    (void)spy;
    return size;
}

static void *STDMETHODCALLTYPE post_alloc(IMallocSpy *spy, void *piece)
{
    (void)spy;
    return piece;
}

static void *STDMETHODCALLTYPE pre_free(IMallocSpy *spy, void *piece, WINBOOL is_spied)
{
    (void)spy;
    (void)is_spied;
    for (size_t i = 0; piece && i < PIECES_MAX; i++) {
        if (pieces[i].at == piece) {
            now->freed++;
            now->unwiped += pieces[i].is_secret && *(const wchar_t *)piece != L'\0';
            pieces[i].at = NULL;
        }
    }
    return piece;
}

static void STDMETHODCALLTYPE post_free(IMallocSpy *spy, WINBOOL is_spied)
{
    (void)spy;
    (void)is_spied;
}

static SIZE_T STDMETHODCALLTYPE pre_realloc(IMallocSpy *spy, void *piece, SIZE_T size, void **out,
                                            WINBOOL is_spied)
{
    (void)spy;
    (void)is_spied;
    *out = piece;
    return size;
}

static void *STDMETHODCALLTYPE post_realloc(IMallocSpy *spy, void *piece, WINBOOL is_spied)
{
    (void)spy;
    (void)is_spied;
    return piece;
}

static void *STDMETHODCALLTYPE pre_look(IMallocSpy *spy, void *piece, WINBOOL is_spied)
{
    (void)spy;
    (void)is_spied;
    return piece;
}

static SIZE_T STDMETHODCALLTYPE post_size(IMallocSpy *spy, SIZE_T size, WINBOOL is_spied)
{
    (void)spy;
    (void)is_spied;
    return size;
}

static int STDMETHODCALLTYPE post_did(IMallocSpy *spy, void *piece, WINBOOL is_spied, int did)
{
    (void)spy;
    (void)piece;
    (void)is_spied;
    return did;
}

static void STDMETHODCALLTYPE minimize(IMallocSpy *spy)
{
    (void)spy;
}

static HRESULT STDMETHODCALLTYPE spy_query(IMallocSpy *spy, REFIID wanted, void **out)
{
    bool is_known = IsEqualIID(wanted, &IID_IUnknown) || IsEqualIID(wanted, &IID_IMallocSpy);

    *out = is_known ? spy : NULL;
    return is_known ? S_OK : E_NOINTERFACE;
}

static ULONG STDMETHODCALLTYPE spy_count(IMallocSpy *spy)
{
    (void)spy;
    return 1;
}

static CONST_VTBL IMallocSpyVtbl spy_table = {
    spy_query,    spy_count, spy_count, pre_alloc, post_alloc, pre_free, post_free, pre_realloc,
    post_realloc, pre_look,  post_size, pre_look,  post_did,   minimize, minimize};
static IMallocSpy spy = {&spy_table};

static void *allocate(size_t size, bool is_secret)
{
    void *piece = CoTaskMemAlloc(size);

    assert_non_null(piece);
    assert_true(now->allocated < PIECES_MAX);
    pieces[now->allocated].at = piece;
    pieces[now->allocated++].is_secret = is_secret;
    return piece;
}

static wchar_t *text(const char *from, bool is_secret)
{
    size_t size = strlen(from) + 1;
    wchar_t *to = allocate(size * sizeof(*to), is_secret);

    for (size_t i = 0; i < size; i++) {
        to[i] = (unsigned char)from[i];
    }
    return to;
}

/* --- the class --- */

static void fill(ProofOfPossessionCookieInfo *cookie, const char *name, const char *data)
{
    cookie->name = text(name, false);
    cookie->data = text(data, true);
    cookie->flags = 0x2040; /* secure, HTTP only */
    cookie->p3pHeader = text("CP=\"CAO DSP COR\"", false);
}

static HRESULT STDMETHODCALLTYPE get(IProofOfPossessionCookieInfoManager *manager, LPCWSTR uri,
                                     DWORD *count, ProofOfPossessionCookieInfo **out)
{
    char url[1024] = "";
    char token[256];
    const char *nonce;

    (void)manager;
    assert_true(WideCharToMultiByte(CP_UTF8, 0, uri, -1, url, sizeof(url), NULL, NULL) > 0);
    assert_true(now->asked < SSO_COM_URLS_MAX);
    snprintf(now->urls[now->asked++], sizeof(now->urls[0]), "%s", url);
    *count = 0;
    *out = NULL;
    if (now->result != 0 || now->is_empty) {
        return now->result;
    }
    nonce = strstr(url, "sso_nonce=");
    nonce = nonce ? nonce + strlen("sso_nonce=") : "";
    snprintf(token, sizeof(token), "signed.%.*s.x; path=/; domain=login.test; secure; httponly",
             (int)strcspn(nonce, "&"), nonce);
    *out = allocate(3 * sizeof(**out), false);
    *count = 3;
    fill(&(*out)[0], "x-ms-RefreshTokenCredential", token);
    fill(&(*out)[1], "x-ms-DeviceCredential", now->forged ? now->forged : "device.x; path=/");
    fill(&(*out)[2], "MSPRequ", "lt=1");
    return S_OK;
}

static ULONG add_reference(void)
{
    return (ULONG)++now->references;
}

static ULONG release_reference(void)
{
    return (ULONG)--now->references;
}

static HRESULT STDMETHODCALLTYPE manager_query(IProofOfPossessionCookieInfoManager *manager,
                                               REFIID wanted, void **out)
{
    *out = NULL;
    if (!IsEqualIID(wanted, &IID_IUnknown) &&
        !IsEqualIID(wanted, &IID_IProofOfPossessionCookieInfoManager)) {
        return E_NOINTERFACE;
    }
    *out = manager;
    add_reference();
    return S_OK;
}

static ULONG STDMETHODCALLTYPE manager_add_ref(IProofOfPossessionCookieInfoManager *manager)
{
    (void)manager;
    return add_reference();
}

static ULONG STDMETHODCALLTYPE manager_release(IProofOfPossessionCookieInfoManager *manager)
{
    (void)manager;
    return release_reference();
}

static CONST_VTBL IProofOfPossessionCookieInfoManagerVtbl manager_table = {
    manager_query, manager_add_ref, manager_release, get};
static IProofOfPossessionCookieInfoManager manager = {&manager_table};

static HRESULT STDMETHODCALLTYPE factory_query(IClassFactory *factory, REFIID wanted, void **out)
{
    bool is_known = IsEqualIID(wanted, &IID_IUnknown) || IsEqualIID(wanted, &IID_IClassFactory);

    *out = is_known ? factory : NULL;
    return is_known ? S_OK : E_NOINTERFACE;
}

static ULONG STDMETHODCALLTYPE factory_count(IClassFactory *factory)
{
    (void)factory;
    return 1;
}

static HRESULT STDMETHODCALLTYPE create(IClassFactory *factory, IUnknown *outer, REFIID wanted,
                                        void **out)
{
    (void)factory;
    return outer ? CLASS_E_NOAGGREGATION : manager_query(&manager, wanted, out);
}

static HRESULT STDMETHODCALLTYPE lock(IClassFactory *factory, WINBOOL is_locked)
{
    (void)factory;
    (void)is_locked;
    return S_OK;
}

static CONST_VTBL IClassFactoryVtbl factory_table = {factory_query, factory_count, factory_count,
                                                     create, lock};
static IClassFactory factory = {&factory_table};

void sso_com_double_begin(struct sso_com_double *com)
{
    now = com;
    memset(pieces, 0, sizeof(pieces));
    assert_int_equal(CoInitializeEx(NULL, COINIT_MULTITHREADED), S_OK);
    assert_int_equal(CoRegisterMallocSpy(&spy), S_OK);
    assert_int_equal(CoRegisterClassObject(&CLSID_ProofOfPossessionCookieInfoManager,
                                           (IUnknown *)&factory, CLSCTX_INPROC_SERVER,
                                           REGCLS_MULTIPLEUSE, &registered),
                     S_OK);
}

void sso_com_double_end(void)
{
    assert_int_equal(CoRevokeClassObject(registered), S_OK);
    assert_int_equal(CoRevokeMallocSpy(), S_OK);
    CoUninitialize();
}
