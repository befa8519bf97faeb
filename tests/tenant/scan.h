/* scan.h - reading numbers out of headers and tokens: strict, and overflow is an error. */
#ifndef TENANT_SCAN_H
#define TENANT_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits at *text, at least one and no more than fit 63 bits; *text moves behind them. */
bool scan_number(const char **text, uint64_t *out);

/* Exactly this text; *text moves behind it. */
bool scan_text(const char **text, const char *expected);

#endif
