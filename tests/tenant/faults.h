/*
 * faults.h - rules of the control port that make chosen requests go wrong.
 *
 * A rule: {"match": {...}, "after": N, "count": N, "action": {...}}; README.md lists the members.
 * The first rule that matches and is not used up decides. Thread-safe.
 */
#ifndef TENANT_FAULTS_H
#define TENANT_FAULTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <cjson/cJSON.h>

struct fault_rule;

struct faults {
    pthread_mutex_t lock; /* guards the list */
    struct fault_rule *first;
    int next_id;
};

/* What a rule is compared with. Any text may be NULL. */
struct fault_subject {
    const char *host; /* "graph", "login" or "content" */
    const char *method;
    const char *path; /* with /v1.0 */
    const char *query;
    const char *tenant;
    const char *user;
    bool in_batch;
};

struct fault {
    int rule;       /* id; 0: none */
    cJSON *action;  /* a copy, freed by fault_clear() */
    int status;     /* 0: leave the answer alone */
    int aadsts;     /* answer with this sign-in error; 0: no */
    bool run_first; /* the request takes effect, only its answer is lost or replaced */
    int64_t delay_ms;
    bool is_held;           /* not looked at before the rule is removed */
    int64_t truncate_after; /* -1: no. Bytes of the body that still go out */
    int64_t reset_at; /* -1: no. Bytes of the request's body after which the connection is reset */
    bool is_reset;
    int64_t stall_ms; /* 0: no; -1: until the server stops */
};

void faults_init(struct faults *f);
void faults_clear(struct faults *f);
/* The new rule's id, or 0 with a text in *why (static). */
int faults_add(struct faults *f, const cJSON *rule, const char **why);
bool faults_remove(struct faults *f, int id);
bool faults_has(struct faults *f, int id);
/* Rules with how often each was used. */
cJSON *faults_list(struct faults *f);

/* Fills *out; out->rule is 0 when nothing matched. */
void faults_match(struct faults *f, const struct fault_subject *what, struct fault *out);
void fault_clear(struct fault *fault);

#endif
