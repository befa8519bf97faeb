#include "np_answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/utf16.h"

#define SEPARATOR 0x5Cu /* '\' */

struct question {
    struct np_request head;
    char letter;  /* 0: none */
    char *remote; /* "" when there is none */
};

/* The answer as it grows. */
struct reply {
    struct np_answer head;
    unsigned char *at;
    unsigned char *end;
    const char *server;
    struct error *err;
};

static enum np_status status_of(int code)
{
    switch (code) {
    case 0:
        return NP_STATUS_SUCCESS;
    case ERR_NOT_FOUND:
    case ERR_NOT_FOLDER:
    case ERR_STALE:
    case ERR_BAD_NAME:
    case ERR_NAME_TOO_LONG:
    case ERR_INVALID:
        return NP_STATUS_BAD_NETNAME;
    case ERR_EXISTS:
        return NP_STATUS_ALREADY_CONNECTED;
    case ERR_DENIED:
    case ERR_NOT_PERMITTED:
        return NP_STATUS_ACCESS_DENIED;
    case ERR_NO_MEMORY:
        return NP_STATUS_OUT_OF_MEMORY;
    case ERR_UNSUPPORTED:
        return NP_STATUS_NOT_SUPPORTED;
    default:
        return NP_STATUS_NET_ERROR;
    }
}

static enum np_status read_question(struct question *out, const void *data, size_t size)
{
    uint16_t units[2 + NP_REMOTE_UNITS];
    size_t text;
    int code;

    if (size < sizeof(out->head)) {
        return NP_STATUS_NOT_SUPPORTED;
    }
    memcpy(&out->head, data, sizeof(out->head));
    text = (size_t)out->head.local_units + out->head.remote_units;
    if (out->head.magic != NP_MAGIC || (out->head.local_units != 0 && out->head.local_units != 2) ||
        out->head.remote_units > NP_REMOTE_UNITS ||
        size != sizeof(out->head) + text * sizeof(*units)) {
        return NP_STATUS_NOT_SUPPORTED;
    }
    memcpy(units, (const char *)data + sizeof(out->head), text * sizeof(*units));
    if (out->head.local_units) {
        if (units[0] < 'A' || units[0] > 'Z' || units[1] != ':') {
            return NP_STATUS_BAD_LOCALNAME;
        }
        out->letter = (char)units[0];
    }
    code = utf16_to_utf8(&out->remote, units + out->head.local_units, out->head.remote_units, NULL);
    return code == ERR_INVALID ? NP_STATUS_BAD_NETNAME : status_of(code);
}

/* Whether `length` bytes at `part` can be a component. */
static bool is_component(const char *part, size_t length)
{
    return length > 0 && !(length == 1 && part[0] == '.') &&
           !(length == 2 && strncmp(part, "..", 2) == 0) && !memchr(part, '/', length);
}

/* *path = what stands behind \\server, in the form of struct np_world; "" for the server itself. */
static enum np_status below_server(char **path, const char *remote, const char *server)
{
    size_t length = strlen(server);
    const char *at = remote + 2;
    char *to = NULL;

    if (strncmp(remote, "\\\\", 2) != 0 || !str_starts_with_nocase(at, server) ||
        (at[length] && at[length] != SEPARATOR)) {
        return NP_STATUS_BAD_NETNAME;
    }
    at += length + (at[length] != '\0');
    if (str_copy(path, at, NULL) < 0) {
        return NP_STATUS_OUT_OF_MEMORY;
    }
    to = *path;
    while (*to) {
        size_t part = strcspn(to, "\\");

        if (!is_component(to, part)) {
            return NP_STATUS_BAD_NETNAME;
        }
        to += part;
        if (*to) {
            *to = to[1] ? '/' : '\0'; /* one at the end is a matter of taste */
            to += to[1] ? 1 : 0;
        }
    }
    return NP_STATUS_SUCCESS;
}

static bool add_child(void *payload, const char *name)
{
    struct reply *reply = payload;
    uint16_t *wide = NULL;
    char *full = NULL;
    size_t units = 0;
    uint16_t count = 0;
    bool has_room = true;
    int code = str_format(&full, reply->err, "\\\\%s\\%s", reply->server, name);

    if (code == 0) {
        code = utf16_from_utf8(&wide, &units, full, reply->err);
    }
    if (code == 0 && units < NP_REMOTE_UNITS) { /* else: nobody could ask for it */
        size_t bytes = sizeof(count) + units * sizeof(*wide);

        has_room = (size_t)(reply->end - reply->at) >= bytes;
        if (has_room) {
            count = (uint16_t)units;
            memcpy(reply->at, &count, sizeof(count));
            memcpy(reply->at + sizeof(count), wide, units * sizeof(*wide));
            reply->at += bytes;
            reply->head.count++;
        }
    }
    free(wide);
    str_free(&full);
    return code == 0 && has_room;
}

static enum np_status list_children(struct reply *reply, const struct question *question,
                                    const struct np_world *world)
{
    int code = world->children(world->payload, question->head.start, add_child, reply, reply->err);

    if (code == 0 && reply->err->code < 0) { /* of add_child() */
        code = reply->err->code;
    }
    return status_of(code);
}

/* `path` is what the question's remote name leads to. */
static enum np_status act(struct reply *reply, const struct question *question, const char *path,
                          const struct np_world *world)
{
    struct error *err = reply->err;
    int code = 0;

    switch (question->head.op) {
    case NP_CONNECT:
        if (!*path) {
            return NP_STATUS_BAD_NETNAME;
        }
        return status_of(question->letter
                             ? world->connect(world->payload, question->letter, path, err)
                             : world->exists(world->payload, path, err));
    case NP_DISCONNECT:
        code = question->letter ? world->disconnect(world->payload, question->letter, err)
               : *path          ? world->exists(world->payload, path, err)
                                : ERR_NOT_FOUND;
        return code == ERR_NOT_FOUND ? NP_STATUS_NOT_CONNECTED : status_of(code);
    case NP_EXISTS:
        return status_of(*path ? world->exists(world->payload, path, err) : 0);
    case NP_CHILDREN:
        return *path ? NP_STATUS_BAD_NETNAME : list_children(reply, question, world);
    default:
        return NP_STATUS_NOT_SUPPORTED;
    }
}

size_t np_answer_question(void *out, const void *question, size_t size,
                          const struct np_world *world)
{
    struct question asked = {.letter = '\0'};
    struct error err = {0};
    struct reply reply = {.head = {.magic = NP_MAGIC},
                          .at = (unsigned char *)out + sizeof(reply.head),
                          .end = (unsigned char *)out + NP_ANSWER_BYTES,
                          .server = world->server,
                          .err = &err};
    enum np_status status = read_question(&asked, question, size);
    bool is_letter_alone =
        asked.letter && asked.head.op == NP_DISCONNECT && asked.head.remote_units == 0;
    char *path = NULL;

    if (status == NP_STATUS_SUCCESS && !is_letter_alone) {
        status = below_server(&path, asked.remote, world->server);
    }
    if (status == NP_STATUS_SUCCESS) {
        status = act(&reply, &asked, path ? path : "", world);
    }
    if (status != NP_STATUS_SUCCESS) { /* half a list is none */
        reply.at = (unsigned char *)out + sizeof(reply.head);
        reply.head.count = 0;
    }
    reply.head.status = status;
    reply.head.bytes = (uint32_t)(reply.at - (unsigned char *)out - sizeof(reply.head));
    memcpy(out, &reply.head, sizeof(reply.head));
    str_free(&path);
    str_free(&asked.remote);
    return sizeof(reply.head) + reply.head.bytes;
}
