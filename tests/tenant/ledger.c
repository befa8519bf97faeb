#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"
#include "world.h"

#define RING 300 /* seconds */

/* What was spent in each of the last 300 seconds, and today. */
struct ledger_account {
    struct ledger_account *next;
    char *key;
    int64_t slot_second[RING];
    int64_t slot_amount[RING];
    int64_t day;
    int64_t day_amount;
    int64_t total;
};

void ledger_init(struct ledger *l)
{
    *l = (struct ledger){0};
    pthread_mutex_init(&l->lock, NULL);
}

void ledger_clear(struct ledger *l)
{
    while (l->accounts) {
        struct ledger_account *a = l->accounts;

        l->accounts = a->next;
        free(a->key);
        free(a);
    }
    free(l->rules);
    l->rules = NULL;
    l->n_rules = 0;
}

static struct ledger_account *account(struct ledger *l, const char *kind, const char *a,
                                      const char *b)
{
    char key[256];
    struct ledger_account *acc;

    snprintf(key, sizeof(key), "%s %s %s", kind, a, b);
    for (acc = l->accounts; acc; acc = acc->next) {
        if (strcmp(acc->key, key) == 0) {
            return acc;
        }
    }
    acc = xcalloc(1, sizeof(*acc));
    acc->key = xstrdup(key);
    acc->next = l->accounts;
    l->accounts = acc;
    return acc;
}

static void spend(struct ledger_account *acc, int64_t second, int64_t amount)
{
    size_t i = (size_t)(second % RING);

    if (acc->slot_second[i] != second) {
        acc->slot_second[i] = second;
        acc->slot_amount[i] = 0;
    }
    acc->slot_amount[i] += amount;
    if (acc->day != second / 86400) {
        acc->day = second / 86400;
        acc->day_amount = 0;
    }
    acc->day_amount += amount;
    acc->total += amount;
}

/* Spent in the last `window` seconds; *oldest_s: how long ago the oldest of it was. */
static int64_t spent(const struct ledger_account *acc, int64_t second, int window, int *oldest_s)
{
    int64_t sum = 0;

    *oldest_s = 0;
    for (int i = 0; i < RING; i++) {
        int64_t age = second - acc->slot_second[i];

        if (age >= 0 && age < window && acc->slot_amount[i] > 0) {
            sum += acc->slot_amount[i];
            *oldest_s = age > *oldest_s ? (int)age : *oldest_s;
        }
    }
    return sum;
}

static struct throttle_rules *rules_of(struct ledger *l, const struct tenant *t)
{
    for (size_t i = 0; i < l->n_rules; i++) {
        if (l->rules[i].tenant == t) {
            return &l->rules[i];
        }
    }
    l->rules = xrealloc(l->rules, (l->n_rules + 1) * sizeof(*l->rules));
    l->rules[l->n_rules] = (struct throttle_rules){
        .tenant = t,
        .app_minute = 1200, /* the 07/2024 text, up to 1,000 licences */
        .app_day = 1200000,
        .tenant_5min = 18750,
        .user_5min = 3000,
        .status = 429,
        .retry_after_min = 1,
    };
    return &l->rules[l->n_rules++];
}

static void read_number(int64_t *out, const cJSON *config, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(config, name);

    if (cJSON_IsNumber(v)) {
        *out = (int64_t)v->valuedouble;
    }
}

static void read_bool(bool *out, const cJSON *config, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(config, name);

    if (cJSON_IsBool(v)) {
        *out = cJSON_IsTrue(v);
    }
}

void ledger_configure(struct ledger *l, const struct tenant *t, const cJSON *config)
{
    const cJSON *form = cJSON_GetObjectItemCaseSensitive(config, "retry_form");
    struct throttle_rules *r;
    int64_t status;
    int64_t least;

    pthread_mutex_lock(&l->lock);
    r = rules_of(l, t);
    status = r->status;
    least = r->retry_after_min;
    read_bool(&r->enabled, config, "enabled");
    read_bool(&r->ratelimit_headers, config, "ratelimit_headers");
    read_number(&r->app_minute, config, "app_minute");
    read_number(&r->app_day, config, "app_day");
    read_number(&r->tenant_5min, config, "tenant_5min");
    read_number(&r->user_5min, config, "user_5min");
    read_number(&status, config, "status");
    read_number(&least, config, "retry_after");
    r->status = (int)status;
    r->retry_after_min = (int)least;
    if (cJSON_IsString(form)) {
        r->retry_form = strcmp(form->valuestring, "date") == 0     ? RETRY_DATE
                        : strcmp(form->valuestring, "absent") == 0 ? RETRY_ABSENT
                                                                   : RETRY_SECONDS;
    }
    pthread_mutex_unlock(&l->lock);
}

