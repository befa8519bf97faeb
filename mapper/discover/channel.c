#include "member.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "mapper/url.h"
#include "removal.h"

/* One user can be in 1,000 teams; asking for more channels than that is no use to anybody. */
#define TEAMS_MAX 1000
#define CHANNELS_MAX 2000

/* What an answer that makes no sense means: nothing, unless memory is short. */
static int only_no_memory(int code, const struct error *why, struct error *err)
{
    return code == ERR_NO_MEMORY ? error_set(err, code, "%s", why->message) : 0;
}

/* --- asking --- */

void channel_files_clear(struct channel_files *files)
{
    if (files->folders) {
        graph_folders_clear(files->folders, files->channels.count);
    }
    free(files->folders);
    files->folders = NULL;
    graph_channels_clear(&files->channels);
    graph_teams_clear(&files->teams);
}

/* A token may be older than the setting: then one with the two permissions is asked for, once. */
static int list_teams(struct channel_files *out, struct account *account, const struct call *call)
{
    int code = graph_list_joined_teams(&out->teams, account, call, &out->error);

    if (code == ERR_DENIED) {
        error_clear(&out->error);
        code = account_renew_for_teams(account, call, &out->error);
        if (code == 0) {
            code = graph_list_joined_teams(&out->teams, account, call, &out->error);
        }
    }
    return code;
}

/* Leaves private and shared ones of this tenant, each once. Graph refuses those that another
 * tenant hosts. */
static int keep_channels(struct graph_channels *channels, const char *tenant_id, struct error *err)
{
    struct text_index seen = {0};
    size_t kept = 0;
    int code = 0;

    for (size_t i = 0; code == 0 && i < channels->count; i++) {
        struct graph_channel *channel = &channels->channels[i];
        struct graph_channel moved;
        bool is_new = false;

        if (channel->kind == GRAPH_CHANNEL_STANDARD ||
            (channel->tenant_id && !str_equal_nocase(channel->tenant_id, tenant_id))) {
            continue;
        }
        code = text_index_add(&seen, channel->id, i, &is_new, err);
        if (code == 0 && is_new) { /* swapped, so that each is freed once */
            moved = channels->channels[kept];
            channels->channels[kept++] = *channel;
            *channel = moved;
        }
    }
    text_index_clear(&seen);
    if (code == 0 && kept < channels->count) {
        struct graph_channels rest = {
            .channels = calloc(channels->count - kept + 1, sizeof(struct graph_channel)),
            .count = channels->count - kept};

        if (!rest.channels) {
            return error_set(err, ERR_NO_MEMORY, "no memory for channels");
        }
        memcpy(rest.channels, channels->channels + kept, rest.count * sizeof(struct graph_channel));
        channels->count = kept;
        graph_channels_clear(&rest);
    }
    return code;
}

static int list_channels(struct channel_files *out, struct account *account, const char *tenant_id,
                         const struct call *call)
{
    size_t count = out->teams.count < TEAMS_MAX ? out->teams.count : TEAMS_MAX;
    const char **ids = calloc(count + 1, sizeof(*ids));
    int *codes = calloc(count + 1, sizeof(*codes));
    size_t failed = 0;
    int code = ids && codes ? 0 : error_set(&out->error, ERR_NO_MEMORY, "no memory for teams");

    for (size_t i = 0; code == 0 && i < count; i++) {
        ids[i] = out->teams.teams[i].id;
    }
    if (code == 0) {
        code = graph_list_channels(&out->channels, codes, account, ids, count, call, &out->error);
    }
    for (size_t i = 0; code == 0 && i < count; i++) {
        /* a team that was left since it was listed is no failure */
        failed += codes[i] < 0 && codes[i] != ERR_NOT_FOUND ? 1 : 0;
    }
    if (code == 0) {
        code = keep_channels(&out->channels, tenant_id, &out->error);
    }
    if (code == 0 && (failed > 0 || count < out->teams.count)) {
        error_set(&out->error, failed > 0 ? ERR_SERVER : ERR_LIMIT,
                  failed > 0 ? "%zu teams do not tell their channels" : "only %zu teams are asked",
                  failed > 0 ? failed : count);
    }
    free(codes);
    free(ids);
    return code;
}

