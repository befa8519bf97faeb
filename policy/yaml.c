#include "yaml_read.h"

#include <yaml.h>

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; deleted by next_event() */
    int depth;          /* of open lists and mappings */
    const char *text;
    size_t size;
    struct source *source;
    struct warnings *warnings;
    bool is_broken; /* a POLICY_ERROR has been reported */
};

static int event_line(const struct reader *reader)
{
    return (int)reader->event.start_mark.line + 1;
}

/* Reports it; the code only ends the reading, yaml_read() does not pass it on. */
static int broken(struct reader *reader, int line, struct error *err, const char *sentence)
{
    int code = warnings_add(reader->warnings, POLICY_ERROR, reader->source->file, line, NULL, err,
                            "the file is not used: %s", sentence);

    reader->is_broken = true;
    return code < 0 ? code : ERR_INVALID;
}

static int line_of_offset(const struct reader *reader, size_t offset)
{
    int line = 1;

    for (size_t i = 0; i < offset && i < reader->size; i++) {
        line += reader->text[i] == '\n' ? 1 : 0;
    }
    return line;
}

/* Whether the indentation of a line has a tab. */
static bool has_tab(const struct reader *reader, int line)
{
    const char *at = reader->text;
    const char *end = reader->text + reader->size;

    for (int i = 1; i < line && at; i++) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    while (at && at < end && *at == ' ') {
        at++;
    }
    return at && at < end && *at == '\t';
}

/* libyaml's message, with what an administrator probably did. */
static int syntax_error(struct reader *reader, struct error *err)
{
    const yaml_parser_t *parser = &reader->parser;
    const char *problem = parser->problem ? parser->problem : "syntax error";
    int line = (int)parser->problem_mark.line + 1;
    const char *hint = "";
    char *sentence = NULL;
    int code;

    if (parser->error == YAML_MEMORY_ERROR) {
        return error_set(err, ERR_NO_MEMORY, "no memory to read the policy");
    }
    if (parser->error == YAML_READER_ERROR) {
        line = line_of_offset(reader, parser->problem_offset);
    } else if (has_tab(reader, line)) {
        hint = "; lines are indented with blanks, not with tabs";
    } else if (strstr(problem, "mapping values are not allowed")) {
        hint = "; text with a ':' at its end or before a blank must stand in quotes, as in \"H:\"";
    } else if (parser->context && strstr(parser->context, "alias")) {
        hint = "; text that begins with * must stand in quotes";
    } else if (strstr(problem, "cannot start any token")) {
        hint = "; text that begins with @, ` or % must stand in quotes";
    }
    code = str_format(&sentence, err, "%s%s", problem, hint);
    if (code == 0) {
        code = broken(reader, line, err, sentence);
    }
    str_free(&sentence);
    return code;
}

static int next_event(struct reader *reader, struct error *err)
{
    yaml_event_delete(&reader->event);
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        return syntax_error(reader, err);
    }
    switch (reader->event.type) {
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        if (++reader->depth > YAML_DEPTH_LIMIT) {
            char sentence[64];

            snprintf(sentence, sizeof(sentence), "it is nested deeper than %d levels",
                     YAML_DEPTH_LIMIT);
            return broken(reader, event_line(reader), err, sentence);
        }
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        reader->depth--;
        break;
    default:
        break;
    }
    return 0;
}

/* Passes over the rest of the node whose first event is current: its last event is current then. */
static int skip_node(struct reader *reader, struct error *err)
{
    bool is_open = reader->event.type == YAML_MAPPING_START_EVENT ||
                   reader->event.type == YAML_SEQUENCE_START_EVENT;
    int outside = reader->depth - 1;
    int code = 0;

    while (code == 0 && is_open && reader->depth > outside) {
        code = next_event(reader, err);
    }
    return code;
}

