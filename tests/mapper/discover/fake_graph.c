#include "fake_graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

static struct fake *fake_of(struct account *account)
{
    return (struct fake *)(void *)account;
}

struct account *fake_account(struct fake *fake)
{
    return (struct account *)(void *)fake;
}

void fake_fill(struct fake *fake, size_t sites, size_t per_site)
{
    fake->sites = calloc(sites + 1, sizeof(*fake->sites));
    fake->lists = calloc(sites * per_site + 1, sizeof(*fake->lists));
    fake->site_count = sites;
    fake->list_count = sites * per_site;
    for (size_t i = 0; i < sites; i++) {
        struct fake_site *site = &fake->sites[i];

        snprintf(site->id, sizeof(site->id),
                 "contoso.sharepoint.com,A0000000-0000-0000-0000-%012zX,"
                 "b0000000-0000-0000-0000-%012zx",
                 i + 1, i + 1);
        snprintf(site->title, sizeof(site->title), "Site %zu", i + 1);
        snprintf(site->url, sizeof(site->url), FAKE_HOST "/sites/s%zu", i + 1);
        for (size_t j = 0; j < per_site; j++) {
            struct fake_list *list = &fake->lists[i * per_site + j];

            snprintf(list->id, sizeof(list->id), "c0000000-0000-%04zx-0000-%012zx", j + 1, i + 1);
            /* the other case than the site's own hit: GUIDs have none */
            snprintf(list->site_id, sizeof(list->site_id),
                     "contoso.sharepoint.com,a0000000-0000-0000-0000-%012zx,"
                     "B0000000-0000-0000-0000-%012zX",
                     i + 1, i + 1);
            if (j == 0) {
                snprintf(list->title, sizeof(list->title), "Site %zu - Documents", i + 1);
                snprintf(list->url, sizeof(list->url), "%s/Shared Documents", site->url);
                memcpy(site->default_list, list->id, sizeof(list->id));
            } else {
                snprintf(list->title, sizeof(list->title), "Site %zu - Library %zu", i + 1, j + 1);
                snprintf(list->url, sizeof(list->url), "%s/Library %zu", site->url, j + 1);
            }
        }
    }
}

void fake_clear(struct fake *fake)
{
    free(fake->sites);
    free(fake->lists);
    memset(fake, 0, sizeof(*fake));
}

unsigned fake_requests(const struct fake *fake)
{
    return fake->searches + fake->onedrives + fake->batches + fake->gets + fake->identifies +
           fake->followeds + fake->teams;
}

void fake_reset_counters(struct fake *fake)
{
    fake->searches = fake->onedrives = fake->batches = fake->gets = fake->identifies = 0;
    fake->questions = 0;
    fake->followeds = fake->site_lists = fake->teams = fake->renewals = 0;
    fake->channel_lists = fake->folders = 0;
}

static char *copy(const char *text)
{
    char *out = NULL;

    return str_copy(&out, text, NULL) < 0 ? NULL : out;
}

static int parse_guid(unsigned char out[16], const char *text)
{
    static const int order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    unsigned value;

    for (int i = 0; i < 16; i++) {
        while (*text == '-') {
            text++;
        }
        if (sscanf(text, "%2x", &value) != 1) {
            return -1;
        }
        out[order[i]] = (unsigned char)value;
        text += 2;
    }
    return 0;
}

static void drive_id(char out[80], const char *site_id, const char *list_id)
{
    unsigned char bytes[48] = {0};
    const char *comma = strchr(site_id, ',');
    char *text = NULL;

    if (comma) {
        parse_guid(bytes, comma + 1);
        parse_guid(bytes + 16, strchr(comma + 1, ',') + 1);
    }
    parse_guid(bytes + 32, list_id);
    str_base64url_encode(&text, bytes, sizeof(bytes), NULL);
    snprintf(out, 80, "b!%s", text);
    free(text);
}

/* --- account --- */

void account_info(struct account *account, struct account_info *out)
{
    struct fake *fake = fake_of(account);

    memset(out, 0, sizeof(*out));
    if (!fake->is_unidentified) {
        snprintf(out->tenant_id, sizeof(out->tenant_id), "%s", FAKE_TENANT_ID);
        snprintf(out->initial_domain, sizeof(out->initial_domain), "contoso.onmicrosoft.com");
    }
}

