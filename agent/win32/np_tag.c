#include "np_tag.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <bcrypt.h>

#include "base/str.h"
#include "base/win32.h"

enum { DIGITS = 6, HASH_BYTES = 32 };

/* Windows 10 and 11 Enterprise multi-session count as servers here: "ProductType having a value of
 * 3, the same value as Windows Server" (Microsoft, "Windows Enterprise multi-session FAQ"). */
static bool is_for_many(void)
{
    OSVERSIONINFOEXW wanted = {.dwOSVersionInfoSize = sizeof(wanted),
                               .wProductType = VER_NT_WORKSTATION};

    return !VerifyVersionInfoW(&wanted, VER_PRODUCT_TYPE,
                               VerSetConditionMask(0, VER_PRODUCT_TYPE, VER_EQUAL));
}

static bool hash(unsigned char out[HASH_BYTES], const char *text)
{
    BCRYPT_ALG_HANDLE algorithm = NULL;
    BCRYPT_HASH_HANDLE state = NULL;
    bool is_good = BCryptOpenAlgorithmProvider(&algorithm, BCRYPT_SHA256_ALGORITHM, NULL, 0) == 0 &&
                   BCryptCreateHash(algorithm, &state, NULL, 0, NULL, 0, 0) == 0 &&
                   BCryptHashData(state, (PUCHAR)(uintptr_t)text, (ULONG)strlen(text), 0) == 0 &&
                   BCryptFinishHash(state, out, HASH_BYTES, 0) == 0;

    if (state) {
        BCryptDestroyHash(state);
    }
    if (algorithm) {
        BCryptCloseAlgorithmProvider(algorithm, 0);
    }
    return is_good;
}

int np_tag_of(char **out, const char *sid, struct error *err)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char digest[HASH_BYTES];
    char digits[DIGITS + 1];

    if (!hash(digest, sid)) {
        return error_set(err, ERR_IO, "Windows has no SHA-256");
    }
    for (unsigned i = 0; i < DIGITS; i++) {
        unsigned bit = i * 5;
        unsigned pair = (unsigned)digest[bit / 8] << 8 | digest[bit / 8 + 1];

        digits[i] = alphabet[pair >> (11 - bit % 8) & 31];
    }
    digits[DIGITS] = '\0';
    return str_copy(out, digits, err);
}

int np_tag(char **out, struct error *err)
{
    char *sid = NULL;
    int code;

    *out = NULL;
    if (!is_for_many()) {
        return 0;
    }
    code = win32_user_sid(&sid, err);
    if (code == 0) {
        code = np_tag_of(out, sid, err);
    }
    free(sid);
    return code;
}
