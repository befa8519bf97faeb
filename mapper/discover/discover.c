/*
 * discover.c - one round: asks the sources, merges, decides.
 */
#include "mapper/discover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/thread.h"
#include "direct.h"
#include "managed.h"
#include "mapper/graph.h"
#include "mapper/url.h"
#include "member.h"
#include "merge.h"
#include "policy/settings.h"
#include "removal.h"
#include "scope.h"
#include "search.h"

static const char list_query[] = "contentclass:STS_List_DocumentLibrary";

/* One $batch. A warm round asks at least for so many libraries directly: first for those that are
 * missing, then for those no answer has verified yet, so that in time the removal rule can apply to
 * all of them. A cold logon asks for none. */
#define QUESTIONS_PER_BATCH 20

uint64_t discover_query_hash(const char *site_query)
{
    uint64_t hash = str_hash(site_query);

    return hash & INT64_MAX ? hash & INT64_MAX : 1; /* SQLite's integers are signed */
}

/* Everything of one round. */
struct round {
    struct account *account;
    const struct settings *settings;
    const struct call *call;
    struct discover_report *report;
    struct account_info info;
    char tenant[128];
    struct managed_list managed;
    struct search_result sites;
    struct search_result lists;
    struct graph_drive onedrive;
    struct error onedrive_error;
    struct followed followed;
    struct channel_files channels;
    struct merge merge;
    struct merge_round answered;
};

static void round_clear(struct round *round)
{
    managed_clear(&round->managed);
    search_result_clear(&round->sites);
    search_result_clear(&round->lists);
    graph_drive_clear(&round->onedrive);
    followed_clear(&round->followed);
    channel_files_clear(&round->channels);
    merge_clear(&round->merge);
}

/* --- the sources that need no other: side by side --- */

static void *run_sites(void *payload)
{
    struct round *round = payload;

    search_run(&round->sites, round->account, GRAPH_HIT_SITE, round->settings->site_query,
               round->call);
    return NULL;
}

static void *run_lists(void *payload)
{
    struct round *round = payload;

    search_run(&round->lists, round->account, GRAPH_HIT_LIST, list_query, round->call);
    return NULL;
}

static void *run_onedrive(void *payload)
{
    struct round *round = payload;

    graph_get_my_drive(&round->onedrive, round->account, round->call, &round->onedrive_error);
    return NULL;
}

static void *run_followed(void *payload)
{
    struct round *round = payload;

    followed_run(&round->followed, round->account, round->call);
    return NULL;
}

static void *run_channels(void *payload)
{
    struct round *round = payload;

    channel_files_run(&round->channels, round->account, round->info.tenant_id, round->call);
    return NULL;
}

/* Channels are found for AutoMap, like all that nobody named. */
static bool wants_channels(const struct settings *settings)
{
    return settings->auto_map && settings->teams_channels;
}

static void run_sources(struct round *round)
{
    struct {
        bool is_wanted;
        const char *name;
        void *(*run)(void *);
    } const sources[] = {{round->settings->auto_map, "search-sites", run_sites},
                         {round->settings->auto_map, "search-lists", run_lists},
                         {round->settings->one_drive, "onedrive", run_onedrive},
                         {followed_is_wanted(round->settings), "followed", run_followed},
                         {wants_channels(round->settings), "channels", run_channels}};
    const size_t count = sizeof(sources) / sizeof(sources[0]);
    struct thread threads[sizeof(sources) / sizeof(sources[0])] = {{.is_running = false}};

    account_want_teams(round->account, round->settings->teams_channels);
    for (size_t i = 0; i < count; i++) {
        if (sources[i].is_wanted &&
            thread_start(&threads[i], sources[i].name, sources[i].run, round, NULL) < 0) {
            sources[i].run(round); /* no thread to be had: one after the other */
        }
    }
    for (size_t i = 0; i < count; i++) {
        thread_join(&threads[i]);
    }
}