int account_identify(struct account *account, const struct call *call, struct error *err)
{
    struct fake *fake = fake_of(account);

    (void)call;
    (void)err;
    fake->identifies++;
    fake->is_unidentified = false;
    return 0;
}

/* --- search --- */

static void site_hit(struct graph_hit *hit, const struct fake_site *site)
{
    char url[320];

    snprintf(url, sizeof(url), "%s/", site->url); /* may end with a slash */
    *hit = (struct graph_hit){.kind = GRAPH_HIT_SITE,
                              .id = copy(site->id),
                              .title = site->title[0] ? copy(site->title) : NULL,
                              .web_url = copy(url)};
}

static void list_hit(struct graph_hit *hit, const struct fake_list *list)
{
    char url[320];

    snprintf(url, sizeof(url), "%s/Forms/AllItems.aspx", list->url); /* with raw spaces */
    *hit = (struct graph_hit){.kind = GRAPH_HIT_LIST,
                              .id = copy(list->id),
                              .site_id = copy(list->site_id),
                              .name = copy(strrchr(list->url, '/') + 1),
                              .title = list->title[0] ? copy(list->title) : NULL,
                              .web_url = copy(url)};
}

int graph_search(struct graph_hits *out, struct account *account, enum graph_hit_kind kind,
                 const char *kql, unsigned from, unsigned size, const struct call *call,
                 struct error *err)
{
    struct fake *fake = fake_of(account);
    bool is_site = kind == GRAPH_HIT_SITE;
    size_t all = is_site ? fake->site_count : fake->list_count;
    size_t page = fake->page_size ? fake->page_size : size;
    size_t seen = 0;
    int code = is_site ? fake->sites_code : fake->lists_code;
    size_t first = from / size * page; /* the fake's pages may be smaller than asked for */

    (void)call;
    fake->searches++;
    if (is_site) {
        snprintf(fake->last_site_query, sizeof(fake->last_site_query), "%s", kql);
    }
    if (code < 0 && first >= (is_site ? fake->sites_from : fake->lists_from)) {
        return error_set(err, code, "the fake search is down");
    }
    memset(out, 0, sizeof(*out));
    out->hits = calloc(page + 2, sizeof(*out->hits));
    for (size_t i = 0; i < all; i++) {
        bool is_hidden = is_site ? fake->sites[i].is_hidden : fake->lists[i].is_hidden;
        bool is_here = (seen >= first && seen < first + page) ||
                       (fake->repeats && first > 0 && seen + 1 == first);

        if (is_hidden) {
            continue;
        }
        seen++;
        if (is_here) {
            if (is_site) {
                site_hit(&out->hits[out->count++], &fake->sites[i]);
            } else {
                list_hit(&out->hits[out->count++], &fake->lists[i]);
            }
        }
    }
    out->has_more = fake->promises_more || seen > first + page;
    return 0;
}

void graph_hits_clear(struct graph_hits *hits)
{
    for (size_t i = 0; i < hits->count; i++) {
        free(hits->hits[i].id);
        free(hits->hits[i].site_id);
        free(hits->hits[i].name);
        free(hits->hits[i].title);
        free(hits->hits[i].web_url);
    }
    free(hits->hits);
    memset(hits, 0, sizeof(*hits));
}

/* --- drives --- */

/* Drives give their URL encoded, searches raw. */
static char *encoded_url(const char *url)
{
    const char *path = strchr(url + strlen("https://"), '/');
    char *encoded = NULL;
    char *out = NULL;

    str_percent_encode(&encoded, path, true, NULL);
    str_format(&out, NULL, "%.*s%s", (int)(path - url), url, encoded);
    free(encoded);
    return out;
}

static void fill_drive(struct graph_drive *out, const struct fake *fake,
                       const struct fake_list *list)
{
    char id[100];

    if (fake->has_odd_ids) {
        snprintf(id, sizeof(id), "Odd-%s", list->id);
    } else {
        drive_id(id, list->site_id, list->id);
    }
    memset(out, 0, sizeof(*out));
    out->id = copy(id);
    out->name = copy(strrchr(list->url, '/') + 1);
    out->drive_type = copy("documentLibrary");
    out->web_url = encoded_url(list->url);
}

