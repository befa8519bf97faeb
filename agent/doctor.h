/*
 * doctor.h - `mooring doctor`: every condition for the agent's work, looked at one by one.
 *
 * A check says what it found in one sentence, how bad that is, and what to do. Names, paths and
 * what servers or other people made up stand in single quotes, so that `mooring report` can leave
 * them out. It changes nothing but a file of a few bytes that it makes and removes in the folders of
 * the agent, to see whether they can be written.
 */
#ifndef AGENT_DOCTOR_H
#define AGENT_DOCTOR_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/error.h"

struct policy;
struct settings;

enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_FAILED, DOCTOR_LEVELS };

struct doctor {
    cJSON *checks; /* array of {"name", "level", "text", "advice"} */
    unsigned counts[DOCTOR_LEVELS];
};

/* One line. `advice` NULL: there is nothing to do. */
void doctor_add(struct doctor *doctor, const char *name, enum doctor_level level,
                const char *advice, const char *fmt, ...) PRINTF_LIKE(5, 6);

struct doctor_options {
    const char *policy_file; /* as the agent's --policy; NULL: what the running agent goes by */
    bool is_offline;         /* ask no host of the service */
};

/* Looks at everything. *out = {"version", "warnings", "failed", "checks"}; the caller's. Fails only
 * without memory: all that is wrong is a check. Takes up to a minute when hosts do not answer. */
int doctor_examine(cJSON **out, const struct doctor_options *options, struct error *err);

/* The policy as it is read here and now: of `policy_file`, else of the file that the running agent was
 * started with by its answer to `status` (NULL: none runs), else of this system. *out is the caller's:
 * policy_free(). */
int doctor_read_policy(struct policy **out, const char *policy_file, const cJSON *status,
                       struct error *err);

/* doctor_agent.c: what the agent of this user says; `status` NULL: none runs, and `why`. */
void doctor_check_agent(struct doctor *doctor, const cJSON *status, const struct error *why);

/* doctor_network.c: the hosts of the service, by the proxy and the trust that policy says. */
void doctor_check_network(struct doctor *doctor, const struct settings *settings);

/* The difference between our clock and that of a host, and who vouches for it. Pure, for the tests. */
void doctor_judge_clock(struct doctor *doctor, int64_t ours_ms, int64_t theirs_ms);
void doctor_judge_issuer(struct doctor *doctor, const char *host, const char *issuer,
                         bool is_microsoft);

/* posix/doctor.c, win32/doctor.c: what the system must have for a mount. */
void doctor_check_system(struct doctor *doctor, const struct settings *settings);

/* The system's name and version, for a support bundle: "Linux 6.1.0 x86_64". The caller frees. */
int doctor_system_name(char **out, struct error *err);

#endif