static int list_folders(struct channel_files *out, struct account *account, const struct call *call)
{
    size_t count = out->channels.count;
    struct error why = {0};
    size_t failed = 0;
    int code;

    out->folders = calloc(count + 1, sizeof(*out->folders));
    if (!out->folders) {
        return error_set(&out->error, ERR_NO_MEMORY, "no memory for %zu channels", count);
    }
    code = graph_get_channel_folders(out->folders, account, out->channels.channels,
                                     count < CHANNELS_MAX ? count : CHANNELS_MAX, call, &why);
    for (size_t i = 0; i < count; i++) {
        if (i >= CHANNELS_MAX || code < 0) {
            out->folders[i].code = code < 0 ? code : ERR_LIMIT;
        }
        failed += out->folders[i].code < 0 && out->folders[i].code != ERR_NOT_FOUND &&
                          out->folders[i].code != ERR_DENIED
                      ? 1
                      : 0;
    }
    if (code < 0) {
        out->error = why;
    } else if (failed > 0) {
        error_set(&out->error, ERR_SERVER, "%zu channels do not tell where their files are",
                  failed);
    }
    return code;
}

void channel_files_run(struct channel_files *out, struct account *account, const char *tenant_id,
                       const struct call *call)
{
    int code;

    *out = (struct channel_files){0};
    code = list_teams(out, account, call);
    if (code == 0 && out->teams.count > 0) {
        code = list_channels(out, account, tenant_id, call);
    }
    if (code == 0 && out->channels.count > 0) {
        (void)list_folders(out, account, call); /* what failed stands in out->error */
    }
    out->is_whole = out->error.code == 0;
}

/* --- merging --- */

/* Ids and addresses of the site a channel has. Owned. */
struct channel_site {
    char *id;
    char *url;
    char *title;
};

static void channel_site_clear(struct channel_site *site)
{
    str_free(&site->id);
    str_free(&site->url);
    str_free(&site->title);
}

static const char *team_name(const struct graph_teams *teams, const char *id)
{
    for (size_t i = 0; i < teams->count; i++) {
        if (str_equal_nocase(teams->teams[i].id, id)) {
            return teams->teams[i].name;
        }
    }
    return NULL; /* a shared channel of a team the user is not in */
}

/* The site follows from the drive's id, or is said by the folder. ERR_PROTOCOL when neither. */
static int read_site(struct channel_site *out, const struct channel_files *files, size_t at,
                     struct error *err)
{
    const struct graph_folder *folder = &files->folders[at];
    const struct graph_channel *channel = &files->channels.channels[at];
    const char *team = team_name(&files->teams, channel->team_id);
    const char *name = channel->name ? channel->name : "";
    char *address = NULL;
    char *host = NULL;
    char site[37];
    char web[37];
    char list[37];
    int code = url_clean(&address, folder->web_url, URL_FROM_SERVICE, err);

    code = code < 0 ? code : url_host(&host, address, err);
    code = code < 0 ? code : url_site_collection(&out->url, address, err);
    if (code == 0 && merge_drive_guids(folder->drive_id, site, web, list)) {
        code = str_format(&out->id, err, "%s,%s,%s", host, site, web);
    } else if (code == 0 && merge_is_id(folder->site_id)) {
        code = str_copy(&out->id, folder->site_id, err);
    } else if (code == 0) {
        code = error_set(err, ERR_PROTOCOL, "a channel without a site");
    }
    if (code == 0) {
        code = str_format(&out->title, err, "%s%s%s", team ? team : "", team ? " - " : "", name);
    }
    str_free(&address);
    str_free(&host);
    return code;
}

/* A library that was shown before needs no question. */
static int take_known(struct merge *merge, bool *is_done, const struct channel_site *site,
                      const char *drive_id, struct error *err)
{
    const struct library *known;
    struct library library = {0};
    char list[37];
    char *key = NULL;
    int code = 0;

    *is_done = false;
    if (!merge_drive_guids(drive_id, NULL, NULL, list)) {
        return 0;
    }
    code = library_key(&key, merge->tenant_id, site->id, list, NULL, err);
    known = code == 0 ? merge_known_library(merge, key) : NULL;
    if (known && known->is_verified && known->kind == LIBRARY_SITE &&
        known->verdict != LIBRARY_REMOVED && str_equal(known->drive_id, drive_id)) {
        code = library_copy(&library, known, err);
        if (code == 0) {
            library.sources = LIBRARY_FROM_TEAMS | (known->sources & LIBRARY_FROM_DEFAULT);
            library.missing = 0;
            code = merge_add(merge, &library, err);
        }
        *is_done = code == 0;
    }
    str_free(&key);
    return code;
}