/* Whether anything answered; *why is the first reason when nothing did. */
static bool has_answers(const struct round *round, struct error *why)
{
    const struct settings *settings = round->settings;
    bool has_asked = settings->auto_map || settings->one_drive;

    if (!has_asked || (settings->one_drive && round->onedrive_error.code == 0) ||
        (settings->auto_map && (round->sites.is_complete || round->lists.is_complete ||
                                round->sites.count > 0 || round->lists.count > 0))) {
        return true;
    }
    *why = settings->auto_map ? round->sites.error : round->onedrive_error;
    /* "you have no OneDrive" is an answer when it was the only question */
    return !settings->auto_map && (why->code == ERR_NOT_FOUND || why->code == ERR_DENIED);
}

static void report_sources(struct round *round)
{
    struct discover_report *report = round->report;
    const struct settings *settings = round->settings;
    int onedrive = round->onedrive_error.code;

    report->searched_sites = (unsigned)round->sites.count;
    report->searched_lists = (unsigned)round->lists.count;
    report->is_search_down =
        settings->auto_map && (!round->sites.is_complete || !round->lists.is_complete);
    if (report->is_search_down) {
        report_add(report, "search fails and nothing it named before is removed: %.120s",
                   round->sites.is_complete ? round->lists.error.message
                                            : round->sites.error.message);
    }
    /* not found: this user has no OneDrive, which is nothing to warn of in every round */
    if (settings->one_drive && onedrive < 0 && onedrive != ERR_NOT_FOUND) {
        report_add(report, "your OneDrive: %.120s", round->onedrive_error.message);
    }
}

/* Followed sites and channels, behind search, which names most of them already. */
static int merge_members(struct round *round, struct error *err)
{
    struct merge_round *answered = &round->answered;
    bool is_whole = true;
    int code = 0;

    if (followed_is_wanted(round->settings)) {
        code = followed_merge(&round->merge, &is_whole, &round->followed, &round->sites,
                              answered->has_all_sites && answered->has_all_lists, round->account,
                              round->call, round->report, err);
        answered->lacks_followed = !is_whole;
    }
    if (code == 0 && wants_channels(round->settings)) {
        code = channel_files_merge(&round->merge, &is_whole, &round->channels, round->account,
                                   round->call, round->report, err);
        answered->lacks_teams = !is_whole;
    }
    return code;
}

static int merge_sources(struct round *round, struct error *err)
{
    struct merge *merge = &round->merge;
    const struct settings *settings = round->settings;
    int code;

    round->answered = (struct merge_round){.has_searched = settings->auto_map,
                                           .has_all_sites = round->sites.is_complete,
                                           .has_all_lists = round->lists.is_complete};
    code = followed_add(&round->sites, &round->followed, err);
    code = code < 0 ? code : merge_search(merge, &round->sites, &round->lists, err);
    code = code < 0 ? code : merge_members(round, err);
    if (code == 0 && settings->one_drive && round->onedrive_error.code == 0) {
        struct error why = {0};

        if (merge_drive(merge, &round->onedrive, NULL, LIBRARY_FROM_ONEDRIVE, &why) == 0) {
            round->answered.has_onedrive = true;
        } else if (why.code == ERR_PROTOCOL) {
            report_add(round->report, "your OneDrive: %.100s", why.message);
        } else {
            code = error_set(err, why.code, "%s", why.message);
        }
    }
    return code < 0 ? code : merge_known(merge, &round->sites, &round->answered, err);
}

/* --- managed mappings --- */

static int resolve_managed(struct round *round, struct error *err)
{
    struct str_list notes = {0};
    int code = managed_follow_links(&round->managed, &round->merge, round->account, round->call,
                                    &notes, err);

    code = code < 0 ? code
                    : managed_resolve(&round->merge, round->account, &round->managed, round->call,
                                      &notes, err);
    for (size_t i = 0; i < round->managed.problems.count; i++) {
        report_add(round->report, "%s", round->managed.problems.items[i]);
    }
    for (size_t i = 0; i < notes.count; i++) {
        report_add(round->report, "%s", notes.items[i]);
    }
    str_list_clear(&notes);
    return code;
}

