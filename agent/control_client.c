#include "control.h"

#include "channel.h"
#include "control_wire.h"

#define ANSWER_MAX (64u << 20) /* a status with 5,000 mappings is below 4 MiB */

static int send_request(struct channel *channel, const char *command, const cJSON *arguments,
                        struct error *err)
{
    cJSON *line = cJSON_CreateObject();
    int code;

    cJSON_AddStringToObject(line, "command", command);
    if (arguments) {
        cJSON_AddItemToObject(line, "arguments", cJSON_Duplicate(arguments, true));
    }
    code = control_send_line(channel, line, err);
    cJSON_Delete(line);
    return code;
}

static int take_error(const cJSON *error, struct error *err)
{
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(error, "number");
    const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(error, "message"));
    int code = cJSON_IsNumber(number) && number->valuedouble < 0 ? number->valueint : ERR_PROTOCOL;

    return error_set(err, code, "%s", message ? message : "the agent gave no reason");
}

int control_call(cJSON **result, const char *path, const char *command, const cJSON *arguments,
                 control_event_fn on_event, void *payload, struct error *err)
{
    struct control_reader reader;
    cJSON *line = NULL;
    bool is_answered = false;
    struct channel *channel = NULL;
    int code = channel_connect(&channel, path, err);

    if (code < 0) {
        return code;
    }
    control_reader_init(&reader, channel, ANSWER_MAX);
    code = send_request(channel, command, arguments, err);
    while (code == 0 && !is_answered) {
        const cJSON *event;
        const cJSON *error;

        cJSON_Delete(line);
        line = NULL;
        code = control_read_line(&line, &reader, 0, err);
        if (code < 0) {
            break;
        }
        event = cJSON_GetObjectItemCaseSensitive(line, "event");
        error = cJSON_GetObjectItemCaseSensitive(line, "error");
        if (event) {
            if (on_event) {
                on_event(payload, event);
            }
            continue;
        }
        is_answered = true;
        if (error) {
            code = take_error(error, err);
        } else {
            *result = cJSON_DetachItemFromObjectCaseSensitive(line, "result");
        }
    }
    cJSON_Delete(line);
    control_reader_clear(&reader);
    channel_close(channel);
    return code;
}