/* The library of a channel that is new, out of its drive. */
static int take_drive(struct merge *merge, const struct channel_site *site,
                      const struct graph_answer *answer, struct error *err)
{
    struct merge_site where = {.id = site->id, .url = site->url, .title = site->title};
    struct graph_drive drive = {0};
    int code = graph_parse_drive(&drive, answer->body, answer->body_size, err);

    code = code < 0 ? code : merge_drive(merge, &drive, &where, LIBRARY_FROM_TEAMS, err);
    graph_drive_clear(&drive);
    return code;
}

/* The channels that have to be asked for: which, where, and the question. */
struct questions {
    size_t *places;
    struct channel_site *sites; /* by channel */
    char **urls;
    size_t count;
};

static void questions_clear(struct questions *questions, size_t channels)
{
    for (size_t i = 0; questions->sites && i < channels; i++) {
        channel_site_clear(&questions->sites[i]);
    }
    for (size_t i = 0; questions->urls && i < questions->count; i++) {
        free(questions->urls[i]);
    }
    free(questions->sites);
    free(questions->urls);
    free(questions->places);
}

static int prepare(struct questions *questions, struct merge *merge, bool *is_whole,
                   const struct channel_files *files, struct error *err)
{
    size_t channels = files->channels.count;
    int code = 0;

    questions->places = calloc(channels + 1, sizeof(*questions->places));
    questions->sites = calloc(channels + 1, sizeof(*questions->sites));
    questions->urls = calloc(channels + 1, sizeof(char *));
    if (!questions->places || !questions->sites || !questions->urls) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu channels", channels);
    }
    for (size_t i = 0; code == 0 && i < channels; i++) {
        const struct graph_folder *folder = &files->folders[i];
        struct error why = {0};
        bool is_done = false;

        if (folder->code < 0 || !merge_is_id(folder->drive_id)) {
            continue;
        }
        code = read_site(&questions->sites[i], files, i, &why);
        if (code < 0) {
            *is_whole = false;
            code = only_no_memory(code, &why, err);
            continue;
        }
        code = take_known(merge, &is_done, &questions->sites[i], folder->drive_id, err);
        if (code == 0 && !is_done) {
            questions->places[questions->count] = i;
            code = str_format(&questions->urls[questions->count], err,
                              "/drives/%s?$select=id,name,driveType,webUrl", folder->drive_id);
            questions->count += code == 0 ? 1 : 0;
        }
    }
    return code;
}

static int ask_drives(struct merge *merge, bool *is_whole, const struct questions *questions,
                      struct account *account, const struct call *call,
                      struct discover_report *report, struct error *err)
{
    struct graph_answer *answers = calloc(questions->count + 1, sizeof(*answers));
    struct error why = {0};
    int code = 0;

    if (!answers) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu answers", questions->count);
    }
    if (graph_batch_get(answers, account, (const char *const *)questions->urls, questions->count,
                        call, &why) < 0) {
        *is_whole = false;
        report_add(report, "Teams channels: %.120s", why.message);
        free(answers);
        return only_no_memory(why.code, &why, err);
    }
    for (size_t i = 0; code == 0 && i < questions->count; i++) {
        code = answers[i].code;
        if (code == 0) {
            code = take_drive(merge, &questions->sites[questions->places[i]], &answers[i], &why);
        }
        *is_whole = *is_whole && (code == 0 || code == ERR_NOT_FOUND || code == ERR_DENIED);
        code = only_no_memory(code, &why, err);
    }
    graph_answers_clear(answers, questions->count);
    free(answers);
    return code;
}

int channel_files_merge(struct merge *merge, bool *is_whole, const struct channel_files *files,
                        struct account *account, const struct call *call,
                        struct discover_report *report, struct error *err)
{
    struct questions questions = {0};
    int code = 0;

    *is_whole = files->is_whole;
    if (files->error.code < 0) {
        report_add(report, "Teams channels: %.160s", files->error.message);
    }
    if (files->folders) {
        code = prepare(&questions, merge, is_whole, files, err);
    }
    if (code == 0 && questions.count > 0) {
        code = ask_drives(merge, is_whole, &questions, account, call, report, err);
    }
    questions_clear(&questions, files->channels.count);
    return code;
}
