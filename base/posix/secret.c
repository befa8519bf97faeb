#include "base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

int secret_random(void *out, size_t size, struct error *err)
{
    unsigned char *to = out;

    while (size > 0) {
        ssize_t got = getrandom(to, size, 0);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_set_os(err, ERR_IO, errno, "no random numbers");
        }
        to += got;
        size -= (size_t)got;
    }
    return 0;
}

void secret_wipe(void *data, size_t size)
{
    if (data) {
        explicit_bzero(data, size);
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
