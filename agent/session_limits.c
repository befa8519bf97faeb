/*
 * session_limits.c - what policy says about freshness, deletes, kinds of files and scanners, on its
 * way to the vfs; and `mooring deletes`.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "session_private.h"

#define MINUTES_DEFAULT 10
#define MINUTES_MAX 1440

/* ThrottlingLevel: how long a listing is believed, and how often a library in use is asked for
 * changes, in quarters of MetadataSeconds. One request a minute is what background work of one user
 * may cost, so that the tenant's share is enough for everybody (graph-facts section 4). */
static const struct {
    unsigned believed;
    unsigned polled;
} levels[] = {
    [POLICY_THROTTLING_LEVEL_AUTO] = {4, 6},
    [POLICY_THROTTLING_LEVEL_LOW] = {4, 5},
    [POLICY_THROTTLING_LEVEL_MEDIUM] = {8, 12},
    [POLICY_THROTTLING_LEVEL_HIGH] = {20, 30},
};

void session_add_limits(struct online_vfs_options *options, const struct settings *settings)
{
    unsigned believed = levels[settings->throttling_level].believed;
    unsigned polled = levels[settings->throttling_level].polled;

    options->metadata_ms = settings->metadata_seconds * 250 * believed;
    options->poll_ms = settings->metadata_seconds * 250 * polled;
    options->delete_threshold = (uint32_t)settings->mass_delete_threshold;
    options->blocked_extensions = &settings->blocked_extensions;
    options->scanner_processes = &settings->scanner_processes;
}

cJSON *session_deletes_json(struct session *session)
{
    cJSON *object = cJSON_CreateObject();
    struct online_vfs_deletes deletes;
    char when[40];

    online_vfs_deletes(session->online, &deletes);
    cJSON_AddBoolToObject(object, "paused", deletes.is_paused);
    cJSON_AddNumberToObject(object, "threshold", deletes.threshold);
    if (deletes.is_paused) {
        clock_format_iso(when, sizeof(when), deletes.paused_ms - deletes.paused_ms % 1000);
        cJSON_AddStringToObject(object, "since", when);
        cJSON_AddNumberToObject(object, "refused", deletes.refused);
    }
    if (deletes.allowed_ms > 0) {
        int64_t seconds = (deletes.allowed_ms + 999) / 1000; /* a part of one counts whole */

        cJSON_AddNumberToObject(object, "allowedSeconds", (double)seconds);
    }
    return object;
}

int session_deletes_allow(struct session *session, const struct control_request *request,
                          cJSON **result, struct error *err)
{
    const cJSON *minutes = cJSON_GetObjectItemCaseSensitive(request->arguments, "minutes");
    double wanted = cJSON_IsNumber(minutes) ? minutes->valuedouble : MINUTES_DEFAULT;

    if (!(wanted >= 1 && wanted <= MINUTES_MAX)) {
        return error_set(err, ERR_INVALID, "deletes can be allowed for 1 to %d minutes",
                         MINUTES_MAX);
    }
    online_vfs_allow_deletes(session->online, (unsigned)wanted);
    log_info(LOG_AGENT, "the user allowed any number of deletes for %u minutes", (unsigned)wanted);
    *result = session_deletes_json(session);
    return 0;
}
