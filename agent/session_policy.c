/*
 * session_policy.c - a new policy while the session runs.
 *
 * The categories of the table of settings are the parts that are told: a part hears of a reload when
 * the value of one of its settings is another, and of nothing else. Who reads a setting when it is
 * needed (DrainSeconds, SignIn, RefreshMinutes, ...) needs not be told: it reads
 * session_settings().
 */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "policy/diff.h"
#include "session_private.h"

#include <stdlib.h>

#define MB (UINT64_C(1) << 20)

enum part {
    PART_ACCOUNT = 1 << 0,
    PART_MAPPINGS = 1 << 1,
    PART_TRANSPORT = 1 << 2,
    PART_FILES = 1 << 3,
    PART_NETWORK = 1 << 4,
    PART_DIAGNOSTICS = 1 << 5,

    PART_DISCOVERY = 1 << 6, /* a setting of mappings that needs the service to be asked */
    PART_FLEET = 1 << 7      /* the machine's policy: others are told the same now */
};

/* What changed from one policy to the next. */
struct change {
    struct policy_difference *rows;
    size_t count;
    unsigned parts;
};

/* --- what policy says about the parts --- */

static const char *text_or_null(const char *text)
{
    return text && *text ? text : NULL;
}

struct graph_options session_graph_options(const struct settings *settings)
{
    return (struct graph_options){.user_agent_tag = text_or_null(settings->user_agent_tag),
                                  .proxy = (enum graph_proxy)settings->proxy,
                                  .proxy_url = text_or_null(settings->proxy_url),
                                  .proxy_bypass = text_or_null(settings->proxy_bypass),
                                  .ca_file = text_or_null(settings->ca_file),
                                  .max_connections = (unsigned)settings->max_connections,
                                  .http1_only = settings->http_version == POLICY_HTTP_VERSION_HTTP1,
                                  .soft_limit_ru = (uint32_t)settings->request_soft_limit,
                                  .hard_limit_ru = (uint32_t)settings->request_hard_limit,
                                  .window_ms = settings->request_window_seconds * 1000};
}

/* Long enough for a program that saves, sets the times and renames; short enough for nobody to
 * notice. */
#define UPLOAD_DELAY_MS 200

/* Programs take tenths of seconds between the steps of a save; a user who looks at the web page
 * after deleting a file takes longer than this. */
#define SETTLE_MS 3000

struct online_vfs_options session_vfs_options(const struct settings *settings)
{
    struct online_vfs_options options = {
        .cache_directory = settings->cache_directory,
        .spool_directory = settings->journal_directory,
        .cache_bytes = (uint64_t)settings->cache_size_mb * MB,
        .cache_ms = settings->cache_minutes * 60000,
        .metadata_ms = settings->metadata_seconds * 1000,
        .read_only_above = (uint64_t)settings->read_only_above_mb * MB,
        .blocked_above = (uint64_t)settings->block_above_mb * MB,
        .is_read_only = settings->read_only,
        .saves_in_background = settings->write_mode == POLICY_WRITE_MODE_BACKGROUND,
        .keeps_both = settings->conflict_mode == POLICY_CONFLICT_MODE_KEEP_BOTH,
        .upload_blocked_above = (uint64_t)settings->upload_block_above_mb * MB,
        .upload_delay_ms = UPLOAD_DELAY_MS,
        .settle_ms = SETTLE_MS,
        .local_only = &settings->local_only_patterns};

    session_add_limits(&options, settings);
    return options;
}

/* --- what changed --- */

static unsigned part_of(const struct setting *row)
{
    static const struct {
        const char *category;
        unsigned part;
    } parts[] = {{"Account", PART_ACCOUNT},     {"Mappings", PART_MAPPINGS},
                 {"Transport", PART_TRANSPORT}, {"Files", PART_FILES},
                 {"Network", PART_NETWORK},     {"Diagnostics", PART_DIAGNOSTICS}};
    /* What is known already does not tell who comes in by these. */
    static const char *const asking[] = {"AutoMap",       "SiteQuery",       "LibraryScope",
                                         "TeamsChannels", "ManagedMappings", "OneDrive"};
    unsigned part = 0;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        part |= strcmp(row->category, parts[i].category) == 0 ? parts[i].part : 0;
    }
    for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++) {
        part |= strcmp(row->name, asking[i]) == 0 ? (unsigned)PART_DISCOVERY : 0;
    }
    if (strcmp(row->name, "ThrottlingLevel") == 0) { /* is about freshness, too */
        part |= PART_FILES;
    }
    return part;
}

