/*
 * clock.h - time. Deadlines and pauses use the monotonic clock; only what is shown or sent uses the
 * wall clock.
 *
 * Code that decides by time takes a `struct clock`, so that a test can turn time by hand.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct clock {
    int64_t (*mono_ms)(void *payload); /* never goes back; counts on through suspend */
    int64_t (*wall_ms)(void *payload); /* since 1970-01-01 UTC */
    void *payload;
};

/* The system's clock. Static, never freed. */
const struct clock *clock_system(void);

int64_t clock_mono_ms(const struct clock *clock);
int64_t clock_wall_ms(const struct clock *clock);

/* "2026-03-02T08:11:45Z" (with milliseconds when they are not 0) into `out` of at least 32 bytes.
 */
void clock_format_iso(char *out, size_t size, int64_t wall_ms);

/* Reads ISO 8601 as Graph sends it: `Z` or `+hh:mm`, 0 to 9 digits of fraction. False when it is
 * not one. Dates from year 1 on (Graph does send 0001-01-01T00:00:00Z). */
bool clock_parse_iso(const char *text, int64_t *wall_ms);

/* Reads the date form of HTTP headers (RFC 9110 IMF-fixdate). */
bool clock_parse_http_date(const char *text, int64_t *wall_ms);

#endif
