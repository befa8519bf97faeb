/* loopback.c - the part of the listener that is the same everywhere: one request, one answer. */
#include "graph/loopback.h"

#include <string.h>

#define ANSWER_HEAD(status)                                 \
    "HTTP/1.1 " status "\r\n"                               \
    "Content-Type: text/html; charset=utf-8\r\n"            \
    "Content-Security-Policy: default-src 'none'; "         \
    "style-src 'unsafe-inline'; frame-ancestors 'none'\r\n" \
    "Referrer-Policy: no-referrer\r\n"                      \
    "X-Content-Type-Options: nosniff\r\n"                   \
    "Cache-Control: no-store\r\n"                           \
    "Connection: close\r\n\r\n"
#define PAGE(title, text)                                                              \
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Mooring</title>"  \
    "<body style=\"font-family:sans-serif;margin:4em auto;max-width:36em\"><h1>" title \
    "</h1><p>" text "</p></body></html>\n"

static const char page_accept[] = ANSWER_HEAD("200 OK")
    PAGE("You are signed in", "You can close this window. Your libraries appear in a moment.");
static const char page_declined[] = ANSWER_HEAD("200 OK")
    PAGE("You are not signed in",
         "The sign-in did not succeed; <code>mooring status</code> says why. You can close this "
         "window.");
static const char page_refuse[] = ANSWER_HEAD("400 Bad Request")
    PAGE("This is not the answer we wait for", "Please go on in the window of the sign-in.");
static const char page_not_found[] = ANSWER_HEAD("404 Not Found") PAGE("Not found", "");

const char *loopback_answer(char *head, const struct loopback_callbacks *callbacks,
                            enum loopback_verdict *verdict)
{
    char *path = head + strlen("GET ");
    char *end = strpbrk(head, "\r\n");
    char *query;

    *verdict = LOOPBACK_REFUSE;
    if (!end || strncmp(head, "GET /", strlen("GET /")) != 0) {
        return page_refuse;
    }
    *end = '\0';
    end = strchr(path, ' ');
    if (!end || strncmp(end, " HTTP/1.", strlen(" HTTP/1.")) != 0) {
        return page_refuse;
    }
    *end = '\0';
    query = path + strcspn(path, "?");
    if (*query) {
        *query++ = '\0';
    }
    if (strcmp(path, "/") != 0) { /* favicon.ico and whatever else browsers want */
        return page_not_found;
    }
    *verdict = callbacks->on_query(callbacks->payload, query);
    switch (*verdict) {
    case LOOPBACK_ACCEPT:
        return page_accept;
    case LOOPBACK_DECLINED:
        return page_declined;
    case LOOPBACK_REFUSE:
        break;
    }
    return page_refuse;
}
