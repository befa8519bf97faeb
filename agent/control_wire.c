#include "control_wire.h"

#include <stdlib.h>
#include <string.h>

void control_reader_init(struct control_reader *reader, struct channel *channel, size_t max_line)
{
    reader->channel = channel;
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
        size_t got = 0;

        code = channel_read(reader->channel, block, sizeof(block), &got, deadline_ms, err);
        if (code == 0) {
            code = buf_add(&reader->pending, block, got, err);
        }
        if (code < 0) {
            return code;
        }
    }
    return code;
}

int control_send_line(struct channel *channel, const cJSON *object, struct error *err)
{
    char *text = cJSON_PrintUnformatted(object);
    size_t size = text ? strlen(text) : 0;
    int code;

    if (!text) {
        return error_set(err, ERR_NO_MEMORY, "no memory for an answer");
    }
    text[size++] = '\n'; /* in the place of the NUL */
    code = channel_write(channel, text, size, err);
    free(text);
    return code;
}
