/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks and the two time formats. */
#include "config.h"
#include "common/clock.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "common/cursor.h"
#include "common/err.h"

static uint64_t system_now(const struct clock *c)
{
    struct timespec ts;
    (void)c;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t virtual_now(const struct clock *c)
{
    return c->virtual_ns;
}

const struct clock *clock_system(void)
{
    static const struct clock system_clock = { system_now, 0 };
    return &system_clock;
}

struct clock clock_virtual(uint64_t start_ns)
{
    return (struct clock) { virtual_now, start_ns };
}

uint64_t clock_now(const struct clock *c)
{
    return c->now(c);
}

static uint64_t system_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
    return system_ns(CLOCK_MONOTONIC);
}

uint64_t clock_thread_ns(void)
{
    return system_ns(CLOCK_THREAD_CPUTIME_ID);
}

/*
 * Days since 1970 of a date of the Gregorian calendar and back; years begin in March, so that the
 * day that comes and goes is the last. (Howard Hinnant, "chrono-compatible low-level date
 * algorithms", 2013.)
 */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned of_era = (unsigned)(year - era * 400);
    unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

static void date_of(uint64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    uint64_t z = days + 719468, era = z / 146097;
    unsigned day_of_era = (unsigned)(z - era * 146097);
    unsigned of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned of_year = day_of_era - (365 * of_era + of_era / 4 - of_era / 100);
    unsigned m = (5 * of_year + 2) / 153;
    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = (unsigned)(of_era + era * 400) + (*month <= 2);
}

static char *put_digits(char *to, unsigned value, unsigned count)
{
    for (unsigned i = count; i-- > 0; value /= 10)
        to[i] = (char)('0' + value % 10);
    return to + count;
}

/* Without printf: every alert and each change of a signal has several. */
static void format(uint64_t ns, const char *tail, unsigned digits, char *out)
{
    uint64_t s = ns / NS_PER_S;
    unsigned frac = (unsigned)(ns % NS_PER_S / (digits == 3 ? NS_PER_MS : NS_PER_US));
    unsigned of_day = (unsigned)(s % 86400), year, month, day;

    date_of(s / 86400, &year, &month, &day);
    out = put_digits(out, year % 10000, 4);
    *out++ = '-';
    out = put_digits(out, month, 2);
    *out++ = '-';
    out = put_digits(out, day, 2);
    *out++ = 'T';
    out = put_digits(out, of_day / 3600, 2);
    *out++ = ':';
    out = put_digits(out, of_day / 60 % 60, 2);
    *out++ = ':';
    out = put_digits(out, of_day % 60, 2);
    *out++ = '.';
    out = put_digits(out, frac, digits);
    memcpy(out, tail, strlen(tail) + 1);
}

void clock_format_rfc3339(uint64_t ns, char out[CLOCK_TEXT_MAX])
{
    format(ns, "Z", 3, out);
}

void clock_format_eve(uint64_t ns, char out[CLOCK_TEXT_MAX])
{
    format(ns, "+0000", 6, out);
}

static int digits(struct cursor *c, unsigned n)
{
    int value = 0;
    while (n--) {
        uint8_t d = cursor_u8(c);
        if (d < '0' || d > '9')
            c->bad = true;
        value = value * 10 + (d - '0');
    }
    return value;
}

static void expect(struct cursor *c, uint8_t byte)
{
    if (cursor_u8(c) != byte)
        c->bad = true;
}

static uint64_t fraction_ns(struct cursor *c)
{
    uint64_t ns = 0, unit = NS_PER_S;
    if (cursor_left(c) == 0 || *c->at != '.')
        return 0;
    cursor_skip(c, 1);
    while (cursor_left(c) > 0 && *c->at >= '0' && *c->at <= '9' && unit > 1) {
        unit /= 10;
        ns += (uint64_t)(*c->at - '0') * unit;
        cursor_skip(c, 1);
    }
    return ns;
}

/* "Z", "+0000" or "+00:00", as seconds to take off. */
static int64_t zone_seconds(struct cursor *c)
{
    uint8_t sign = cursor_u8(c);
    if (sign == 'Z')
        return 0;
    if (sign != '+' && sign != '-')
        c->bad = true;
    int64_t s = digits(c, 2) * 3600;
    if (cursor_left(c) == 3)
        expect(c, ':');
    s += digits(c, 2) * 60;
    return sign == '-' ? -s : s;
}

int clock_parse(const char *text, size_t len, uint64_t *out_ns)
{
    struct cursor c = cursor_make(text, len);
    int year = digits(&c, 4);
    expect(&c, '-');
    int month = digits(&c, 2);
    expect(&c, '-');
    int day = digits(&c, 2);
    expect(&c, 'T');
    int hour = digits(&c, 2);
    expect(&c, ':');
    int minute = digits(&c, 2);
    expect(&c, ':');
    int second = digits(&c, 2);
    uint64_t frac = fraction_ns(&c);
    int64_t zone = zone_seconds(&c);
    bool in_range = month >= 1 && month <= 12 && day >= 1 && day <= 31 && hour < 24 &&
                    minute < 60 && second <= 60;
    if (c.bad || cursor_left(&c) || !in_range)
        return ABENG_EFORMAT;
    int64_t s = days_of(year, (unsigned)month, (unsigned)day) * 86400 + hour * 3600 + minute * 60 +
                second - zone;
    if (s < 0)
        return ABENG_EFORMAT;
    *out_ns = (uint64_t)s * NS_PER_S + frac;
    return ABENG_OK;
}
