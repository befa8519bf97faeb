/*
 * ledger.h - resource units spent, and who is asked to wait (facts, section 4).
 *
 * Spending is always counted. Refusing is off unless the tenant's "throttle" in the scenario, or
 * the control port, switches it on.
 */
#ifndef TENANT_LEDGER_H
#define TENANT_LEDGER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <cjson/cJSON.h>

struct tenant;
struct user;
struct ledger_account;

struct throttle_rules {
    const struct tenant *tenant;
    bool enabled;
    int64_t app_minute; /* resource units per app and tenant; 0: no limit. Likewise below */
    int64_t app_day;
    int64_t tenant_5min;
    int64_t user_5min;   /* requests, not units */
    int status;          /* 429, or 503 */
    int retry_after_min; /* seconds; at least this is asked for */
    enum { RETRY_SECONDS, RETRY_DATE, RETRY_ABSENT } retry_form;
    bool ratelimit_headers; /* RateLimit-* from 80 % on: the retired preview */
};

struct ledger {
    pthread_mutex_t lock;
    struct ledger_account *accounts;
    struct throttle_rules *rules;
    size_t n_rules;
    int64_t total_ru;
    int64_t refused;
};

struct throttle_answer {
    int status; /* 0: go on */
    int retry_after;
    int form;                          /* RETRY_... */
    int64_t limit, remaining, reset_s; /* for RateLimit-*; limit 0: leave them out */
};

void ledger_init(struct ledger *l);
void ledger_clear(struct ledger *l);

/* Reads {"enabled","app_minute","app_day","tenant_5min","user_5min","status","retry_after",
 * "retry_form":"seconds|date|absent","ratelimit_headers"}; members that are absent stay. */
void ledger_configure(struct ledger *l, const struct tenant *t, const cJSON *config);

/* Counts one request and says whether it is refused (a refused one counts, too). */
void ledger_admit(struct ledger *l, const struct tenant *t, const struct user *u,
                  const char *client_id, struct throttle_answer *out);
void ledger_charge(struct ledger *l, const struct tenant *t, const char *client_id, unsigned ru);
cJSON *ledger_stats(struct ledger *l);

#endif