/* True when `used` is over the limit; then raises *wait_s to when the oldest of it is forgotten. */
static bool is_over(int64_t limit, int64_t used, int window, int oldest_s, int *wait_s)
{
    if (limit <= 0 || used < limit) {
        return false;
    }
    *wait_s = window - oldest_s > *wait_s ? window - oldest_s : *wait_s;
    return true;
}

void ledger_admit(struct ledger *l, const struct tenant *t, const struct user *u,
                  const char *client_id, struct throttle_answer *out)
{
    int64_t second = now_ms() / 1000;
    struct ledger_account *app;
    struct ledger_account *all;
    struct ledger_account *user;
    const struct throttle_rules *r;
    int64_t minute_used;
    int oldest = 0;
    int wait_s = 0;
    bool over;

    *out = (struct throttle_answer){0};
    pthread_mutex_lock(&l->lock);
    r = rules_of(l, t);
    app = account(l, "app", t->id, client_id);
    all = account(l, "tenant", t->id, "");
    user = account(l, "user", t->id, u->id);
    spend(user, second, 1);
    if (r->enabled) {
        minute_used = spent(app, second, 60, &oldest);
        over = is_over(r->app_minute, minute_used, 60, oldest, &wait_s);
        if (r->ratelimit_headers && minute_used * 10 >= r->app_minute * 8) {
            out->limit = r->app_minute;
            out->remaining = over ? 0 : r->app_minute - minute_used;
            out->reset_s = 60 - oldest;
        }
        over |= is_over(r->tenant_5min, spent(all, second, 300, &oldest), 300, oldest, &wait_s);
        over |= is_over(r->user_5min, spent(user, second, 300, &oldest) - 1, 300, oldest, &wait_s);
        if (r->app_day > 0 && app->day == second / 86400 && app->day_amount >= r->app_day) {
            over = true;
            wait_s = 250;
        }
        if (over) {
            out->status = r->status;
            out->form = r->retry_form;
            out->retry_after = wait_s > 250 ? 250 : wait_s;
            out->retry_after =
                out->retry_after < r->retry_after_min ? r->retry_after_min : out->retry_after;
            spend(app, second, 1);
            spend(all, second, 1);
            l->refused++;
        }
    }
    pthread_mutex_unlock(&l->lock);
}

void ledger_charge(struct ledger *l, const struct tenant *t, const char *client_id, unsigned ru)
{
    int64_t second = now_ms() / 1000;

    if (ru == 0) {
        return;
    }
    pthread_mutex_lock(&l->lock);
    spend(account(l, "app", t->id, client_id), second, ru);
    spend(account(l, "tenant", t->id, ""), second, ru);
    l->total_ru += ru;
    pthread_mutex_unlock(&l->lock);
}

cJSON *ledger_stats(struct ledger *l)
{
    cJSON *out = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(out, "accounts");
    int64_t second = now_ms() / 1000;
    int oldest;

    pthread_mutex_lock(&l->lock);
    cJSON_AddNumberToObject(out, "total_ru", (double)l->total_ru);
    cJSON_AddNumberToObject(out, "refused", (double)l->refused);
    for (const struct ledger_account *a = l->accounts; a; a = a->next) {
        cJSON *one = cJSON_CreateObject();

        cJSON_AddStringToObject(one, "account", a->key);
        cJSON_AddNumberToObject(one, "last_minute", (double)spent(a, second, 60, &oldest));
        cJSON_AddNumberToObject(one, "last_5min", (double)spent(a, second, 300, &oldest));
        cJSON_AddNumberToObject(one, "total", (double)a->total);
        cJSON_AddItemToArray(list, one);
    }
    pthread_mutex_unlock(&l->lock);
    return out;
}