static bool is_null(const char *text)
{
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 ||
           strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

static const char *scalar_text(const struct reader *reader)
{
    return (const char *)reader->event.data.scalar.value;
}

/* What the current event is, seen as a value or an entry. */
static enum raw_kind event_kind(const struct reader *reader)
{
    const yaml_event_t *event = &reader->event;

    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return RAW_ALIAS;
    case YAML_SEQUENCE_START_EVENT:
        return RAW_LIST;
    case YAML_SCALAR_EVENT:
        break;
    default:
        return RAW_MAPPING;
    }
    if (strlen(scalar_text(reader)) != event->data.scalar.length) {
        return RAW_UNREADABLE;
    }
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) {
        return RAW_QUOTED;
    }
    return is_null(scalar_text(reader)) ? RAW_NULL : RAW_PLAIN;
}

static bool is_text(enum raw_kind kind)
{
    return kind == RAW_PLAIN || kind == RAW_QUOTED;
}

static int read_entries(struct raw_value *value, struct reader *reader, const char *key,
                        struct error *err)
{
    bool is_full = false;
    int code = next_event(reader, err);

    while (code == 0 && reader->event.type != YAML_SEQUENCE_END_EVENT) {
        enum raw_kind kind = event_kind(reader);
        int line = event_line(reader);

        code = raw_value_add(value, kind, line, is_text(kind) ? scalar_text(reader) : NULL, err);
        if (code == ERR_LIMIT) {
            code = is_full ? 0
                           : warnings_add(reader->warnings, POLICY_WARNING, reader->source->file,
                                          line, key, err,
                                          "this entry and all after it are not "
                                          "used: the list is too long");
            is_full = true;
        }
        if (code == 0) {
            code = skip_node(reader, err);
        }
        if (code == 0) {
            code = next_event(reader, err);
        }
    }
    return code;
}

/* A tag (!!int) would be another way to say what the schema says. */
static int warn_tag(struct reader *reader, const char *key, struct error *err)
{
    const yaml_event_t *event = &reader->event;
    const yaml_char_t *tag = event->type == YAML_SCALAR_EVENT ? event->data.scalar.tag
                             : event->type == YAML_SEQUENCE_START_EVENT
                                 ? event->data.sequence_start.tag
                                 : NULL;

    return !tag || strcmp((const char *)tag, "!") == 0
               ? 0
               : warnings_add(reader->warnings, POLICY_WARNING, reader->source->file,
                              event_line(reader), key, err, "the YAML tag is ignored");
}

/* The value of a setting; its first event is current, its last will be. */
static int read_value(struct raw_value *value, struct reader *reader, const char *key,
                      struct error *err)
{
    int code = warn_tag(reader, key, err);

    if (code < 0) {
        return code;
    }
    value->kind = event_kind(reader);
    if (value->kind == RAW_LIST) {
        return read_entries(value, reader, key, err);
    }
    return is_text(value->kind) ? str_copy(&value->text, scalar_text(reader), err)
                                : skip_node(reader, err);
}

/* One `key: value`; the key's first event is current, the value's last will be. */
static int read_pair(struct reader *reader, struct error *err)
{
    struct raw_value *value = NULL;
    char *key = NULL;
    int code;

    if (reader->event.type == YAML_SCALAR_EVENT && event_kind(reader) != RAW_UNREADABLE) {
        code = str_copy(&key, scalar_text(reader), err);
        if (code == 0) {
            code =
                source_key(&value, reader->source, key, event_line(reader), reader->warnings, err);
        }
    } else {
        code =
            warnings_add(reader->warnings, POLICY_WARNING, reader->source->file, event_line(reader),
                         NULL, err, "not used: this is not the name of a setting");
        if (code == 0) {
            code = skip_node(reader, err);
        }
    }
    if (code == 0) {
        code = next_event(reader, err);
    }
    if (code == 0) {
        code = value ? read_value(value, reader, key, err) : skip_node(reader, err);
    }
    str_free(&key);
    return code;
}

