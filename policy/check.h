/*
 * check.h - the forms that texts and list entries of the table must have.
 *
 * Each returns 0, or ERR_INVALID with a clause that goes after "the value ". Pure.
 */
#ifndef POLICY_CHECK_H
#define POLICY_CHECK_H

#include "base/error.h"

int check_guid(const char *text, struct error *err);
int check_service_url(const char *text, struct error *err); /* https, host, port; no path */
int check_proxy_url(const char *text, struct error *err);   /* may have user-info */
int check_drive(const char *text, struct error *err);       /* F: to Z:, or none */
int check_letter_pool(const char *text, struct error *err);
int check_letter_rule(const char *text, struct error *err);
int check_tenant_entry(const char *text, struct error *err);
int check_tenant_id(const char *text, struct error *err); /* a domain or a GUID */
int check_mapping_entry(const char *text, struct error *err);
int check_glob(const char *text, struct error *err);
int check_name_format(const char *text, struct error *err);
int check_host_label(const char *text, struct error *err);
int check_extension(const char *text, struct error *err);
int check_extensions(const char *text, struct error *err); /* separated by | */
int check_file_name(const char *text, struct error *err);  /* a pattern or name without slashes */
int check_header_text(const char *text, struct error *err);

/* Normal forms of checked texts, on the heap: "h" becomes "H:", a URL loses the slash at its end.
 */
int normalise_drive(char **text, struct error *err);
int normalise_url(char **text, struct error *err);

#endif
