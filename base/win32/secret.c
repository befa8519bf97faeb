#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <bcrypt.h>

int secret_random(void *out, size_t size, struct error *err)
{
    NTSTATUS status =
        size > ULONG_MAX ? -1
                         : BCryptGenRandom(NULL, out, (ULONG)size, BCRYPT_USE_SYSTEM_PREFERRED_RNG);

    if (status != 0) {
        return error_set(err, ERR_IO, "no random numbers (status 0x%08lx)", (unsigned long)status);
    }
    return 0;
}

void secret_wipe(void *data, size_t size)
{
    if (data) {
        SecureZeroMemory(data, size);
    }
}

void secret_free(char **text)
{
    if (*text) {
        secret_wipe(*text, strlen(*text));
    }
    free(*text);
    *text = NULL;
}