/* The top of the document; its first event is current. */
static int read_root(struct reader *reader, struct error *err)
{
    int code = 0;

    if (event_kind(reader) == RAW_NULL) {
        return 0;
    }
    if (reader->event.type != YAML_MAPPING_START_EVENT) {
        return broken(reader, event_line(reader), err,
                      "it must consist of lines of the form Setting: value");
    }
    while ((code = next_event(reader, err)) == 0 && reader->event.type != YAML_MAPPING_END_EVENT) {
        code = read_pair(reader, err);
        if (code < 0) {
            break;
        }
    }
    return code;
}

static int read_stream(struct reader *reader, struct error *err)
{
    int code = next_event(reader, err); /* the stream begins */

    if (code == 0) {
        code = next_event(reader, err);
    }
    if (code < 0 || reader->event.type == YAML_STREAM_END_EVENT) {
        return code; /* an empty file */
    }
    code = next_event(reader, err); /* after the start of the document */
    if (code == 0) {
        code = read_root(reader, err);
    }
    if (code == 0) {
        code = next_event(reader, err); /* the document ends */
    }
    if (code == 0) {
        code = next_event(reader, err);
    }
    if (code == 0 && reader->event.type != YAML_STREAM_END_EVENT) {
        code =
            warnings_add(reader->warnings, POLICY_WARNING, reader->source->file, event_line(reader),
                         NULL, err, "not used: only the first document of a file is read");
    }
    return code;
}

/* What libyaml would take for another encoding, or not tell a line for. */
static int check_bytes(struct reader *reader, struct error *err)
{
    const char *nul = memchr(reader->text, '\0', reader->size);
    size_t from = 0;

    if (reader->size >= 4 && memcmp(reader->text, "PReg", 4) == 0) {
        return broken(reader, 0, err,
                      "it is a Registry.pol; a policy of this machine must be YAML");
    }
    if (reader->size >= 2 &&
        (memcmp(reader->text, "\xff\xfe", 2) == 0 || memcmp(reader->text, "\xfe\xff", 2) == 0)) {
        return broken(reader, 1, err, "it is UTF-16; save it as UTF-8");
    }
    if (nul) {
        return broken(reader, line_of_offset(reader, (size_t)(nul - reader->text)), err,
                      "it has a NUL character");
    }
    if (str_is_utf8(reader->text, reader->size)) {
        return 0;
    }
    for (int line = 1; from < reader->size; line++) {
        const char *end = memchr(reader->text + from, '\n', reader->size - from);
        size_t length = end ? (size_t)(end - reader->text) - from : reader->size - from;

        if (!str_is_utf8(reader->text + from, length)) {
            return broken(reader, line, err, "it is not valid UTF-8");
        }
        from += length + 1;
    }
    return broken(reader, 0, err, "it is not valid UTF-8");
}

static void forget_values(struct source *source, struct error *err)
{
    enum policy_layer layer = source->layer;
    const char *file = source->file;

    source_clear(source);
    (void)source_init(source, layer, file, err);
}

int yaml_read(struct source *source, bool *is_readable, const char *text, size_t size,
              struct warnings *warnings, struct error *err)
{
    size_t mark = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* byte order mark */
    struct reader reader = {
        .text = text + mark, .size = size - mark, .source = source, .warnings = warnings};
    int code;

    *is_readable = false;
    if (!yaml_parser_initialize(&reader.parser)) {
        return error_set(err, ERR_NO_MEMORY, "no memory to read the policy");
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)reader.text, reader.size);
    code = check_bytes(&reader, err);
    if (code == 0) {
        code = read_stream(&reader, err);
    }
    yaml_event_delete(&reader.event);
    yaml_parser_delete(&reader.parser);
    if (code == ERR_INVALID && reader.is_broken) {
        forget_values(source, err);
        return source->values ? 0 : ERR_NO_MEMORY;
    }
    *is_readable = code == 0;
    return code;
}