/* --- LibraryScope=Default --- */

/* Sites with a library in scope whose default library is not known: one place in the found each. */
static int sites_without_default(struct round *round, size_t **out, size_t *count,
                                 struct error *err)
{
    const struct library_list *found = &round->merge.found;
    struct text_index seen = {0};
    size_t *places = calloc(found->count + 1, sizeof(*places));
    int code = 0;

    *count = 0;
    if (!places) {
        return error_set(err, ERR_NO_MEMORY, "no memory for %zu sites", found->count);
    }
    for (int pass = 0; pass < 2; pass++) { /* the known ones first, to leave their sites out */
        for (size_t i = 0; code == 0 && i < found->count; i++) {
            const struct library *library = &found->items[i];
            bool is_known = library->sources & LIBRARY_FROM_DEFAULT;
            bool is_new = false;

            if (library->kind != LIBRARY_SITE || is_known != (pass == 0) || !library->site_id ||
                (pass == 1 && library->verdict != LIBRARY_WANTED &&
                 library->verdict != LIBRARY_NOT_DEFAULT)) {
                continue;
            }
            code = text_index_add(&seen, library->site_id, i, &is_new, err);
            if (code == 0 && is_new && pass == 1) {
                places[(*count)++] = i;
            }
        }
    }
    text_index_clear(&seen);
    if (code < 0) {
        free(places);
        return code;
    }
    *out = places;
    return 0;
}

static int take_default(struct round *round, size_t place, const struct graph_answer *answer,
                        struct error *err)
{
    const struct library *library = &round->merge.found.items[place];
    struct merge_site site = {0};
    struct graph_drive drive = {0};
    char *texts[3] = {NULL, NULL, NULL};
    struct error why = {0};
    int code = str_copy(&texts[0], library->site_id, err); /* the list may move while it grows */

    code = code < 0 ? code : str_copy(&texts[1], library->site_url, err);
    code = code < 0 ? code : str_copy(&texts[2], library->site_title, err);
    site = (struct merge_site){.id = texts[0], .url = texts[1], .title = texts[2]};
    if (code == 0 && answer->code == 0 &&
        graph_parse_drive(&drive, answer->body, answer->body_size, &why) == 0) {
        merge_drive(&round->merge, &drive, &site, LIBRARY_FROM_DEFAULT, &why);
    }
    if (why.code == ERR_NO_MEMORY) {
        code = error_set(err, why.code, "%s", why.message);
    } /* an answer without a library leaves the site as it was: asked again next round */
    graph_drive_clear(&drive);
    for (size_t i = 0; i < 3; i++) {
        str_free(&texts[i]);
    }
    return code;
}

/* Sends `count` questions and has the answers; a failure of the whole is every answer's. */
static struct graph_answer *ask(struct round *round, char **urls, size_t count,
                                enum call_priority priority, struct error *err)
{
    struct graph_answer *answers = calloc(count + 1, sizeof(*answers));
    struct call call = *round->call;
    struct error why = {0};

    if (!answers) {
        error_set(err, ERR_NO_MEMORY, "no memory for %zu answers", count);
        return NULL;
    }
    call.priority = priority;
    if (count > 0 && graph_batch_get(answers, round->account, (const char *const *)urls, count,
                                     &call, &why) < 0) {
        graph_answers_clear(answers, count);
        memset(answers, 0, count * sizeof(*answers));
        for (size_t i = 0; i < count; i++) {
            answers[i].code = why.code;
        }
        report_add(round->report, "direct questions: %.120s", why.message);
    }
    return answers;
}

static void free_urls(char **urls, size_t count)
{
    for (size_t i = 0; urls && i < count; i++) {
        free(urls[i]);
    }
    free(urls);
}

