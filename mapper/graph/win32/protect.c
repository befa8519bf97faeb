#include "graph/protect.h"

#include <windows.h>
#include <dpapi.h>

#include "base/secret.h"
#include "base/win32.h"

/* Not a secret: keeps other programs of the user from opening by accident what they find. */
static DATA_BLOB entropy(void)
{
    static unsigned char bytes[] = "Mooring token file 1";

    return (DATA_BLOB){.cbData = sizeof(bytes), .pbData = bytes};
}

/* Moves a result of DPAPI to `out`. */
static int take(struct buf *out, DATA_BLOB *from, struct error *err)
{
    int code = buf_add(out, from->pbData, from->cbData, err);

    secret_wipe(from->pbData, from->cbData);
    LocalFree(from->pbData);
    return code;
}

int protect_seal(struct buf *out, const void *data, size_t size, struct error *err)
{
    DATA_BLOB in = {.cbData = (DWORD)size, .pbData = (BYTE *)data};
    DATA_BLOB key = entropy();
    DATA_BLOB made = {0};

    if (!CryptProtectData(&in, L"Mooring", &key, NULL, NULL, CRYPTPROTECT_UI_FORBIDDEN, &made)) {
        return win32_failed(err, GetLastError(), "the token file cannot be encrypted");
    }
    return take(out, &made, err);
}

int protect_open(struct buf *data, struct error *err)
{
    DATA_BLOB in = {.cbData = (DWORD)data->size, .pbData = (BYTE *)data->data};
    DATA_BLOB key = entropy();
    DATA_BLOB made = {0};

    if (data->size == 0 ||
        !CryptUnprotectData(&in, NULL, &key, NULL, NULL, CRYPTPROTECT_UI_FORBIDDEN, &made)) {
        return error_set_os(err, ERR_INVALID, (long)GetLastError(), "cannot be decrypted");
    }
    buf_reset(data);
    return take(data, &made, err);
}
