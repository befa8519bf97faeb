/* Requests, and what PROPFIND says. */
#include "webfs_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

int webfs_class(int code)
{
    switch (code) {
    case ERR_TOO_LARGE:
    case ERR_READ_ONLY:
    case ERR_NOT_PERMITTED:
        return ERR_DENIED;
    case ERR_BAD_NAME:
    case ERR_NAME_TOO_LONG:
        return ERR_INVALID;
    case ERR_STALE:
        return ERR_NOT_FOUND;
    default:
        return code;
    }
}

/* --- requests --- */

size_t web_take_answer(char *data, size_t size, size_t count, void *payload)
{
    return buf_add(payload, data, size * count, NULL) == 0 ? size * count : 0;
}

size_t web_take_header(char *data, size_t size, size_t count, void *payload)
{
    struct webfs *fs = payload;
    char token[200];

    if (size * count < sizeof(token) && sscanf(data, "Lock-Token: <%199[^>]", token) == 1) {
        str_copy(&fs->lock_token, token, NULL);
    }
    if (size * count < sizeof(token) && sscanf(data, "ETag: %199[^\r]", token) == 1) {
        str_copy(&fs->etag, token, NULL);
    }
    return size * count;
}

struct upload {
    const unsigned char *data;
    size_t left;
};

static size_t give_body(char *out, size_t size, size_t count, void *payload)
{
    struct upload *upload = payload;
    size_t part = size * count < upload->left ? size * count : upload->left;

    memcpy(out, upload->data, part);
    upload->data += part;
    upload->left -= part;
    return part;
}

static int code_of(long status, const char *method, struct error *err)
{
    static const struct {
        long status;
        int code;
    } rows[] = {{400, ERR_INVALID},
                {414, ERR_INVALID},
                {403, ERR_DENIED},
                {404, ERR_NOT_FOUND},
                {405, ERR_EXISTS},
                {409, ERR_NOT_FOUND},
                {412, ERR_EXISTS},
                {413, ERR_TOO_LARGE},
                {423, ERR_LOCKED},
                {502, ERR_CROSS_LIBRARY},
                {507, ERR_NO_SPACE},
                {504, ERR_TIMED_OUT},
                {207, 0}};

    if (status >= 200 && status < 300) {
        return 0;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].status == status) {
            return error_set(err, rows[i].code, "%s gave %ld", method, status);
        }
    }
    return error_set(err, ERR_IO, "%s gave %ld", method, status);
}

int web_make_url(struct webfs *fs, char **out, const char *path, struct error *err)
{
    char *encoded = NULL;
    int code = str_percent_encode(&encoded, path, true, err);

    if (code == 0) {
        code = str_format(out, err, "%s%s", fs->url, *encoded ? encoded : "/");
    }
    free(encoded);
    return code;
}

