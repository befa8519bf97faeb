#include "base/clock.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int64_t clock_mono_ms(const struct clock *clock)
{
    return clock->mono_ms(clock->payload);
}

int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock->payload);
}

/* Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant's days_from_civil). */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    int64_t era;
    int64_t year_of_era;
    int64_t day_of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = year - era * 400;
    day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t day_of_era = z - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t mp = (5 * day_of_year + 2) / 153;

    *day = (int)(day_of_year - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

void clock_format_iso(char *out, size_t size, int64_t wall_ms)
{
    int64_t days = wall_ms / 86400000;
    int64_t rest = wall_ms % 86400000;
    int64_t year;
    int month;
    int day;
    int seconds;

    if (rest < 0) {
        rest += 86400000;
        days--;
    }
    civil_from_days(days, &year, &month, &day);
    seconds = (int)(rest / 1000);
    if (rest % 1000) {
        snprintf(out, size, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d.%03dZ", year, month, day,
                 seconds / 3600, seconds / 60 % 60, seconds % 60, (int)(rest % 1000));
    } else {
        snprintf(out, size, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02dZ", year, month, day,
                 seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
}

/* Reads exactly `digits` digits. */
static bool read_number(const char **at, int digits, int *out)
{
    int value = 0;

    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)(*at)[i])) {
            return false;
        }
        value = value * 10 + ((*at)[i] - '0');
    }
    *at += digits;
    *out = value;
    return true;
}

static bool read_char(const char **at, char wanted)
{
    if (**at != wanted) {
        return false;
    }
    (*at)++;
    return true;
}

static bool is_date(int year, int month, int day, int hour, int minute, int second)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60) {
        return false;
    }
    return day <= days[month - 1] + (month == 2 && is_leap);
}

static bool read_zone(const char **at, int *offset_minutes)
{
    int sign = **at == '-' ? -1 : 1;
    int hours;
    int minutes;

    if (read_char(at, 'Z')) {
        *offset_minutes = 0;
        return true;
    }
    if (**at != '+' && **at != '-') {
        return false;
    }
    (*at)++;
    if (!read_number(at, 2, &hours) || !read_char(at, ':') || !read_number(at, 2, &minutes)) {
        return false;
    }
    *offset_minutes = sign * (hours * 60 + minutes);
    return true;
}

bool clock_parse_iso(const char *text, int64_t *wall_ms)
{
    const char *at = text;
    int year, month, day, hour, minute, second;
    int millis = 0;
    int offset = 0;
    int scale = 100;

    if (!read_number(&at, 4, &year) || !read_char(&at, '-') || !read_number(&at, 2, &month) ||
        !read_char(&at, '-') || !read_number(&at, 2, &day) || !read_char(&at, 'T') ||
        !read_number(&at, 2, &hour) || !read_char(&at, ':') || !read_number(&at, 2, &minute) ||
        !read_char(&at, ':') || !read_number(&at, 2, &second)) {
        return false;
    }
    if (read_char(&at, '.')) {
        for (; isdigit((unsigned char)*at); at++) {
            millis += (*at - '0') * scale;
            scale /= 10;
        }
    }
    if (!read_zone(&at, &offset) || *at || !is_date(year, month, day, hour, minute, second)) {
        return false;
    }
    *wall_ms = (days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second -
                (int64_t)offset * 60) *
                   1000 +
               millis;
    return true;
}

bool clock_parse_http_date(const char *text, int64_t *wall_ms)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *at = strchr(text, ',');
    int day, month, year, hour, minute, second;

    if (!at || at[1] != ' ') {
        return false;
    }
    at += 2;
    if (!read_number(&at, 2, &day) || !read_char(&at, ' ')) {
        return false;
    }
    for (month = 0; month < 12 && strncmp(months + month * 3, at, 3) != 0; month++) {
    }
    if (month == 12) {
        return false;
    }
    at += 3;
    if (!read_char(&at, ' ') || !read_number(&at, 4, &year) || !read_char(&at, ' ') ||
        !read_number(&at, 2, &hour) || !read_char(&at, ':') || !read_number(&at, 2, &minute) ||
        !read_char(&at, ':') || !read_number(&at, 2, &second) || strcmp(at, " GMT") != 0 ||
        !is_date(year, month + 1, day, hour, minute, second)) {
        return false;
    }
    *wall_ms =
        (days_from_civil(year, month + 1, day) * 86400 + hour * 3600 + minute * 60 + second) * 1000;
    return true;
}
