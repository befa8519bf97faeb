#include "graph/parse.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "graph/entra_parse.h"
#include "graph/json.h"

/* The array of a page, or NULL. */
static const cJSON *page_values(const cJSON *json, size_t *count, struct error *err)
{
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(json, "value");
    int size = cJSON_GetArraySize(values);

    if (!cJSON_IsArray(values) || size > PARSE_ITEMS_MAX) {
        error_set(err, ERR_PROTOCOL, "the answer has no usable 'value'");
        return NULL;
    }
    *count = (size_t)size;
    return values;
}

/* --- teams --- */

void graph_teams_clear(struct graph_teams *teams)
{
    for (size_t i = 0; i < teams->count; i++) {
        free(teams->teams[i].id);
        free(teams->teams[i].name);
    }
    free(teams->teams);
    memset(teams, 0, sizeof(*teams));
}

static int read_team(struct graph_team *team, const cJSON *json, struct error *err)
{
    int code = json_copy_text(&team->id, json, "id", err);

    if (code == 0) {
        code = json_copy_text(&team->name, json, "displayName", err);
    }
    if (code == 0 && !(team->id && *team->id)) {
        code = error_set(err, ERR_PROTOCOL, "a team in the answer has no id");
    }
    return code;
}

int parse_teams(struct graph_teams *out, char **next_link, const char *body, size_t size,
                struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    struct graph_teams teams = {0};
    size_t count = 0;
    const cJSON *values = json ? page_values(json, &count, err) : NULL;
    const cJSON *value;
    int code = values ? 0 : ERR_PROTOCOL;

    if (code == 0) {
        teams.teams = calloc(count + 1, sizeof(*teams.teams));
        code = teams.teams ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for an answer");
    }
    cJSON_ArrayForEach(value, values)
    {
        if (code == 0) {
            code = read_team(&teams.teams[teams.count++], value, err);
        }
    }
    if (code == 0) {
        code = json_copy_text(next_link, json, "@odata.nextLink", err);
    }
    if (code == 0) {
        *out = teams;
    } else {
        graph_teams_clear(&teams);
    }
    cJSON_Delete(json);
    return code;
}

/* --- channels --- */

void graph_channels_clear(struct graph_channels *channels)
{
    for (size_t i = 0; i < channels->count; i++) {
        free(channels->channels[i].id);
        free(channels->channels[i].name);
        free(channels->channels[i].team_id);
        free(channels->channels[i].tenant_id);
    }
    free(channels->channels);
    memset(channels, 0, sizeof(*channels));
}

/* The GUID behind `before` in a link, or nothing. */
static int guid_behind(char **out, const char *link, const char *before, struct error *err)
{
    const char *at = link ? strstr(link, before) : NULL;
    char *guid = NULL;
    int code = 0;

    if (!at) {
        return 0;
    }
    at += strlen(before);
    code = str_copy_n(&guid, at, strcspn(at, "/"), err);
    if (code == 0 && entra_is_guid(guid)) {
        free(*out);
        *out = guid;
        guid = NULL;
    }
    free(guid);
    return code;
}

/* A channel that is shared with a team names its host by "@odata.id":
 * ".../tenants/{id}/teams/{id}/channels/{id}". */
static int read_channel(struct graph_channel *channel, const char *team_id, const cJSON *json,
                        struct error *err)
{
    const char *type = json_text(json, "membershipType");
    const char *link = json_text(json, "@odata.id");
    int code = json_copy_text(&channel->id, json, "id", err);

    channel->kind = str_equal(type, "private")  ? GRAPH_CHANNEL_PRIVATE
                    : str_equal(type, "shared") ? GRAPH_CHANNEL_SHARED
                                                : GRAPH_CHANNEL_STANDARD;
    if (code == 0) {
        code = json_copy_text(&channel->name, json, "displayName", err);
    }
    if (code == 0) {
        code = json_copy_text(&channel->tenant_id, json, "tenantId", err);
    }
    if (code == 0) {
        code = str_copy(&channel->team_id, team_id, err);
    }
    if (code == 0 && channel->kind == GRAPH_CHANNEL_SHARED) {
        code = guid_behind(&channel->team_id, link, "/teams/", err);
    }
    if (code == 0 && channel->kind == GRAPH_CHANNEL_SHARED) {
        code = guid_behind(&channel->tenant_id, link, "/tenants/", err);
    }
    if (code == 0 && !(channel->id && *channel->id)) {
        code = error_set(err, ERR_PROTOCOL, "a channel in the answer has no id");
    }
    return code;
}

int parse_channels(struct graph_channels *out, char **next_link, const char *team_id,
                   const char *body, size_t size, struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    struct graph_channels channels = {0};
    size_t count = 0;
    const cJSON *values = json ? page_values(json, &count, err) : NULL;
    const cJSON *value;
    int code = values ? 0 : ERR_PROTOCOL;

    if (code == 0) {
        channels.channels = calloc(count + 1, sizeof(*channels.channels));
        code = channels.channels ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for an answer");
    }
    cJSON_ArrayForEach(value, values)
    {
        if (code == 0) {
            code = read_channel(&channels.channels[channels.count++], team_id, value, err);
        }
    }
    if (code == 0) {
        code = json_copy_text(next_link, json, "@odata.nextLink", err);
    }
    if (code == 0) {
        *out = channels;
    } else {
        graph_channels_clear(&channels);
    }
    cJSON_Delete(json);
    return code;
}

/* --- folders --- */

void graph_folders_clear(struct graph_folder *folders, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(folders[i].drive_id);
        free(folders[i].site_id);
        free(folders[i].web_url);
        memset(&folders[i], 0, sizeof(folders[i]));
    }
}

int parse_folder(struct graph_folder *out, const char *body, size_t size, struct error *err)
{
    cJSON *json = json_parse_object(body, size, "the answer", err);
    const cJSON *parent = cJSON_GetObjectItemCaseSensitive(json, "parentReference");
    struct graph_folder folder = {0};
    int code = json ? json_copy_text(&folder.drive_id, parent, "driveId", err) : ERR_PROTOCOL;

    if (code == 0) {
        code = json_copy_text(&folder.site_id, parent, "siteId", err);
    }
    if (code == 0) {
        code = json_copy_text(&folder.web_url, json, "webUrl", err);
    }
    if (code == 0 && !(folder.drive_id && *folder.drive_id && folder.web_url)) {
        code = error_set(err, ERR_PROTOCOL, "the folder in the answer has no drive or address");
    }
    if (code == 0) {
        *out = folder;
    } else {
        graph_folders_clear(&folder, 1);
    }
    cJSON_Delete(json);
    return code;
}
