#include "fake_governor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "graph/client.h"
#include "graph/governor.h"
#include "test.h"

#define REQUESTS_MAX 32

static struct {
    struct mutex lock;
    int is_ready;
    int is_free;
    const struct fake_answer *answers;
    size_t answer_count;
    size_t used;
    char url[REQUESTS_MAX][1024];
    char body[REQUESTS_MAX][4096];
} fake;

void fake_governor_script(const struct fake_answer *answers, size_t count)
{
    if (!fake.is_ready) {
        mutex_init(&fake.lock);
        fake.is_ready = 1;
    }
    fake.answers = answers;
    fake.answer_count = count;
    fake.used = 0;
    fake.is_free = 0;
}

void fake_governor_free_order(void)
{
    fake.is_free = 1;
}

size_t fake_governor_count(void)
{
    return fake.used;
}

const char *fake_governor_url(size_t index)
{
    return fake.url[index];
}

const char *fake_governor_body(size_t index)
{
    return fake.body[index];
}

int fake_governor_is_done(void)
{
    return fake.used == fake.answer_count;
}

static int fill_response(struct http_response *response, const struct fake_answer *answer,
                         struct error *err)
{
    response->status = answer->status;
    response->content_length = -1;
    response->retry_after_ms = answer->retry_after_ms ? answer->retry_after_ms : -1;
    buf_init(&response->body, HTTP_BODY_MAX);
    return answer->body ? buf_add_text(&response->body, answer->body, err) : 0;
}

static const struct fake_answer *answer_for(const char *url)
{
    for (size_t i = 0; i < fake.answer_count; i++) {
        if (strstr(url, fake.answers[i].url_part)) {
            return &fake.answers[i];
        }
    }
    fprintf(stderr, "no answer for %s\n", url);
    abort();
}

int governor_perform(struct governor *governor, const struct http_request *request,
                     struct http_response *response, const struct call *call, struct error *err)
{
    const struct fake_answer *answer;
    size_t index;

    (void)governor;
    (void)call;
    mutex_lock(&fake.lock);
    index = fake.used;
    fake.used += !fake.is_free;
    mutex_unlock(&fake.lock);
    if (fake.is_free) {
        return fill_response(response, answer_for(request->url), err);
    }
    if (index >= fake.answer_count || index >= REQUESTS_MAX) {
        fprintf(stderr, "request nobody expected: %s\n", request->url);
        abort();
    }
    answer = &fake.answers[index];
    snprintf(fake.url[index], sizeof(fake.url[index]), "%s", request->url);
    snprintf(fake.body[index], sizeof(fake.body[index]), "%.*s", (int)request->body_size,
             request->body ? (const char *)request->body : "");
    if (!strstr(request->url, answer->url_part)) {
        fprintf(stderr, "request %zu went to %s and not to %s\n", index, request->url,
                answer->url_part);
        abort();
    }
    if (answer->before) {
        answer->before();
    }
    if (answer->code < 0) {
        return error_set(err, answer->code, "the test's network fails");
    }
    return fill_response(response, answer, err);
}

int graph_batch_get(struct graph_answer *answers, struct account *account, const char *const *urls,
                    size_t count, const struct call *call, struct error *err)
{
    (void)account;
    for (size_t i = 0; i < count; i++) {
        struct http_request request = {.method = "GET", .url = urls[i]};
        struct http_response response = {0};
        int code = governor_perform(NULL, &request, &response, call, err);

        if (code < 0) {
            return code;
        }
        answers[i].status = response.status;
        answers[i].code = response.status == 200 ? 0 : ERR_DENIED;
        answers[i].body_size = response.body.size;
        answers[i].body = buf_take(&response.body);
        http_response_clear(&response);
    }
    return 0;
}