int graph_get_my_drive(struct graph_drive *out, struct account *account, const struct call *call,
                       struct error *err)
{
    struct fake *fake = fake_of(account);
    struct fake_list list = {.id = "d0000000-0000-0000-0000-000000000001",
                             .site_id = "contoso-my.sharepoint.com,"
                                        "d0000000-0000-0000-0000-000000000002,"
                                        "d0000000-0000-0000-0000-000000000003"};

    (void)call;
    fake->onedrives++;
    if (fake->onedrive_code < 0) {
        return error_set(err, fake->onedrive_code, "no fake drive");
    }
    snprintf(list.url, sizeof(list.url), "%s",
             fake->onedrive_url ? fake->onedrive_url
                                : "https://contoso-my.sharepoint.com/personal/ana_contoso_com/"
                                  "Documents");
    fill_drive(out, fake, &list);
    return 0;
}

void graph_drive_clear(struct graph_drive *drive)
{
    free(drive->id);
    free(drive->name);
    free(drive->drive_type);
    free(drive->web_url);
    memset(drive, 0, sizeof(*drive));
}

int graph_drive_id_hint(char **out, const char *site_id, const char *list_id, struct error *err)
{
    char id[80];

    (void)err;
    drive_id(id, site_id, list_id);
    *out = copy(id);
    return 0;
}

/* The id between `before` and the next slash of a URL. */
static bool part(char *out, size_t size, const char *url, const char *before)
{
    const char *at = strstr(url, before);

    if (!at) {
        return false;
    }
    at += strlen(before);
    snprintf(out, size, "%.*s", (int)strcspn(at, "/?"), at);
    return true;
}

static const struct fake_list *find_list(const struct fake *fake, const char *id)
{
    for (size_t i = 0; i < fake->list_count; i++) {
        if (str_equal_nocase(fake->lists[i].id, id)) {
            return &fake->lists[i];
        }
    }
    return NULL;
}

static const struct fake_site *find_site(const struct fake *fake, const char *id)
{
    for (size_t i = 0; i < fake->site_count; i++) {
        if (str_equal_nocase(fake->sites[i].id, id)) {
            return &fake->sites[i];
        }
    }
    return NULL;
}

static const struct fake_list *find_drive(const struct fake *fake, const char *id)
{
    for (size_t i = 0; i < fake->list_count; i++) {
        char own[80];

        drive_id(own, fake->lists[i].site_id, fake->lists[i].id);
        if (strcmp(own, id) == 0) {
            return &fake->lists[i];
        }
    }
    return NULL;
}

/* The fake's JSON is a list's id. */
static void answer(struct fake *fake, struct graph_answer *out, const char *url)
{
    char site_id[160] = "";
    char list_id[80] = "";
    char of_drive[100] = "";
    const struct fake_list *list = NULL;

    part(site_id, sizeof(site_id), url, "/sites/");
    if (part(list_id, sizeof(list_id), url, "/lists/") ||
        part(list_id, sizeof(list_id), url, "/drives/Odd-")) {
        list = find_list(fake, list_id);
    } else if (part(of_drive, sizeof(of_drive), url, "/drives/")) {
        list = find_drive(fake, of_drive);
    } else if (find_site(fake, site_id)) {
        list = find_list(fake, find_site(fake, site_id)->default_list);
    }
    out->code = !list ? ERR_NOT_FOUND : list->code;
    out->status = out->code == 0 ? 200 : 404;
    if (out->code == 0) {
        struct graph_drive drive = {0};

        fill_drive(&drive, fake, list);
        str_format(&out->body, NULL, "%s\n%s\n%s", drive.id, drive.name, drive.web_url);
        out->body_size = strlen(out->body);
        graph_drive_clear(&drive);
    }
}

int graph_batch_get(struct graph_answer *answers, struct account *account, const char *const *urls,
                    size_t count, const struct call *call, struct error *err)
{
    struct fake *fake = fake_of(account);

    (void)call;
    fake->batches += (unsigned)(count + 19) / 20;
    fake->questions += (unsigned)count;
    if (fake->batch_code < 0) {
        return error_set(err, fake->batch_code, "the fake batch is down");
    }
    for (size_t i = 0; i < count; i++) {
        memset(&answers[i], 0, sizeof(answers[i]));
        answer(fake, &answers[i], urls[i]);
    }
    return 0;
}

void graph_answers_clear(struct graph_answer *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(answers[i].body);
        answers[i].body = NULL;
    }
}

