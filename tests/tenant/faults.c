#include "faults.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

struct fault_rule {
    struct fault_rule *next;
    int id;
    cJSON *rule;
    int64_t after; /* matches still to let pass */
    int64_t count; /* uses left; -1: no end */
    int64_t used;
};

void faults_init(struct faults *f)
{
    pthread_mutex_init(&f->lock, NULL);
    f->first = NULL;
    f->next_id = 1;
}

static void rule_free(struct fault_rule *r)
{
    cJSON_Delete(r->rule);
    free(r);
}

void faults_clear(struct faults *f)
{
    pthread_mutex_lock(&f->lock);
    while (f->first) {
        struct fault_rule *r = f->first;

        f->first = r->next;
        rule_free(r);
    }
    pthread_mutex_unlock(&f->lock);
}

static int64_t number(const cJSON *object, const char *name, int64_t fallback)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(v) ? (int64_t)v->valuedouble : fallback;
}

static bool has_only(const cJSON *object, const char *const *names, size_t n)
{
    const cJSON *m;

    cJSON_ArrayForEach(m, object)
    {
        bool known = false;

        for (size_t i = 0; i < n && !known; i++) {
            known = strcmp(m->string, names[i]) == 0;
        }
        if (!known) {
            return false;
        }
    }
    return true;
}

/* A misspelt member would make a test pass for the wrong reason, so it is refused. */
static const char *rule_problem(const cJSON *rule)
{
    static const char *const top[] = {"match", "after", "count", "action"};
    static const char *const match[] = {"host",   "method", "path",    "query",
                                        "tenant", "user",   "in_batch"};
    static const char *const action[] = {
        "status",           "headers",   "body",           "code",     "inner",  "message",
        "retry_after_date", "delay_ms",  "truncate_after", "reset_at", "reset",  "stall",
        "stall_ms",         "run_first", "aadsts",         "suberror", "claims", "hold"};
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(rule, "action");

    if (!cJSON_IsObject(rule) || !cJSON_IsObject(a)) {
        return "a fault needs an object 'action'";
    }
    if (!has_only(rule, top, COUNT_OF(top)) ||
        !has_only(cJSON_GetObjectItemCaseSensitive(rule, "match"), match, COUNT_OF(match)) ||
        !has_only(a, action, COUNT_OF(action))) {
        return "a fault has a member that is not known";
    }
    return NULL;
}

int faults_add(struct faults *f, const cJSON *rule, const char **why)
{
    struct fault_rule *r;
    struct fault_rule **end;

    *why = rule_problem(rule);
    if (*why) {
        return 0;
    }
    r = xcalloc(1, sizeof(*r));
    r->rule = cJSON_Duplicate(rule, true);
    r->after = number(rule, "after", 0);
    r->count = number(rule, "count", 1);
    pthread_mutex_lock(&f->lock);
    r->id = f->next_id++;
    for (end = &f->first; *end; end = &(*end)->next) {
    }
    *end = r;
    pthread_mutex_unlock(&f->lock);
    return r->id;
}

bool faults_remove(struct faults *f, int id)
{
    bool found = false;

    pthread_mutex_lock(&f->lock);
    for (struct fault_rule **at = &f->first; *at; at = &(*at)->next) {
        if ((*at)->id == id) {
            struct fault_rule *r = *at;

            *at = r->next;
            rule_free(r);
            found = true;
            break;
        }
    }
    pthread_mutex_unlock(&f->lock);
    return found;
}

bool faults_has(struct faults *f, int id)
{
    const struct fault_rule *r;

    pthread_mutex_lock(&f->lock);
    for (r = f->first; r && r->id != id; r = r->next) {
    }
    pthread_mutex_unlock(&f->lock);
    return r != NULL;
}

cJSON *faults_list(struct faults *f)
{
    cJSON *list = cJSON_CreateArray();

    pthread_mutex_lock(&f->lock);
    for (struct fault_rule *r = f->first; r; r = r->next) {
        cJSON *one = cJSON_Duplicate(r->rule, true);

        cJSON_AddNumberToObject(one, "id", r->id);
        cJSON_AddNumberToObject(one, "used", (double)r->used);
        cJSON_AddNumberToObject(one, "left", (double)r->count);
        cJSON_AddItemToArray(list, one);
    }
    pthread_mutex_unlock(&f->lock);
    return list;
}

static bool text_matches(const cJSON *match, const char *name, const char *value)
{
    const cJSON *want = cJSON_GetObjectItemCaseSensitive(match, name);

    return !cJSON_IsString(want) || glob_match(want->valuestring, value ? value : "");
}

static bool rule_matches(const cJSON *rule, const struct fault_subject *what)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(rule, "match");
    const cJSON *batch = cJSON_GetObjectItemCaseSensitive(m, "in_batch");

    if (cJSON_IsBool(batch) && cJSON_IsTrue(batch) != what->in_batch) {
        return false;
    }
    return text_matches(m, "host", what->host) && text_matches(m, "method", what->method) &&
           text_matches(m, "path", what->path) && text_matches(m, "query", what->query) &&
           text_matches(m, "tenant", what->tenant) && text_matches(m, "user", what->user);
}

static void fault_fill(struct fault *out, const struct fault_rule *r)
{
    const cJSON *a = cJSON_GetObjectItemCaseSensitive(r->rule, "action");

    out->rule = r->id;
    out->action = cJSON_Duplicate(a, true);
    out->status = (int)number(a, "status", 0);
    out->aadsts = (int)number(a, "aadsts", 0);
    out->run_first = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(a, "run_first"));
    out->delay_ms = number(a, "delay_ms", 0);
    out->is_held = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(a, "hold"));
    out->truncate_after = number(a, "truncate_after", -1);
    out->reset_at = number(a, "reset_at", -1);
    out->is_reset = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(a, "reset"));
    out->stall_ms = number(a, "stall_ms", 0);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(a, "stall"))) {
        out->stall_ms = -1;
    }
}

void faults_match(struct faults *f, const struct fault_subject *what, struct fault *out)
{
    *out = (struct fault){.truncate_after = -1, .reset_at = -1};
    pthread_mutex_lock(&f->lock);
    for (struct fault_rule *r = f->first; r; r = r->next) {
        if (r->count == 0 || !rule_matches(r->rule, what)) {
            continue;
        }
        if (r->after > 0) {
            r->after--;
            continue;
        }
        r->count -= r->count > 0;
        r->used++;
        fault_fill(out, r);
        break;
    }
    pthread_mutex_unlock(&f->lock);
}

void fault_clear(struct fault *fault)
{
    cJSON_Delete(fault->action);
    *fault = (struct fault){.truncate_after = -1, .reset_at = -1};
}
