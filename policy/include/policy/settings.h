/*
 * settings.h - what the administrator wants, as values the program can use.
 *
 * One field per setting, named as the setting in snake case: CacheSizeMB is cache_size_mb. What a
 * setting means, its range and its default stand in the table (schema.h) and nowhere else.
 *
 * A struct settings is never changed once it is made, so any thread may read it without a lock. It
 * is counted: who keeps one across a reload holds a reference, and a reload hands out a new one.
 *
 * Text is never NULL, "" is "not set". Paths are absolute, with variables expanded; a path is ""
 * only when its variables have no value (no HOME), which policy_load() reports. Lists hold their
 * entries as written; entry.h takes them apart.
 */
#ifndef POLICY_SETTINGS_H
#define POLICY_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

/* The order of each enumeration is what the registry stores: permanent. */
enum policy_cloud {
    POLICY_CLOUD_GLOBAL,
    POLICY_CLOUD_US_GOV_HIGH,
    POLICY_CLOUD_US_GOV_DOD,
    POLICY_CLOUD_CHINA,
    POLICY_CLOUD_CUSTOM
};
enum policy_sign_in {
    POLICY_SIGN_IN_AUTO,
    POLICY_SIGN_IN_SILENT_ONLY,
    POLICY_SIGN_IN_BROWSER,
    POLICY_SIGN_IN_DEVICE_CODE
};
enum policy_library_scope { POLICY_LIBRARY_SCOPE_DEFAULT, POLICY_LIBRARY_SCOPE_ALL };
enum policy_transport { POLICY_TRANSPORT_AUTO, POLICY_TRANSPORT_NP, POLICY_TRANSPORT_WEB_DAV };
enum policy_web_dav_auth {
    POLICY_WEB_DAV_AUTH_PREFERRED,
    POLICY_WEB_DAV_AUTH_REQUIRED,
    POLICY_WEB_DAV_AUTH_OFF
};
enum policy_write_mode { POLICY_WRITE_MODE_BACKGROUND, POLICY_WRITE_MODE_BEFORE_CLOSE };
enum policy_conflict_mode { POLICY_CONFLICT_MODE_KEEP_BOTH, POLICY_CONFLICT_MODE_REFUSE };
enum policy_co_authoring {
    POLICY_CO_AUTHORING_OFF,
    POLICY_CO_AUTHORING_DESKTOP_APPS,
    POLICY_CO_AUTHORING_BROWSER
};
enum policy_link_scope {
    POLICY_LINK_SCOPE_TENANT,
    POLICY_LINK_SCOPE_ANONYMOUS,
    POLICY_LINK_SCOPE_ORGANIZATION,
    POLICY_LINK_SCOPE_DISABLED
};
enum policy_throttling_level {
    POLICY_THROTTLING_LEVEL_AUTO,
    POLICY_THROTTLING_LEVEL_LOW,
    POLICY_THROTTLING_LEVEL_MEDIUM,
    POLICY_THROTTLING_LEVEL_HIGH
};
enum policy_http_version { POLICY_HTTP_VERSION_AUTO, POLICY_HTTP_VERSION_HTTP1 };
enum policy_proxy { POLICY_PROXY_SYSTEM, POLICY_PROXY_NONE, POLICY_PROXY_MANUAL };
enum policy_log_level {
    POLICY_LOG_LEVEL_OFF,
    POLICY_LOG_LEVEL_ERROR,
    POLICY_LOG_LEVEL_INFO,
    POLICY_LOG_LEVEL_DEBUG
};
enum policy_event_log { POLICY_EVENT_LOG_OFF, POLICY_EVENT_LOG_ERRORS, POLICY_EVENT_LOG_ALL };
enum policy_language { POLICY_LANGUAGE_SYSTEM, POLICY_LANGUAGE_ENGLISH, POLICY_LANGUAGE_GERMAN };

/* In the order of the documentation rather than of sizes: there is one of it.
 * NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct settings {
    atomic_uint references; /* settings_ref() and settings_unref() only */

    /* Account */
    bool enabled;
    struct str_list tenants; /* entries: policy_tenant_parse() */
    char *client_id;
    enum policy_cloud cloud;
    char *custom_login_url; /* without a slash at its end */
    char *custom_graph_url;
    enum policy_sign_in sign_in;
    struct str_list allowed_tenants;

    /* Mappings */
    bool auto_map;
    char *site_query;
    enum policy_library_scope library_scope;
    bool teams_channels;
    struct str_list include_sites;
    struct str_list exclude_sites;
    struct str_list include_libraries;
    struct str_list exclude_libraries;
    struct str_list managed_mappings; /* entries: policy_mapping_parse() */
    bool one_drive;
    char *one_drive_drive;              /* "H:", or "none" */
    struct str_list drive_letter_rules; /* entries: policy_letter_rule_parse() */
    char *drive_letter_pool;            /* policy_letter_pool_parse() */
    char *name_format;
    char *unc_server;
    int64_t refresh_minutes;
    int64_t max_mappings;
    bool remove_on_logoff;

    /* Transport */
    enum policy_transport transport;
    int64_t web_dav_port; /* 0: any that is free */
    enum policy_web_dav_auth web_dav_auth;
    char *mount_root; /* Linux; a path */
    bool offline_attribute;
    char *offline_attribute_exclude;
    bool read_only;

    /* Files */
    int64_t read_only_above_mb;    /* 0: never */
    int64_t block_above_mb;        /* 0: never */
    int64_t upload_block_above_mb; /* 0: never */
    struct str_list blocked_extensions;
    struct str_list local_only_patterns;
    int64_t cache_size_mb; /* 0: a quarter of the free disk, at most 10 GB */
    int64_t cache_minutes;
    char *cache_directory;   /* a path */
    char *journal_directory; /* a path */
    int64_t drain_seconds;
    struct str_list scanner_processes;
    char *recovery_directory; /* a path; "" is the user's downloads */
    int64_t metadata_seconds;
    enum policy_write_mode write_mode;
    enum policy_conflict_mode conflict_mode;
    int64_t mass_delete_threshold; /* per minute; 0: off */
    enum policy_co_authoring co_authoring;
    enum policy_link_scope link_scope;

    /* Network */
    enum policy_throttling_level throttling_level;
    int64_t request_soft_limit; /* resource units per window; 0: off */
    int64_t request_hard_limit; /* resource units per window; 0: off */
    int64_t request_window_seconds;
    int64_t max_connections; /* per host */
    enum policy_http_version http_version;
    int64_t startup_jitter_seconds;
    enum policy_proxy proxy;
    char *proxy_url; /* may hold a password: never log it */
    char *proxy_bypass;
    char *ca_file; /* a path; "": the system's trust only */
    char *user_agent_tag;

    /* Diagnostics */
    enum policy_log_level log_level;
    int64_t log_size_kb;
    int64_t log_files;
    char *log_directory; /* a path */
    enum policy_event_log event_log;
    enum policy_language language;
};

/* Every setting at its default, for tests and tools; *out is the caller's reference. ERR_NO_MEMORY.
 */
int settings_new_default(struct settings **out, struct error *err);

/* Another reference to the same settings; NULL gives NULL. Any thread. */
const struct settings *settings_ref(const struct settings *settings);

/* Gives a reference back; the last one frees. NULL is fine. Any thread. */
void settings_unref(const struct settings *settings);

#endif
