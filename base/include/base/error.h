/*
 * error.h - how a failure travels: a negative code, and a sentence in a struct the caller owns.
 *
 * Nothing is global or per thread: whoever calls puts a `struct error` on its stack or inside its
 * request, so no other thread and no later call can overwrite it. Every function that can fail
 * takes `struct error *err` last and returns 0 or the same negative code that it put there; `err`
 * may be NULL when the caller wants the code only.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

#if defined(__MINGW32__)
#include <stdio.h> /* says which format its printf() takes */
#define PRINTF_LIKE(fmt, args) __attribute__((format(__MINGW_PRINTF_FORMAT, fmt, args)))
#elif defined(__GNUC__)
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define PRINTF_LIKE(fmt, args)
#endif

/* Whether trying the same thing again can help; the retry code has no list of its own. */
enum retry_class {
    RETRY_NEVER,         /* the answer will be the same */
    RETRY_LATER,         /* after a pause */
    RETRY_AFTER_SIGN_IN, /* after the user signed in again */
    RETRY_AFTER_READ     /* after reading the current state and comparing */
};

/* name, code, retry class, text */
#define ERROR_CODES(X)                                                     \
    X(NO_MEMORY, -1, RETRY_LATER, "out of memory")                         \
    X(INVALID, -2, RETRY_NEVER, "invalid input")                           \
    X(NOT_FOUND, -3, RETRY_NEVER, "not found")                             \
    X(EXISTS, -4, RETRY_NEVER, "already exists")                           \
    X(THROTTLED, -5, RETRY_LATER, "server asks us to wait")                \
    X(SIGNED_OUT, -6, RETRY_AFTER_SIGN_IN, "no valid sign-in")             \
    X(DENIED, -7, RETRY_NEVER, "access denied")                            \
    X(READ_ONLY, -8, RETRY_NEVER, "read-only")                             \
    X(TOO_LARGE, -9, RETRY_NEVER, "larger than policy allows")             \
    X(BAD_NAME, -10, RETRY_NEVER, "the service refuses this name")         \
    X(CROSS_LIBRARY, -11, RETRY_NEVER, "not in the same library")          \
    X(NO_SPACE, -12, RETRY_NEVER, "no space left")                         \
    X(NOT_EMPTY, -13, RETRY_NEVER, "folder is not empty")                  \
    X(IS_FOLDER, -14, RETRY_NEVER, "is a folder")                          \
    X(NOT_FOLDER, -15, RETRY_NEVER, "is not a folder")                     \
    X(NOT_PERMITTED, -16, RETRY_NEVER, "not possible here")                \
    X(LOCKED, -17, RETRY_LATER, "in use by another user")                  \
    X(CHANGED, -18, RETRY_AFTER_READ, "changed by someone else meanwhile") \
    X(GONE, -19, RETRY_AFTER_READ, "no longer valid on the server")        \
    X(UNREACHABLE, -20, RETRY_LATER, "server not reachable")               \
    X(TIMED_OUT, -21, RETRY_LATER, "deadline passed")                      \
    X(SERVER, -22, RETRY_LATER, "server error")                            \
    X(PROTOCOL, -23, RETRY_NEVER, "answer not understood")                 \
    X(CANCELLED, -24, RETRY_NEVER, "cancelled")                            \
    X(IO, -25, RETRY_NEVER, "local input/output error")                    \
    X(LIMIT, -26, RETRY_NEVER, "limit reached")                            \
    X(UNSUPPORTED, -27, RETRY_NEVER, "not built into this program")        \
    X(BUSY, -28, RETRY_LATER, "already in use")                            \
    X(STALE, -29, RETRY_AFTER_READ, "handle or path no longer valid")      \
    X(NAME_TOO_LONG, -30, RETRY_NEVER, "name or path too long")

#define ERROR_ENUM_ROW(name, code, retry, text) ERR_##name = (code),
enum error_code { ERROR_CODES(ERROR_ENUM_ROW) };
#undef ERROR_ENUM_ROW

struct error {
    int code;          /* ERR_*, same as the return value; 0 after error_clear() */
    long os_code;      /* errno or GetLastError(), 0 if none */
    char message[240]; /* one English sentence, no newline, no secrets */
};

/* Puts code and sentence into `err` (NULL: nowhere) and returns `code`. Too long a sentence is cut
 * at a character. */
int error_set(struct error *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The analyzer does not see error.c, and would follow failures that return 0. */
#ifdef __clang_analyzer__
#define error_set(err, code, ...)                \
    __extension__({                              \
        (void)error_set(err, code, __VA_ARGS__); \
        (code);                                  \
    })
#endif

/* The same for a failed system call: appends ": " and the system's text for `os_code`. */
int error_set_os(struct error *err, int code, long os_code, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Puts "context: " in front of the message that is there. For callers that know what the lower
 * layer could not. */
void error_prefix(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

void error_clear(struct error *err);

/* "NOT_FOUND" and "not found" for ERR_NOT_FOUND; "UNKNOWN" for what is no code. Never NULL. */
const char *error_name(int code);
const char *error_text(int code);

/* RETRY_NEVER for what is no code. */
enum retry_class error_retry(int code);

/* ERR_* for an errno: ENOENT is NOT_FOUND, ENOSPC NO_SPACE, ...; ERR_IO for the rest. */
int error_from_errno(int os_errno);

#endif
