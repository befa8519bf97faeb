/*
 * control_wire.h - lines of JSON on a channel, for both ends of the control channel.
 */
#ifndef AGENT_CONTROL_WIRE_H
#define AGENT_CONTROL_WIRE_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "channel.h"

struct control_reader {
    struct channel *channel; /* borrowed */
    struct buf pending;      /* read, not yet handed out */
    size_t searched;         /* of it, without a newline */
};
void control_reader_init(struct control_reader *reader, struct channel *channel, size_t max_line);
void control_reader_clear(struct control_reader *reader);

/* The next line as an object, which the caller deletes. deadline_ms 0: waits for ever.
 * ERR_UNREACHABLE: the other end closed; ERR_LIMIT, ERR_TIMED_OUT, ERR_PROTOCOL. */
int control_read_line(cJSON **out, struct control_reader *reader, int64_t deadline_ms,
                      struct error *err);

int control_send_line(struct channel *channel, const cJSON *object, struct error *err);

#endif
