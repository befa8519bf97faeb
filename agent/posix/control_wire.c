#include "control_wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

void control_reader_init(struct control_reader *reader, int fd, size_t max_line)
{
    reader->fd = fd;
    reader->searched = 0;
    buf_init(&reader->pending, max_line);
}

void control_reader_clear(struct control_reader *reader)
{
    buf_clear(&reader->pending);
}

/* Parses the first line of what is pending and takes it away. False: there is no whole line yet. */
static bool take_line(cJSON **out, struct control_reader *reader, int *code, struct error *err)
{
    char *data = reader->pending.data;
    char *end = data
                    ? memchr(data + reader->searched, '\n', reader->pending.size - reader->searched)
                    : NULL;
    size_t length;

    if (!end) {
        reader->searched = reader->pending.size;
        return false;
    }
    reader->searched = 0;
    length = (size_t)(end - data);
    *out = cJSON_ParseWithLength(data, length);
    if (!cJSON_IsObject(*out)) {
        cJSON_Delete(*out);
        *out = NULL;
        *code = error_set(err, ERR_PROTOCOL,
                          "the control channel carried something that is no JSON object");
        return true;
    }
    memmove(data, end + 1, reader->pending.size - length - 1);
    reader->pending.size -= length + 1;
    *code = 0;
    return true;
}

int control_read_line(cJSON **out, struct control_reader *reader, int64_t deadline_ms,
                      struct error *err)
{
    char block[16384];
    int code = 0;

    while (!take_line(out, reader, &code, err)) {
        struct pollfd poll_fd = {.fd = reader->fd, .events = POLLIN};
        int64_t wait = deadline_ms ? deadline_ms - clock_mono_ms(clock_system()) : -1;
        ssize_t got;

        if (deadline_ms && wait <= 0) {
            return error_set(err, ERR_TIMED_OUT, "the other end of the control channel is silent");
        }
        if (poll(&poll_fd, 1, (int)(wait > 60000 ? 60000 : wait)) <= 0) {
            continue;
        }
        got = recv(reader->fd, block, sizeof(block), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return error_set(err, ERR_UNREACHABLE, "the other end of the control channel closed");
        }
        code = buf_add(&reader->pending, block, (size_t)got, err);
        if (code < 0) {
            return code;
        }
    }
    return code;
}

int control_send_line(int fd, const cJSON *object, struct error *err)
{
    char *text = cJSON_PrintUnformatted(object);
    size_t size = text ? strlen(text) : 0;
    size_t sent = 0;
    int code = 0;

    if (!text) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an answer");
    }
    text[size++] = '\n'; /* in the place of the NUL */
    while (sent < size) {
        ssize_t done = send(fd, text + sent, size - sent, MSG_NOSIGNAL);

        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            code = error_set_os(err, ERR_UNREACHABLE, errno, "cannot write to the control channel");
            break;
        }
        sent += (size_t)done;
    }
    free(text);
    return code;
}