static bool is_of_machine(const struct policy_result *result)
{
    return result->winner->layer == POLICY_LAYER_MACHINE_POLICY ||
           result->winner->layer == POLICY_LAYER_MACHINE_PREFERENCE;
}

static int find_change(struct change *out, const struct policy *before, const struct policy *now,
                       struct error *err)
{
    int code = policy_diff(&out->rows, &out->count, before, now, err);

    for (size_t i = 0; i < out->count && code == 0; i++) {
        const struct policy_difference *row = &out->rows[i];

        out->parts |= part_of(row->row);
        out->parts |= is_of_machine(row->a) || is_of_machine(row->b) ? (unsigned)PART_FLEET : 0;
    }
    if (policy_is_restriction_unknown(before) != policy_is_restriction_unknown(now)) {
        out->parts |= PART_ACCOUNT;
    }
    return code;
}

/* One line a setting: who looks for why something changed finds it by its name. */
static void log_change(const struct change *change)
{
    for (size_t i = 0; i < change->count; i++) {
        const struct policy_difference *row = &change->rows[i];
        char *before = NULL;
        char *now = NULL;

        if (setting_display(&before, row->row, row->a->text, NULL) == 0 &&
            setting_display(&now, row->row, row->b->text, NULL) == 0) {
            log_info(LOG_POLICY, "%s was '%.200s' and is '%.200s', from %s", row->row->name, before,
                     now,
                     row->b->winner->file ? row->b->winner->file
                                          : policy_layer_name(row->b->winner->layer));
        }
        free(before);
        free(now);
    }
}

static bool has_warning(const struct policy *policy, const struct policy_warning *warning)
{
    for (size_t i = 0; i < policy_warning_count(policy); i++) {
        const struct policy_warning *other = policy_warning_at(policy, i);

        if (other->line == warning->line && str_equal(other->file, warning->file) &&
            str_equal(other->key, warning->key) && str_equal(other->message, warning->message)) {
            return true;
        }
    }
    return false;
}

static void log_new_warnings(const struct policy *before, const struct policy *now)
{
    for (size_t i = 0; i < policy_warning_count(now); i++) {
        const struct policy_warning *warning = policy_warning_at(now, i);

        if (!has_warning(before, warning)) {
            policy_log_warning(warning);
        }
    }
}

/* --- the parts are told --- */

/* What could not be put into effect is in status until the next policy. */
static void note_problem(struct session *session, const char *what, const struct error *why)
{
    char *problem = NULL;

    log_error(LOG_POLICY, why, "%s", what);
    if (str_format(&problem, NULL, "%s: %s", what, why->message) == 0) {
        mutex_lock(&session->mutex);
        (void)str_list_add(&session->policy_problems, problem, NULL);
        mutex_unlock(&session->mutex);
    }
    free(problem);
}

/* Which settings wait for the next start: the places of what is open. */
static void note_next_start(struct session *session, const struct settings *settings)
{
    const struct {
        const char *name;
        const char *open;
        const char *wanted;
    } places[] = {{"CacheDirectory", session->cache_directory, settings->cache_directory},
                  {"JournalDirectory", session->journal_directory, settings->journal_directory}};
    char *placed = NULL;

    mutex_lock(&session->mutex);
    str_list_clear(&session->next_start);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (agent_paths_placed(&placed, session->paths, places[i].wanted, NULL) == 0 &&
            !str_equal(places[i].open, placed)) {
            (void)str_list_add(&session->next_start, places[i].name, NULL);
        }
    }
    mutex_unlock(&session->mutex);
    str_free(&placed);
}

static int rescope(struct session_account *a, const struct settings *settings, struct error *err)
{
    struct library_list libraries = {0};
    struct account_info info;
    int code;

    account_info(a->account, &info);
    mutex_lock(&a->session->mutex);
    a->is_refused = session_account_refusal(a, &info) != NULL;
    code = library_list_copy(&libraries, &a->libraries, err);
    if (code == 0) { /* pure, and quick: what a round brings meanwhile must not be lost */
        code = scope_decide(&libraries, settings, err);
    }
    if (code == 0) {
        struct library_list before = a->libraries;

        a->libraries = libraries;
        libraries = before;
    }
    mutex_unlock(&a->session->mutex);
    library_list_clear(&libraries);
    return code;
}

