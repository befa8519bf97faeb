#include "unit_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edit.h"

int fixture_setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    char *error = NULL;
    snprintf(f->dir, sizeof(f->dir), "%s", "/tmp/tenant-unit-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->w = world_new(TENANT_SCENARIOS "/tiny.json", f->dir, &error);
    if (f->w == NULL) {
        fail_msg("%s", error);
    }
    f->t = world_tenant(f->w, "contoso");
    f->ana = tenant_user(f->t, "ana");
    f->ben = tenant_user(f->t, "ben");
    f->cara = tenant_user(f->t, "cara");
    f->d = tenant_drive_by_path(f->t, "/sites/finance/Shared Documents");
    assert_non_null(f->d);
    *state = f;
    return 0;
}

static void remove_dir(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *e;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            unlinkat(dirfd(dir), e->d_name, 0);
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    rmdir(path);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    http_response_clear(&f->rs);
    world_free(f->w);
    char *blobs = xasprintf("%s/blobs", f->dir);
    remove_dir(blobs);
    free(blobs);
    remove_dir(f->dir);
    free(f);
    return 0;
}

static const char *find_header(const struct http_request *rq, const char *name)
{
    const struct fixture *f = rq->payload;
    for (size_t i = 0; f->headers[i] != NULL; i += 2) {
        if (str_ieq(f->headers[i], name)) {
            return f->headers[i + 1];
        }
    }
    return NULL;
}

void with_header(struct fixture *f, const char *name, const char *value)
{
    size_t i = 0;
    while (f->headers[i] != NULL) {
        i += 2;
    }
    assert_true(i + 2 < COUNT_OF(f->headers));
    f->headers[i] = name;
    f->headers[i + 1] = value;
}

static int call(struct fixture *f, enum http_role role, struct user *u, const char *method,
                const char *target, const void *body, size_t n)
{
    char *path = xstrdup(target);
    char *query = strchr(path, '?');
    struct http_request rq = {
        .role = role,
        .method = method,
        .path = path,
        .graph_url = "https://graph.test",
        .login_url = "https://login.test",
        .content_url = "https://content.test",
        .body = body,
        .body_len = n,
        .tenant = u == NULL ? NULL : u->tenant,
        .user = u,
        .get_header = find_header,
        .payload = f,
    };
    if (query != NULL) {
        *query = '\0';
        rq.query = query + 1;
    }
    http_response_clear(&f->rs);
    memset(&f->rs, 0, sizeof(f->rs));
    if (role == ROLE_CONTENT) {
        content_dispatch(f->w, &rq, &f->rs);
    } else if (!graph_items_dispatch(f->w, &rq, &f->rs)) {
        f->rs.status = 0;
    }
    memset(f->headers, 0, sizeof(f->headers));
    free(path);
    return f->rs.status;
}

int graph(struct fixture *f, const char *method, const char *path_format, ...)
{
    struct strbuf path = {0};
    va_list ap;
    va_start(ap, path_format);
    sb_vprintf(&path, path_format, ap);
    va_end(ap);
    int status = call(f, ROLE_GRAPH, f->ana, method, path.data, NULL, 0);
    sb_clear(&path);
    return status;
}

int graph_body(struct fixture *f, struct user *u, const char *method, const char *path,
               const char *body)
{
    return call(f, ROLE_GRAPH, u, method, path, body, body == NULL ? 0 : strlen(body));
}

int content(struct fixture *f, const char *method, const char *url, const void *body, size_t n)
{
    static const char base[] = "https://content.test";
    assert_memory_equal(url, base, strlen(base));
    char *copy = xstrdup(url + strlen(base)); /* url may be part of the last answer */
    int status = call(f, ROLE_CONTENT, NULL, method, copy, body, n);
    free(copy);
    return status;
}

const cJSON *answer_json(const struct fixture *f, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(f->rs.json, name);
}

const char *answer(const struct fixture *f, const char *name)
{
    const cJSON *v = answer_json(f, name);
    return cJSON_IsString(v) ? v->valuestring : "";
}

const cJSON *answer_value(const struct fixture *f, int index)
{
    return cJSON_GetArrayItem(answer_json(f, "value"), index);
}

int answer_count(const struct fixture *f)
{
    const cJSON *v = answer_json(f, "value");
    return v == NULL ? -1 : cJSON_GetArraySize(v);
}

const char *answer_code(const struct fixture *f)
{
    const char *code = "";
    const cJSON *o = answer_json(f, "error");
    while (o != NULL) {
        const cJSON *c = cJSON_GetObjectItemCaseSensitive(o, "code");
        code = cJSON_IsString(c) ? c->valuestring : code;
        o = cJSON_GetObjectItem(o, "innererror"); /* in any spelling */
    }
    return code;
}

const char *response_header(const struct fixture *f, const char *name)
{
    for (size_t i = 0; i < f->rs.n_headers; i++) {
        if (str_ieq(f->rs.headers[i].name, name)) {
            return f->rs.headers[i].value;
        }
    }
    return "";
}

char *stream_text(struct fixture *f, size_t *len)
{
    struct http_stream *s = &f->rs.stream;
    assert_true(f->rs.has_stream);
    char *text = xcalloc(1, (size_t)s->length + 1);
    uint64_t at = 0;
    while (at < s->length) {
        int64_t got = s->read(s->payload, s->offset + at, text + at, (size_t)(s->length - at));
        assert_true(got > 0);
        at += (uint64_t)got;
    }
    *len = (size_t)at;
    return text;
}

char *drive_path(struct fixture *f, const char *rest)
{
    snprintf(f->path, sizeof(f->path), "/drives/%s%s", f->d->id, rest);
    return f->path;
}

int get(struct fixture *f, const char *rest)
{
    return graph(f, "GET", "%s", drive_path(f, rest));
}

int as_ana(struct fixture *f, const char *method, const char *rest, const char *body)
{
    return graph_body(f, f->ana, method, drive_path(f, rest), body);
}

struct item *at(struct fixture *f, const char *path)
{
    return store_by_path(f->d, NULL, path);
}

const char *text_of(const cJSON *o, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, name);
    return cJSON_IsString(v) ? v->valuestring : "";
}

/* A change by the control port; 200. */
void edit(struct fixture *f, const char *verb, const char *json)
{
    cJSON *args = cJSON_Parse(json);
    cJSON *out = NULL;
    assert_non_null(args);
    if (!cJSON_HasObjectItem(args, "library")) {
        cJSON_AddStringToObject(args, "library", f->d->id);
    }
    int status = edit_apply(f->w, verb, args, &out);
    if (status != 200) {
        fail_msg("%s: %s", verb, text_of(out, "error"));
    }
    cJSON_Delete(out);
    cJSON_Delete(args);
}