int graph_parse_drive(struct graph_drive *out, const char *body, size_t size, struct error *err)
{
    char *text = NULL;
    char *name;
    char *url;

    str_copy_n(&text, body, size, NULL);
    name = strchr(text, '\n');
    url = name ? strchr(name + 1, '\n') : NULL;
    if (!url) {
        free(text);
        return error_set(err, ERR_PROTOCOL, "no fake drive");
    }
    *name++ = '\0';
    *url++ = '\0';
    memset(out, 0, sizeof(*out));
    out->id = copy(text);
    out->name = copy(name);
    out->web_url = copy(url);
    free(text);
    return 0;
}

/* --- sites --- */

int graph_get_site(struct graph_site *out, struct account *account, const char *host,
                   const char *server_path, const struct call *call, struct error *err)
{
    struct fake *fake = fake_of(account);
    char url[320];

    (void)call;
    fake->gets++;
    snprintf(url, sizeof(url), "https://%s%s", host,
             strcmp(server_path, "/") == 0 ? "" : server_path);
    for (size_t i = 0; i < fake->site_count; i++) {
        if (str_equal_nocase(fake->sites[i].url, url)) {
            *out = (struct graph_site){.id = copy(fake->sites[i].id),
                                       .title = copy(fake->sites[i].title),
                                       .web_url = copy(fake->sites[i].url)};
            return 0;
        }
    }
    return error_set(err, ERR_NOT_FOUND, "no fake site there");
}

void graph_site_clear(struct graph_site *site)
{
    free(site->id);
    free(site->name);
    free(site->title);
    free(site->web_url);
    memset(site, 0, sizeof(*site));
}

int graph_list_site_drives(struct graph_drives *out, struct account *account, const char *site_id,
                           const struct call *call, struct error *err)
{
    struct fake *fake = fake_of(account);
    const struct fake_site *site = find_site(fake, site_id);

    (void)call;
    fake->gets++;
    if (!site) {
        return error_set(err, ERR_NOT_FOUND, "no such fake site");
    }
    memset(out, 0, sizeof(*out));
    out->drives = calloc(fake->list_count + 1, sizeof(*out->drives));
    for (size_t i = 0; i < fake->list_count; i++) {
        if (str_equal_nocase(fake->lists[i].site_id, site_id)) {
            fill_drive(&out->drives[out->count++], fake, &fake->lists[i]);
        }
    }
    return 0;
}

void graph_drives_clear(struct graph_drives *drives)
{
    for (size_t i = 0; i < drives->count; i++) {
        graph_drive_clear(&drives->drives[i]);
    }
    free(drives->drives);
    memset(drives, 0, sizeof(*drives));
}

/* --- what the user takes part in --- */

void account_want_teams(struct account *account, bool wants_teams)
{
    fake_of(account)->wants_teams = wants_teams;
}

int account_renew_for_teams(struct account *account, const struct call *call, struct error *err)
{
    struct fake *fake = fake_of(account);

    (void)call;
    fake->renewals++;
    if (fake->renew_code < 0) {
        return error_set(err, fake->renew_code, "nobody consented to the fake");
    }
    fake->teams_code = 0;
    return 0;
}

int graph_list_followed_sites(struct graph_sites *out, struct account *account,
                              const struct call *call, struct error *err)
{
    struct fake *fake = fake_of(account);

    (void)call;
    fake->followeds++;
    memset(out, 0, sizeof(*out));
    if (fake->followed_code < 0) {
        return error_set(err, fake->followed_code, "the fake follows nothing");
    }
    out->sites = calloc(fake->site_count + 1, sizeof(*out->sites));
    for (size_t i = 0; i < fake->site_count; i++) {
        if (fake->sites[i].is_followed) {
            out->sites[out->count++] = (struct graph_site){.id = copy(fake->sites[i].id),
                                                           .title = copy(fake->sites[i].title),
                                                           .web_url = copy(fake->sites[i].url)};
        }
    }
    return 0;
}

void graph_sites_clear(struct graph_sites *sites)
{
    for (size_t i = 0; i < sites->count; i++) {
        graph_site_clear(&sites->sites[i]);
    }
    free(sites->sites);
    memset(sites, 0, sizeof(*sites));
}

int graph_list_drives_of_sites(struct graph_drives *out, int *codes, struct account *account,
                               const char *const *site_ids, size_t count, const struct call *call,
                               struct error *err)
{
    struct fake *fake = fake_of(account);