static void tell_accounts(struct session *session, const struct settings *settings, unsigned parts)
{
    struct error err = {0};

    if (parts & (PART_ACCOUNT | PART_DISCOVERY) && session_accounts_sync(session, &err) < 0) {
        note_problem(session, "the accounts stay as they were", &err);
    }
    for (size_t i = 0; i < session->account_count; i++) {
        struct session_account *a = session->accounts[i];

        if (rescope(a, settings, &err) < 0) {
            note_problem(session, "what is mapped stays as it was", &err);
        }
        if (!a->thread.is_running) {
            continue;
        }
        if (parts & PART_ACCOUNT) {
            session_account_wake(
                a); /* whoever was refused may be allowed, or asked in another way */
        } else if (parts & PART_DISCOVERY) {
            session_account_wake_within(
                a, parts & PART_FLEET ? settings->startup_jitter_seconds * 1000 : 0);
        }
    }
    if (session_remap(session, &err) < 0) {
        note_problem(session, "the mappings stay as they were", &err);
    }
    if (session_accounts_start(session, &err) < 0) {
        note_problem(session, "an account cannot be started", &err);
    }
}

static void apply(struct session *session, unsigned parts)
{
    const struct settings *settings = policy_settings(session->policy);
    struct error err = {0};

    if (parts & PART_DIAGNOSTICS && session->set_log &&
        session->set_log(session->terminal.payload, settings, &err) < 0) {
        note_problem(session, "no log file", &err);
    }
    if (parts & PART_NETWORK) {
        const struct graph_options options = session_graph_options(settings);

        if (graph_configure(session->graph, &options, &err) < 0) {
            note_problem(session, "the settings of the network stay as they were", &err);
        }
    }
    if (parts & (PART_FILES | PART_TRANSPORT)) { /* ReadOnly is one of the transport */
        const struct online_vfs_options options = session_vfs_options(settings);

        online_vfs_configure(session->online, &options);
        note_next_start(session, settings);
    }
    /* UncServer is one of the mappings */
    if (parts & (PART_TRANSPORT | PART_MAPPINGS) && session_mount_move(session, &err) < 0) {
        note_problem(session, "the mount stays where it was", &err);
    }
    if (parts & (PART_ACCOUNT | PART_MAPPINGS)) {
        tell_accounts(session, settings, parts);
    }
}

/* --- reading again --- */

/* A machine policy that appeared ends --policy, which no user could have given with it there. */
static int check_override(struct session *session, struct error *err)
{
    char *file = session->sources.override_file;
    struct error why = {0};
    int code;

    if (!file) {
        return 0;
    }
    session->sources.override_file = NULL;
    code = policy_sources_override(&session->sources, file, &why);
    free(file);
    if (code == ERR_DENIED) {
        log_error(LOG_POLICY, &why, "--policy does not count any more");
        mutex_lock(&session->mutex);
        session->is_override_over = true;
        mutex_unlock(&session->mutex);
        return 0;
    }
    return code < 0 ? error_set(err, code, "%s", why.message) : 0;
}

static void swap_policy(struct session *session, struct policy *fresh)
{
    mutex_lock(&session->mutex);
    session->policy = fresh;
    session->policy_serial++;
    session->policy_ms = clock_wall_ms(clock_system());
    str_list_clear(&session->policy_problems);
    cond_broadcast(&session->wake);
    mutex_unlock(&session->mutex);
}

static int reload(struct session *session, struct error *err)
{
    struct policy *before = session->policy;
    struct policy *fresh = NULL;
    struct change change = {0};
    int code = check_override(session, err);

    if (code == 0) {
        code = policy_reload(&fresh, before, &session->sources, err);
    }
    if (code == 0) {
        code = find_change(&change, before, fresh, err);
    }
    if (code < 0) {
        policy_free(fresh);
        return code;
    }
    log_new_warnings(before, fresh);
    log_change(&change);
    swap_policy(session, fresh);
    if (policy_settings(fresh)->enabled) {
        apply(session, change.parts);
    } else if (!atomic_exchange(&session->is_disabled, true)) {
        log_info(LOG_AGENT, "policy Enabled is off: the agent ends");
    }
    policy_free(before);
    free(change.rows);
    return 0;
}

int session_reload(struct session *session, struct error *err)
{
    int code = 0;

    mutex_lock(&session->change_mutex);
    if (session->is_live && !session_is_stopping(session)) {
        code = reload(session, err);
    }
    mutex_unlock(&session->change_mutex);
    return code;
}

static void on_changed(void *payload)
{
    struct session *session = payload;
    struct error err = {0};

    if (session_reload(session, &err) < 0) {
        log_error(LOG_POLICY, &err, "the policy stays as it was");
    }
}

int session_policy_start(struct session *session, struct error *err)
{
    return session->is_live
               ? policy_watch_start(&session->watch, &session->sources, on_changed, session, err)
               : 0;
}

void session_policy_stop(struct session *session)
{
    policy_watch_stop(session->watch);
    session->watch = NULL;
}