static int ask_defaults(struct round *round, struct error *err)
{
    size_t *places = NULL;
    size_t count = 0;
    char **urls = NULL;
    struct graph_answer *answers = NULL;
    int code = sites_without_default(round, &places, &count, err);

    if (code == 0 && count > 0) {
        urls = calloc(count, sizeof(char *));
        code = urls ? 0 : error_set(err, ERR_NO_MEMORY, "no memory for %zu questions", count);
        for (size_t i = 0; code == 0 && i < count; i++) {
            code = str_format(&urls[i], err, "/sites/%s/drive?$select=id,name,driveType,webUrl",
                              round->merge.found.items[places[i]].site_id);
        }
        if (code == 0) {
            answers = ask(round, urls, count, round->call->priority, err);
            code = answers ? 0 : ERR_NO_MEMORY;
        }
        for (size_t i = 0; code == 0 && i < count; i++) {
            code = take_default(round, places[i], &answers[i], err);
        }
    }
    if (answers) {
        graph_answers_clear(answers, count);
    }
    free(answers);
    free_urls(urls, count);
    free(places);
    return code;
}

/* --- direct questions and removal --- */

/* Whether a library that is mapped was named by nobody although all who could have answered. */
static bool is_missing(const struct round *round, const struct library *library)
{
    const struct merge_round *answered = &round->answered;

    if (library->verdict != LIBRARY_WANTED || !(library->sources & LIBRARY_FROM_STATE) ||
        library->kind == LIBRARY_ONEDRIVE || merge_is_unsure(library, answered)) {
        return false;
    }
    return !answered->has_searched || (answered->has_all_sites && answered->has_all_lists);
}

/* Which libraries to ask for, in *out (count + QUESTIONS_PER_BATCH at most). */
static size_t choose(const struct round *round, size_t *out)
{
    const struct library_list *found = &round->merge.found;
    bool is_warm = round->merge.known && round->merge.known->count > 0;
    size_t count = 0;
    size_t until;

    for (size_t i = 0; i < found->count; i++) {
        if (is_missing(round, &found->items[i])) {
            out[count++] = i;
        }
    }
    until = (count / QUESTIONS_PER_BATCH + (count == 0 || count % QUESTIONS_PER_BATCH)) *
            QUESTIONS_PER_BATCH;
    for (size_t i = 0; is_warm && i < found->count && count < until; i++) {
        const struct library *library = &found->items[i];

        if (library->verdict == LIBRARY_WANTED && !library->is_verified &&
            library->kind == LIBRARY_SITE && !is_missing(round, library)) {
            out[count++] = i;
        }
    }
    return count;
}

static size_t count_mapped(const struct library_list *list)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        count += list->items[i].verdict == LIBRARY_WANTED ? 1 : 0;
    }
    return count;
}

/* Reads the answers; those of libraries that are only to be verified do not count for removal. */
static int take_answers(struct round *round, const size_t *places, size_t count,
                        const struct graph_answer *answers, struct removal_answer *removal,
                        size_t *removal_count, struct error *err)
{
    int code = 0;

    *removal_count = 0;
    for (size_t i = 0; code == 0 && i < count; i++) {
        struct library *library = &round->merge.found.items[places[i]];
        struct removal_answer answer = {.library = places[i], .code = answers[i].code};
        struct error why = {0};

        if (answer.code == 0) {
            answer.code = direct_take_answer(library, &answers[i], &why);
            code = answer.code == ERR_NO_MEMORY ? error_set(err, why.code, "%s", why.message) : 0;
        }
        if (is_missing(round, library)) {
            removal[(*removal_count)++] = answer;
        }
    }
    return code;
}

/* The user's drive is asked for itself in each round: the same rule, without another question. */
static void add_onedrive_answer(const struct round *round, struct removal_answer *removal,
                                size_t *count)
{
    const struct library_list *found = &round->merge.found;

    for (size_t i = 0; round->settings->one_drive && i < found->count; i++) {
        const struct library *library = &found->items[i];

        if (library->kind == LIBRARY_ONEDRIVE && (library->sources & LIBRARY_FROM_STATE) &&
            library->verdict == LIBRARY_WANTED) {
            removal[(*count)++] =
                (struct removal_answer){.library = i, .code = round->onedrive_error.code};
        }
    }
}

