/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks and the two time formats. */
#include "config.h"
#include "common/clock.h"

#include <stdbool.h>
#include <stdio.h>
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

uint64_t clock_mono_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void format(uint64_t ns, const char *tail, unsigned digits, char *out)
{
    time_t s = (time_t)(ns / NS_PER_S);
    unsigned frac = (unsigned)(ns % NS_PER_S / (digits == 3 ? NS_PER_MS : NS_PER_US));
    struct tm tm;
    gmtime_r(&s, &tm);
    snprintf(out, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%0*u%s",
        (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
        (int)digits, frac, tail);
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
    struct tm tm = { 0 };
    tm.tm_year = digits(&c, 4) - 1900;
    expect(&c, '-');
    tm.tm_mon = digits(&c, 2) - 1;
    expect(&c, '-');
    tm.tm_mday = digits(&c, 2);
    expect(&c, 'T');
    tm.tm_hour = digits(&c, 2);
    expect(&c, ':');
    tm.tm_min = digits(&c, 2);
    expect(&c, ':');
    tm.tm_sec = digits(&c, 2);
    uint64_t frac = fraction_ns(&c);
    int64_t zone = zone_seconds(&c);
    bool in_range = tm.tm_mon >= 0 && tm.tm_mon < 12 && tm.tm_mday >= 1 && tm.tm_mday <= 31
        && tm.tm_hour < 24 && tm.tm_min < 60 && tm.tm_sec <= 60;
    if (c.bad || cursor_left(&c) || !in_range)
        return ABENG_EFORMAT;
    int64_t s = (int64_t)timegm(&tm) - zone;
    if (s < 0)
        return ABENG_EFORMAT;
    *out_ns = (uint64_t)s * NS_PER_S + frac;
    return ABENG_OK;
}
