/*
 * intune.h - the URIs of the Policy CSP.
 */
#ifndef ADMX_INTUNE_H
#define ADMX_INTUNE_H

#include <stdbool.h>

#include "base/error.h"
#include "policy/schema.h"

/* Where the template itself goes. Permanent: a second name would ingest a second copy. */
#define INTUNE_INGEST_URI \
    "./Device/Vendor/MSFT/Policy/ConfigOperations/ADMXInstall/" ADMX_APP "/Policy/" ADMX_APP

/* {App}~Policy~{category}~{category}/{policy}, as spelled in the template. *out is the caller's. */
int intune_uri(char **out, const struct setting *row, bool is_user, struct error *err);

#endif
