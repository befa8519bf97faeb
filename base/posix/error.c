#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "system_error.h"

void system_error_text(char *out, size_t size, long os_code)
{
#if defined(__GLIBC__)
    snprintf(out, size, "%s", strerrordesc_np((int)os_code));
#else
    snprintf(out, size, "system error %ld", os_code);
#endif
}