/* `headers`: lines with a newline each, or "". */
int web_request(struct webfs *fs, const char *method, const char *path, const char *headers,
                const void *body, size_t size, struct error *err)
{
    struct upload upload = {body, size};
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    char *lines = NULL;
    char *rest = NULL;
    char *url = NULL;
    long status = 0;
    CURLcode result;
    int code = web_make_url(fs, &url, path, err);

    if (code == 0) {
        code = str_copy(&lines, headers, err);
    }
    for (char *line = lines ? strtok_r(lines, "\n", &rest) : NULL; line;
         line = strtok_r(NULL, "\n", &rest)) {
        list = curl_slist_append(list, line);
    }
    buf_reset(&fs->answer);
    str_free(&fs->lock_token);
    str_free(&fs->etag);
    curl_easy_setopt(fs->curl, CURLOPT_URL, url);
    curl_easy_setopt(fs->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(fs->curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(fs->curl, CURLOPT_UPLOAD, body ? 1L : 0L);
    curl_easy_setopt(fs->curl, CURLOPT_READFUNCTION, give_body);
    curl_easy_setopt(fs->curl, CURLOPT_READDATA, &upload);
    curl_easy_setopt(fs->curl, CURLOPT_INFILESIZE_LARGE, body ? (curl_off_t)size : -1);
    result = code == 0 ? curl_easy_perform(fs->curl) : CURLE_OUT_OF_MEMORY;
    curl_easy_getinfo(fs->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(list);
    free(lines);
    free(url);
    if (result != CURLE_OK) {
        return error_set(err, ERR_IO, "%s: %s", method, curl_easy_strerror(result));
    }
    return code_of(status, method, err);
}

int web_simple(struct webfs *fs, const char *method, const char *path, const char *headers,
               struct error *err)
{
    return web_request(fs, method, path, headers, NULL, 0, err);
}

/* --- what PROPFIND says --- */

/* Copies what stands between the two; false: it is not there before `end`. */
static bool between(char *out, size_t size, const char *text, const char *end, const char *from,
                    const char *to)
{
    const char *begin = strstr(text, from);
    const char *stop = begin ? strstr(begin + strlen(from), to) : NULL;
    size_t length = 0;

    if (!stop || stop >= end) {
        return false;
    }
    begin += strlen(from);
    length = (size_t)(stop - begin) < size - 1 ? (size_t)(stop - begin) : size - 1;
    memcpy(out, begin, length);
    out[length] = '\0';
    return true;
}

/* One DAV:response; *at is behind it then. */
static bool next_entry(const char **at, char *href, size_t size, struct vfs_attr *out)
{
    const char *end = strstr(*at, "</D:response>");
    char text[64];

    memset(out, 0, sizeof(*out));
    if (!end || !between(href, size, *at, end, "<D:href>", "</D:href>")) {
        return false;
    }
    out->kind = between(text, sizeof(text), *at, end, "<D:resourcetype>", "</D:resourcetype>") &&
                        strstr(text, "collection")
                    ? VFS_FOLDER
                    : VFS_FILE;
    if (between(text, sizeof(text), *at, end, "<D:getcontentlength>", "<")) {
        out->size_bytes = strtoull(text, NULL, 10);
    }
    if (between(text, sizeof(text), *at, end, "<D:getlastmodified>", "<")) {
        clock_parse_http_date(text, &out->modified_ms);
    }
    if (between(text, sizeof(text), *at, end, "<Z:Win32FileAttributes>", "<")) {
        out->is_read_only = strtoul(text, NULL, 16) & 1;
    }
    *at = end + strlen("</D:response>");
    return true;
}

int web_ask(struct webfs *fs, struct vfs_attr *out, const char *path, struct error *err)
{
    const char *at = NULL;
    char href[8192];
    int code = web_simple(fs, "PROPFIND", path, "Depth: 0\n", err);

    if (code == 0) {
        at = buf_text(&fs->answer);
        code = next_entry(&at, href, sizeof(href), out)
                   ? 0
                   : error_set(err, ERR_IO, "PROPFIND without an answer");
    }
    return code;
}

/* The folder's entries; the first response is the folder itself. */
int web_list(struct webfs *fs, struct vfs_dir *dir, const char *path, struct error *err)
{
    const char *at = NULL;
    char href[8192];
    struct vfs_attr attr;
    bool is_first = true;
    int code = web_simple(fs, "PROPFIND", path, "Depth: 1\n", err);

    at = code == 0 && fs->answer.size ? buf_text(&fs->answer) : "";
    while (code == 0 && next_entry(&at, href, sizeof(href), &attr)) {
        struct entry *more = NULL;
        size_t length = strlen(href);

        if (is_first) {
            is_first = false;
            continue;
        }
        more = realloc(dir->entries, (dir->count + 1) * sizeof(*more));
        if (!more) {
            return error_set(err, ERR_NO_MEMORY, "no memory for a listing");
        }
        dir->entries = more;
        more[dir->count] = (struct entry){.attr = attr};
        if (length > 0 && href[length - 1] == '/') {
            href[length - 1] = '\0';
        }
        code = str_percent_decode(&more[dir->count].name, strrchr(href, '/') + 1, err);
        dir->count += code == 0;
    }
    return code;
}

void web_clear_list(struct vfs_dir *dir)
{
    for (size_t i = 0; i < dir->count; i++) {
        free(dir->entries[i].name);
    }
    free(dir->entries);
    dir->entries = NULL;
    dir->count = 0;
}
