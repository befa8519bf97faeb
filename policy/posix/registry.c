#include "registry.h"

int registry_read(struct registry_image *image, bool is_machine, const char *key, void *payload,
                  struct error *err)
{
    (void)image;
    (void)is_machine;
    (void)key;
    (void)payload;
    return error_set(err, ERR_UNSUPPORTED, "this system has no registry");
}
