/* SPDX-License-Identifier: Apache-2.0 */
/* From a batch's lines to fixed records. Pure. */
#include "config.h"
#include "collector/ingest/ingest.h"

#include <stdio.h>
#include <string.h>

#include "collector/ingest/record.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/event.h"
#include "common/selftest.h"
#include "common/state.h"

/* An alert that is older than this when it comes was held up on its way. */
#define LATE_NS (600 * NS_PER_S)
/* More than this no spool holds; Lua's numbers stay exact. */
#define SHED_MAX (1ull << 40)

_Static_assert(INGEST_RAW_MAX < UINT32_MAX, "spans are 32 bits");

int ingest_lane_state(const char *lane, char state[3])
{
    if (strlen(lane) < 3 || lane[2] != '.' || state_find(lane, 2) < 0)
        return ABENG_EINVAL;
    if (strcmp(lane + 3, "urgent") != 0 && strcmp(lane + 3, "bulk") != 0)
        return ABENG_EINVAL;
    memcpy(state, lane, 2);
    state[2] = '\0';
    return ABENG_OK;
}

static struct span place(const struct event_span *s, uint32_t at)
{
    return s->there && s->len ? (struct span){ at + s->at, s->len } : (struct span){ 0, 0 };
}

static struct span first_of(const struct event *e, uint32_t at, const enum event_text *which,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (e->text[which[i]].there && e->text[which[i]].len)
            return place(&e->text[which[i]], at);
    }
    return (struct span){ 0, 0 };
}

static enum record_kind kind_of(enum event_type type)
{
    switch (type) {
    case EVENT_ALERT:
        return RECORD_ALERT;
    case EVENT_GAP:
        return RECORD_GAP;
    case EVENT_EPOCH:
        return RECORD_EPOCH;
    default:
        return RECORD_OTHER;
    }
}

static void fill_spans(struct record *r, const struct event *e, uint32_t at)
{
    static const enum event_text names[] = { EVENT_TEXT_TLS_SNI, EVENT_TEXT_HTTP_HOSTNAME,
                                             EVENT_TEXT_DNS_RRNAME };
    static const enum event_text ja3[] = { EVENT_TEXT_TLS_JA3, EVENT_TEXT_NDPI_JA3 };

    r->spans[RECORD_SIGNATURE] = place(&e->text[EVENT_TEXT_SIGNATURE], at);
    r->spans[RECORD_CATEGORY] = place(&e->text[EVENT_TEXT_CATEGORY], at);
    r->spans[RECORD_METADATA] = place(&e->text[EVENT_TEXT_METADATA], at);
    r->spans[RECORD_APP_PROTO] = place(&e->text[EVENT_TEXT_APP_PROTO], at);
    r->spans[RECORD_NAME] = first_of(e, at, names, 3);
    r->spans[RECORD_JA3] = first_of(e, at, ja3, 2);
    r->spans[RECORD_NDPI] = place(&e->text[EVENT_TEXT_NDPI], at);
    r->spans[RECORD_RULESET] = place(&e->text[EVENT_TEXT_RULESET], at);
    r->spans[RECORD_FEED] = place(&e->text[EVENT_TEXT_FEED], at);
    r->spans[RECORD_HOME] = place(&e->text[EVENT_TEXT_HOME], at);
}

static bool is_text(const struct event *e, const char *line, enum event_text which,
                    const char *want)
{
    const struct event_span *s = &e->text[which];
    return s->there && s->len == strlen(want) && memcmp(line + s->at, want, s->len) == 0;
}

/* How many numbers a gap record says were shed; the holes they leave are counted by position. */
static uint64_t shed_of(const struct event *e, const char *line)
{
    if (!e->gap_first || e->gap_last < e->gap_first || !is_text(e, line, EVENT_TEXT_WHY, "shed"))
        return 0;
    uint64_t n = e->gap_last - e->gap_first + 1;
    return n < SHED_MAX ? n : SHED_MAX;
}

static void fill_record(struct record *r, const struct event *e, const char *line, uint32_t at,
                        uint32_t len)
{
    memset(r, 0, sizeof(*r));
    r->kind = kind_of(e->type);
    r->time_ns = e->time_ns;
    r->shed = e->type == EVENT_GAP ? shed_of(e, line) : 0;
    if (e->type == EVENT_GAP && !e->gap_first)
        r->lost = e->gap_lost;
    else if (e->type == EVENT_EPOCH)
        r->lost = e->previous_last;
    r->src = e->src;
    r->dst = e->dst;
    r->src_port = e->sport;
    r->dst_port = e->dport;
    r->proto = e->proto > 0 ? (uint8_t)e->proto : 0;
    r->severity = e->severity;
    r->target = e->target;
    r->to_client = is_text(e, line, EVENT_TEXT_DIRECTION, "to_client");
    r->gid = e->gid;
    r->sid = e->sid;
    r->rev = e->rev;
    fill_spans(r, e, at);
    r->spans[RECORD_LINE] = (struct span){ at, len };
    /*
     * The one text an epoch record has for us takes the place that alerts give to their rule set.
     */
    if (e->type == EVENT_EPOCH)
        r->spans[RECORD_RULESET] = place(&e->text[EVENT_TEXT_PREVIOUS_EPOCH], at);
}

int ingest_scan(const void *raw, size_t len, uint64_t count, struct record *list, char *reason,
                size_t reason_len)
{
    const char *text = raw;
    uint64_t line = 0;
    size_t at = 0;

    while (at < len) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end ? (size_t)(end - (text + at)) : len - at;
        struct event e;
        char why[256] = "";
        if (++line > count)
            break;
        if (event_scan(text + at, n, &e, why, sizeof(why)) != ABENG_OK) {
            snprintf(reason, reason_len, "line %llu: %s", (unsigned long long)line, why);
            return ABENG_EFORMAT;
        }
        fill_record(&list[line - 1], &e, text + at, (uint32_t)at, (uint32_t)n);
        at += n + (end ? 1 : 0);
    }
    if (line == count && at >= len)
        return ABENG_OK;
    snprintf(reason, reason_len, "Abeng-Count says %llu records, the body has %s",
             (unsigned long long)count, line > count ? "more" : "fewer");
    return ABENG_EFORMAT;
}

static void count_epoch(const struct record *r, const char *raw, struct ingest_tally *out)
{
    const struct span *s = &r->spans[RECORD_RULESET];

    if (!s->len || s->len >= sizeof(out->previous))
        return;
    memcpy(out->previous, raw + s->at, s->len);
    out->previous[s->len] = '\0';
    out->previous_last = r->lost;
}

static void count_one(const struct record *r, const char *raw, uint64_t now_ns,
                      struct ingest_tally *out)
{
    switch (r->kind) {
    case RECORD_ALERT:
        out->late += r->time_ns + LATE_NS < now_ns;
        out->self_test |= self_test_is(r->gid, r->sid, &r->src, &r->dst);
        break;
    case RECORD_GAP:
        out->lost += r->lost < SHED_MAX ? r->lost : SHED_MAX;
        out->shed += r->shed;
        out->gaps++;
        break;
    case RECORD_EPOCH:
        count_epoch(r, raw, out);
        break;
    case RECORD_OTHER:
        break;
    }
}

void ingest_count(const struct record *list, uint64_t count, const void *raw, uint64_t now_ns,
                  struct ingest_tally *out)
{
    memset(out, 0, sizeof(*out));
    for (uint64_t i = 0; i < count; i++)
        count_one(&list[i], raw, now_ns, out);
}
