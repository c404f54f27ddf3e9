/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts: members, and when they may be reached. */
#include "config.h"
#include "collector/notify/contact.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "collector/triage/shape.h"
#include "common/clock.h"
#include "common/err.h"

#define DAY_MINUTES 1440
#define MINUTE_MS   60000ull

/** Days looked ahead for one on which the contact works; none in that time: now. */
#define AHEAD_MAX 60

#define TLP_WORDS "clear green amber amber+strict red"

static const struct shape shape[] = {
    { .name = "name", .type = SHAPE_TEXT, .max = 127, .needed = true },
    { .name = "organisation", .type = SHAPE_TEXT, .max = 127 },
    { .name = "kind", .type = SHAPE_WORD, .words = "mail phone webhook", .needed = true },
    { .name = "address", .type = SHAPE_TEXT, .max = 255, .needed = true },
    { .name = "rung", .type = SHAPE_NUMBER, .min = 1, .max = CONTACT_RUNG_MAX, .needed = false },
    { .name = "digest", .type = SHAPE_FLAG },
    { .name = "tlp_max", .type = SHAPE_WORD, .words = TLP_WORDS },
    { .name = "mask_sources", .type = SHAPE_FLAG },
    { .name = "abroad", .type = SHAPE_FLAG },
    { .name = "language", .type = SHAPE_WORD, .words = "en fr es nl ht" },
    { .name = "utc_offset", .type = SHAPE_NUMBER, .min = -720, .max = 840 },
    { .name = "quiet_from", .type = SHAPE_HOUR },
    { .name = "quiet_to", .type = SHAPE_HOUR },
    { .name = "workdays_only", .type = SHAPE_FLAG },
    { .name = "holidays", .type = SHAPE_DAYS },
    { .name = "delegate", .type = SHAPE_TEXT, .max = 31 },
    { .name = "away_from", .type = SHAPE_TIME },
    { .name = "away_until", .type = SHAPE_TIME },
    { .name = "constituent", .type = SHAPE_TEXT, .max = 31 },
    { .name = "note", .type = SHAPE_TEXT, .max = 2000 },
};

const struct shape *contact_shape(size_t *count)
{
    *count = sizeof shape / sizeof *shape;
    return shape;
}

static const char *text_of(const json_t *doc, const char *key)
{
    const char *text = json_string_value(json_object_get(doc, key));
    return text ? text : "";
}

static bool flag_of(const json_t *doc, const char *key)
{
    return json_is_true(json_object_get(doc, key));
}

int tlp_rank(const char *tlp)
{
    static const char *const words[] = { "clear", "green", "amber", "amber+strict", "red" };
    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++)
        if (!strcmp(words[i], tlp))
            return i;
    return -1;
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* Visible ASCII with one @ inside and nothing that ends a header or an SMTP command early. */
static bool mail_ok(const char *text)
{
    const char *at = strchr(text, '@');
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~' || strchr("<>()[],;:\\\"", *c))
            return false;
    return at && at > text && at[1] && !strchr(at + 1, '@');
}

static bool phone_ok(const char *text)
{
    size_t n = strspn(text, "+0123456789 -");
    return n >= 5 && !text[n];
}

static bool hook_ok(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return !strncmp(text, "https://", 8) && text[8];
}

int contact_check(const json_t *doc, char *why, size_t why_len)
{
    static const struct {
        const char *kind;
        bool (*ok)(const char *text);
        const char *need;
    } kinds[] = {
        { "mail", mail_ok, "address must be a mail address: name@example.org" },
        { "phone", phone_ok, "address must be a telephone number: +1 876 555 0100" },
        { "webhook", hook_ok, "address must be a URL that begins with https://" },
    };
    const char *kind = text_of(doc, "kind"), *address = text_of(doc, "address");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].kind, kind) && !kinds[i].ok(address)) {
            snprintf(why, why_len, "%s", kinds[i].need);
            return ABENG_EINVAL;
        }
    if (!*text_of(doc, "quiet_from") != !*text_of(doc, "quiet_to")) {
        snprintf(why, why_len, "quiet_from and quiet_to go together");
        return ABENG_EINVAL;
    }
    return 0;
}

/* ---- when ------------------------------------------------------------------------------------ */

static unsigned minute_of(const char *hour)
{
    unsigned h = 0, m = 0;
    return sscanf(hour, "%2u:%2u", &h, &m) == 2 ? h * 60 + m : 0;
}

/* Minutes of the contact's own time since 1970. */
static uint64_t local_minutes(const json_t *doc, uint64_t ms)
{
    int64_t offset = json_integer_value(json_object_get(doc, "utc_offset"));
    return (uint64_t)((int64_t)(ms / MINUTE_MS) + offset);
}

static bool day_off(const json_t *doc, uint64_t minutes)
{
    char day[16];
    struct tm tm;
    time_t seconds = (time_t)(minutes / DAY_MINUTES * DAY_MINUTES * 60);
    gmtime_r(&seconds, &tm);
    if (flag_of(doc, "workdays_only") && (tm.tm_wday == 0 || tm.tm_wday == 6))
        return true;
    strftime(day, sizeof day, "%Y-%m-%d", &tm);
    const json_t *days = json_object_get(doc, "holidays");
    for (size_t i = 0; i < json_array_size(days); i++)
        if (!strcmp(json_string_value(json_array_get(days, i)), day))
            return true;
    return false;
}

/* Minutes from now to the end of the quiet hours that hold `minute` of the day; 0: none do. */
static unsigned quiet_left(const json_t *doc, unsigned minute)
{
    const char *from_text = text_of(doc, "quiet_from"), *to_text = text_of(doc, "quiet_to");
    unsigned from = minute_of(from_text), to = minute_of(to_text);
    if (!*from_text || from == to)
        return 0;
    unsigned length = (to + DAY_MINUTES - from) % DAY_MINUTES;
    unsigned into = (minute + DAY_MINUTES - from) % DAY_MINUTES;
    return into < length ? length - into : 0;
}

bool contact_digest(const json_t *doc, unsigned tier)
{
    return flag_of(doc, "digest") && tier > 2;
}

uint64_t contact_when(const json_t *doc, unsigned tier, uint64_t now_ms)
{
    uint64_t start = local_minutes(doc, now_ms), at = start;
    if (tier == 1)
        return now_ms;
    if (contact_digest(doc, tier)) {
        unsigned minute = (unsigned)(at % DAY_MINUTES), hour = CONTACT_DIGEST_HOUR * 60;
        at += (hour + DAY_MINUTES - minute) % DAY_MINUTES;
    }
    for (int i = 0; i < AHEAD_MAX; i++) {
        unsigned left = quiet_left(doc, (unsigned)(at % DAY_MINUTES));
        if (day_off(doc, at))
            at = (at / DAY_MINUTES + 1) * DAY_MINUTES;
        else if (left)
            at += left;
        else
            return at == start ? now_ms : (now_ms / MINUTE_MS + (at - start)) * MINUTE_MS;
    }
    return now_ms;
}

bool contact_away(const json_t *doc, uint64_t now_ms)
{
    const char *from = text_of(doc, "away_from"), *until = text_of(doc, "away_until");
    uint64_t begin = 0, end = UINT64_MAX;
    if (!*text_of(doc, "delegate") || (!*from && !*until))
        return false;
    if (*from && clock_parse(from, strlen(from), &begin))
        return false;
    if (*until && clock_parse(until, strlen(until), &end))
        return false;
    return now_ms * NS_PER_MS >= begin && now_ms * NS_PER_MS < end;
}