    memset(out, 0, count * sizeof(*out));
    memset(codes, 0, count * sizeof(*codes));
    fake->batches += (unsigned)(count + 19) / 20;
    fake->site_lists += (unsigned)count;
    if (fake->batch_code < 0) {
        return error_set(err, fake->batch_code, "the fake batch is down");
    }
    for (size_t i = 0; i < count; i++) {
        const struct fake_site *site = find_site(fake, site_ids[i]);

        codes[i] = site ? site->drives_code : ERR_NOT_FOUND;
        if (codes[i] == 0) {
            graph_list_site_drives(&out[i], account, site_ids[i], call, err);
            fake->gets--; /* it is a part of the batch */
        }
    }
    return 0;
}

int graph_list_joined_teams(struct graph_teams *out, struct account *account,
                            const struct call *call, struct error *err)
{
    struct fake *fake = fake_of(account);

    (void)call;
    fake->teams++;
    memset(out, 0, sizeof(*out));
    if (fake->teams_code < 0) {
        return error_set(err, fake->teams_code, "the fake tells no teams");
    }
    out->teams = calloc(fake->team_count + 1, sizeof(*out->teams));
    for (size_t i = 0; i < fake->team_count; i++) {
        str_format(&out->teams[i].id, NULL, "team-%zu", i);
        str_format(&out->teams[i].name, NULL, "Team %zu", i);
        out->count++;
    }
    return 0;
}

void graph_teams_clear(struct graph_teams *teams)
{
    for (size_t i = 0; i < teams->count; i++) {
        free(teams->teams[i].id);
        free(teams->teams[i].name);
    }
    free(teams->teams);
    memset(teams, 0, sizeof(*teams));
}

int graph_list_channels(struct graph_channels *out, int *codes, struct account *account,
                        const char *const *team_ids, size_t count, const struct call *call,
                        struct error *err)
{
    struct fake *fake = fake_of(account);

    (void)call;
    (void)err;
    memset(out, 0, sizeof(*out));
    memset(codes, 0, count * sizeof(*codes));
    fake->batches += (unsigned)(count + 19) / 20;
    fake->channel_lists += (unsigned)count;
    out->channels = calloc(fake->channel_count + 1, sizeof(*out->channels));
    for (size_t i = 0; i < count; i++) {
        size_t team = strtoul(team_ids[i] + strlen("team-"), NULL, 10);

        codes[i] = team == 0 ? fake->channels_code : 0;
        for (size_t k = 0; codes[i] == 0 && k < fake->channel_count; k++) {
            const struct fake_channel *from = &fake->channels[k];
            struct graph_channel *channel = &out->channels[out->count];

            if (from->team != team) {
                continue;
            }
            channel->kind = from->kind;
            str_format(&channel->id, NULL, "19:%zu@thread.tacv2", from->list);
            str_format(&channel->name, NULL, "Channel %zu", k);
            str_format(&channel->team_id, NULL, "team-%zu", from->host);
            channel->tenant_id = from->tenant_id ? copy(from->tenant_id) : NULL;
            out->count++;
        }
    }
    return 0;
}

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

int graph_get_channel_folders(struct graph_folder *out, struct account *account,
                              const struct graph_channel *channels, size_t count,
                              const struct call *call, struct error *err)
{
    struct fake *fake = fake_of(account);

    (void)call;
    (void)err;
    memset(out, 0, count * sizeof(*out));
    fake->batches += (unsigned)(count + 19) / 20;
    fake->folders += (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        size_t at = strtoul(channels[i].id + strlen("19:"), NULL, 10);

        for (size_t k = 0; k < fake->channel_count; k++) {
            out[i].code = fake->channels[k].list == at ? fake->channels[k].code : out[i].code;
        }
        if (out[i].code == 0) {
            struct graph_drive drive = {0};

            fill_drive(&drive, fake, &fake->lists[at]);
            out[i].drive_id = copy(drive.id);
            out[i].site_id = copy(fake->lists[at].site_id);
            str_format(&out[i].web_url, NULL, "%s/Channel", drive.web_url);
            graph_drive_clear(&drive);
        }
    }
    return 0;
}

void graph_folders_clear(struct graph_folder *folders, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(folders[i].drive_id);
        free(folders[i].site_id);
        free(folders[i].web_url);
        memset(&folders[i], 0, sizeof(folders[i]));
    }
}