static int ask_missing(struct round *round, struct error *err)
{
    size_t room = round->merge.found.count + QUESTIONS_PER_BATCH + 1;
    size_t *places = calloc(room, sizeof(*places));
    struct removal_answer *removal = calloc(room, sizeof(*removal));
    size_t count = 0;
    size_t removal_count = 0;
    char **urls = calloc(room, sizeof(char *));
    struct graph_answer *answers = NULL;
    int code = 0;

    if (!places || !removal || !urls) {
        code = error_set(err, ERR_NO_MEMORY, "no memory for %zu questions", room);
        goto out;
    }
    count = choose(round, places);
    for (size_t i = 0; code == 0 && i < count; i++) {
        const struct library *library = &round->merge.found.items[places[i]];

        code = direct_question(&urls[i], library, err);
    }
    if (code == 0 && count > 0) {
        answers = ask(round, urls, count, CALL_REFRESH, err);
        code = answers ? take_answers(round, places, count, answers, removal, &removal_count, err)
                       : ERR_NO_MEMORY;
    }
    if (code == 0) {
        add_onedrive_answer(round, removal, &removal_count);
        code = removal_decide(&round->merge.found, removal, removal_count,
                              count_mapped(&round->merge.found), round->report, err);
    }
out:
    if (answers) {
        graph_answers_clear(answers, count);
    }
    free(answers);
    free_urls(urls, count);
    free(places);
    free(removal);
    return code;
}

/* --- the round --- */

static int know_tenant(struct round *round, struct error *err)
{
    size_t length;
    int code;

    account_info(round->account, &round->info);
    if (!round->info.tenant_id[0] || !round->info.initial_domain[0]) {
        code = account_identify(round->account, round->call, err);
        if (code < 0) {
            return code;
        }
        account_info(round->account, &round->info);
    }
    length = strcspn(round->info.initial_domain, ".");
    if (!round->info.tenant_id[0] || length == 0) {
        return error_set(err, ERR_PROTOCOL, "the service does not say which tenant this is");
    }
    snprintf(round->tenant, sizeof(round->tenant), "%.*s", (int)length, round->info.initial_domain);
    for (char *c = round->tenant; *c; c++) { /* domains have no case, paths should not have two */
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 32) : *c;
    }
    return 0;
}

int discover_run(struct library_list *out, struct discover_report *report, struct account *account,
                 const struct settings *settings, const struct library_list *known,
                 const struct call *call, struct error *err)
{
    struct round round = {.account = account, .settings = settings, .call = call, .report = report};
    struct error why = {0};
    int code;

    *report = (struct discover_report){0};
    code = know_tenant(&round, err);
    code = code < 0 ? code : managed_read(&round.managed, &settings->managed_mappings, err);
    if (code < 0) {
        goto out;
    }
    round.merge.tenant_id = round.info.tenant_id;
    round.merge.tenant = round.tenant;
    round.merge.known = known;
    round.merge.query_hash = discover_query_hash(settings->site_query);
    run_sources(&round);
    if (!has_answers(&round, &why)) {
        code = error_set(err, why.code, "%s", why.message);
        goto out;
    }
    report_sources(&round);
    code = merge_sources(&round, err);
    code = code < 0 ? code : resolve_managed(&round, err);
    code = code < 0 ? code : scope_decide_with(&round.merge.found, settings, &round.managed, err);
    if (code == 0 && settings->library_scope == POLICY_LIBRARY_SCOPE_DEFAULT) {
        code = ask_defaults(&round, err);
        code =
            code < 0 ? code : scope_decide_with(&round.merge.found, settings, &round.managed, err);
    }
    code = code < 0 ? code : ask_missing(&round, err);
    code = code < 0 ? code : scope_decide_with(&round.merge.found, settings, &round.managed, err);
    if (code == 0) {
        *out = round.merge.found;
        round.merge.found = (struct library_list){0};
    }
out:
    round_clear(&round);
    return code;
}
