/* SPDX-License-Identifier: Apache-2.0 */
/* The account by hour. */
#include "config.h"
#include "collector/ingest/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/auth/ca.h"
#include "collector/ingest/ingest.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/err.h"
#include "common/json.h"
#include "common/xalloc.h"

#define HOUR_MS     3600000ull
#define NUMBER_TEXT 24
/* Lanes of one report: two of each state a sensor speaks for. */
#define LANES_MAX 64u

/* ---- what the sensor says -------------------------------------------------------------------- */

struct said {
    char state[3];
    const char *lane, *epoch;
    char number[NUMBER_TEXT];
};

static bool read_said(const json_t *item, const struct ca_identity *who, struct said *out)
{
    json_int_t n = json_integer_value(json_object_get(item, "raised"));

    out->lane = json_string_value(json_object_get(item, "lane"));
    out->epoch = json_string_value(json_object_get(item, "epoch"));
    if (!out->lane || !out->epoch || n < 1 || n >= 1ll << 53 ||
        ingest_lane_state(out->lane, out->state) != ABENG_OK ||
        !ca_states_have(who->states, out->state) || strlen(out->epoch) != 32 ||
        strspn(out->epoch, "0123456789abcdef") != 32)
        return false;
    snprintf(out->number, sizeof(out->number), "%lld", (long long)n);
    return true;
}

static int note_said(struct store *s, const char *id, const struct said *x, uint64_t now_ms)
{
    struct store_key raised = store_key(x->state, "raised:%s", id),
                     hours = store_key(x->state, "hours:%s", id);
    struct store_arg keys[] = { STORE_KEY(raised), STORE_KEY(hours) };
    char now[NUMBER_TEXT];
    struct store_reply *r;

    snprintf(now, sizeof(now), "%llu", (unsigned long long)now_ms);
    struct store_arg args[] = { STORE_TEXT(now), STORE_TEXT(x->lane), STORE_TEXT(x->epoch),
                                STORE_TEXT(x->number) };
    int err = store_call(store_conn(s, x->state), "abeng_ledger_raised", keys, 2, args, 4, &r);
    store_reply_free(r);
    return err;
}

int ledger_raised(struct store *s, const struct ca_identity *who, const json_t *lanes,
                  uint64_t now_ms)
{
    int err = ABENG_OK;
    struct said x;

    for (size_t i = 0; i < json_array_size(lanes) && i < LANES_MAX && !err; i++) {
        if (read_said(json_array_get(lanes, i), who, &x))
            err = note_said(s, who->id, &x, now_ms);
    }
    return err;
}

/* ---- what came of it ------------------------------------------------------------------------- */

static void add_field(struct ledger_sum *h, const char *what, uint64_t n)
{
    const struct {
        const char *name;
        uint64_t *slot;
    } fields[] = {
        { "raised", &h->raised }, { "received", &h->received }, { "late", &h->late },
        { "lost", &h->lost },     { "shed", &h->shed },         { "gaps", &h->gaps },
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(fields[i].name, what) == 0)
            *fields[i].slot += n;
    }
}

/* Fields "HOUR WHAT" into their hours. */
static void gather(const struct store_reply *all, uint64_t first, size_t count,
                   struct ledger_sum *hours)
{
    for (size_t i = 0; i + 1 < store_reply_count(all); i += 2) {
        char *what;
        unsigned long long hour =
            strtoull(store_reply_text(store_reply_at(all, i), NULL), &what, 10);
        int64_t n = store_reply_int(store_reply_at(all, i + 1));
        if (hour >= first && hour - first < count && *what == ' ' && n > 0)
            add_field(&hours[hour - first], what + 1, (uint64_t)n);
    }
}

/*
 * What is missing was counted when the hole was crossed; that it had been shed is said later, by a
 * gap record behind it. So going back in time what was said explains what was missing before.
 */
static void explain(struct ledger_sum *hours, size_t count)
{
    uint64_t said = 0;

    for (size_t i = count; i-- > 0;) {
        struct ledger_sum *h = &hours[i];
        said += h->shed;
        h->shed = h->lost < said ? h->lost : said;
        h->lost -= h->shed;
        said -= h->shed;
    }
}

static void add_sum(struct ledger_sum *to, const struct ledger_sum *h)
{
    to->raised += h->raised;
    to->received += h->received;
    to->late += h->late;
    to->lost += h->lost;
    to->shed += h->shed;
    to->gaps += h->gaps;
}

static void write_hour(struct json *out, const char *state, uint64_t hour,
                       const struct ledger_sum *h)
{
    json_open(out, NULL);
    json_time_ms(out, "hour", hour * HOUR_MS);
    json_str(out, "state", state);
    json_u64(out, "raised", h->raised);
    json_u64(out, "received", h->received);
    json_u64(out, "late", h->late);
    json_u64(out, "lost", h->lost);
    json_u64(out, "shed", h->shed);
    json_u64(out, "gaps", h->gaps);
    json_close(out);
}

static bool is_empty(const struct ledger_sum *h)
{
    return !h->raised && !h->received && !h->late && !h->lost && !h->shed && !h->gaps;
}

/* Later hours are read too: what they say was shed may have been missing before. */
static int write_state(struct store *s, const char *id, const char *state, uint64_t first,
                       size_t count, struct json *out, struct ledger_sum *sum)
{
    struct store_key key = store_key(state, "hours:%s", id);
    struct ledger_sum *hours = xcalloc(LEDGER_HOURS_MAX + 1, sizeof(*hours));
    struct store_reply *all;
    size_t written = 0;
    int err = store_command(store_conn(s, state), &all, "HGETALL %s", key.text);

    gather(all, first, LEDGER_HOURS_MAX + 1, hours);
    explain(hours, LEDGER_HOURS_MAX + 1);
    for (size_t i = 0; i < count && !err; i++) {
        if (is_empty(&hours[i]))
            continue;
        write_hour(out, state, first + i, &hours[i]);
        add_sum(sum, &hours[i]);
        written++;
    }
    store_reply_free(all);
    free(hours);
    return err ? err : (int)written;
}

int ledger_write_hours(struct store *s, const char *id, const char *states, uint64_t from_ms,
                       uint64_t to_ms, struct json *out, struct ledger_sum *sum, size_t *count)
{
    char copy[CA_STATES_MAX];
    uint64_t first = from_ms / HOUR_MS, end = (to_ms + HOUR_MS - 1) / HOUR_MS;
    uint64_t hours = end > first ? end - first : 0;
    int n = 0;

    memset(sum, 0, sizeof(*sum));
    *count = 0;
    if (hours > LEDGER_HOURS_MAX)
        hours = LEDGER_HOURS_MAX;
    snprintf(copy, sizeof(copy), "%s", states);
    for (char *save, *state = strtok_r(copy, ",", &save); state && n >= 0;
         state = strtok_r(NULL, ",", &save)) {
        n = write_state(s, id, state, first, hours, out, sum);
        *count += n > 0 ? (size_t)n : 0;
    }
    return n < 0 ? n : ABENG_OK;
}
