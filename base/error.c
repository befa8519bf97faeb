#include "base/error.h"
#undef error_set /* the analyzer's hint */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "system_error.h"

static const struct {
    int code;
    enum retry_class retry;
    const char *name;
    const char *text;
} error_rows[] = {
#define ERROR_TABLE_ROW(name, code, retry, text) {code, retry, #name, text},
    ERROR_CODES(ERROR_TABLE_ROW)
#undef ERROR_TABLE_ROW
};

/* A sentence cut in the middle of a UTF-8 sequence would make whole log lines unreadable to strict
 * readers. */
static void cut_at_character(char *text, size_t size, int wanted)
{
    size_t end = size - 1;

    if (wanted < 0) {
        text[0] = '\0';
        return;
    }
    if ((size_t)wanted < size) {
        return;
    }
    while (end > 0 && ((unsigned char)text[end - 1] & 0xC0) == 0x80) {
        end--;
    }
    if (end > 0 && ((unsigned char)text[end - 1] & 0x80) != 0) {
        end--;
    }
    text[end] = '\0';
}

static void clean_newlines(char *text)
{
    for (; *text; text++) {
        if (*text == '\n' || *text == '\r') {
            *text = ' ';
        }
    }
}

static void set_message(struct error *err, int code, long os_code, const char *fmt, va_list args)
    PRINTF_LIKE(4, 0);

static void set_message(struct error *err, int code, long os_code, const char *fmt, va_list args)
{
    int wanted;

    err->code = code;
    err->os_code = os_code;
    wanted = vsnprintf(err->message, sizeof(err->message), fmt, args);
    cut_at_character(err->message, sizeof(err->message), wanted);
    clean_newlines(err->message);
}

int error_set(struct error *err, int code, const char *fmt, ...)
{
    va_list args;

    if (err) {
        va_start(args, fmt);
        set_message(err, code, 0, fmt, args);
        va_end(args);
    }
    return code;
}

int error_set_os(struct error *err, int code, long os_code, const char *fmt, ...)
{
    char text[128] = "";
    size_t used;
    va_list args;
    int wanted;

    if (!err) {
        return code;
    }
    va_start(args, fmt);
    set_message(err, code, os_code, fmt, args);
    va_end(args);
    system_error_text(text, sizeof(text), os_code);
    used = strlen(err->message);
    wanted = snprintf(err->message + used, sizeof(err->message) - used, ": %s", text);
    cut_at_character(err->message + used, sizeof(err->message) - used, wanted);
    return code;
}

void error_prefix(struct error *err, const char *fmt, ...)
{
    char context[sizeof(err->message)];
    char old[sizeof(err->message)];
    va_list args;
    int wanted;

    if (!err) {
        return;
    }
    va_start(args, fmt);
    wanted = vsnprintf(context, sizeof(context), fmt, args);
    va_end(args);
    cut_at_character(context, sizeof(context), wanted);
    memcpy(old, err->message, sizeof(old));
    wanted = snprintf(err->message, sizeof(err->message), "%s: %s", context, old);
    cut_at_character(err->message, sizeof(err->message), wanted);
    clean_newlines(err->message);
}

void error_clear(struct error *err)
{
    if (err) {
        err->code = 0;
        err->os_code = 0;
        err->message[0] = '\0';
    }
}

const char *error_name(int code)
{
    for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
        if (error_rows[i].code == code) {
            return error_rows[i].name;
        }
    }
    return code == 0 ? "OK" : "UNKNOWN";
}

const char *error_text(int code)
{
    for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
        if (error_rows[i].code == code) {
            return error_rows[i].text;
        }
    }
    return code == 0 ? "no error" : "unknown error";
}

enum retry_class error_retry(int code)
{
    for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++) {
        if (error_rows[i].code == code) {
            return error_rows[i].retry;
        }
    }
    return RETRY_NEVER;
}

int error_from_errno(int os_errno)
{
    switch (os_errno) {
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case EROFS:
        return ERR_READ_ONLY;
    case ENOSPC:
#ifdef EDQUOT
    case EDQUOT:
#endif
        return ERR_NO_SPACE;
    case ENOMEM:
        return ERR_NO_MEMORY;
    case ENOTEMPTY:
        return ERR_NOT_EMPTY;
    case EISDIR:
        return ERR_IS_FOLDER;
    case ENOTDIR:
        return ERR_NOT_FOLDER;
    case EBUSY:
    case EADDRINUSE:
        return ERR_BUSY;
    case ETIMEDOUT:
        return ERR_TIMED_OUT;
    case EINVAL:
        return ERR_INVALID;
    case EMFILE:
    case ENFILE:
        return ERR_LIMIT;
    default:
        return ERR_IO;
    }
}
