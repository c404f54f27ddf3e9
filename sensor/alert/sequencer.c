/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging the rings, and what is decided on each record in their common order. The order is engine
 * time; windows and expiries are judged by the packet's own timestamp, as the reference does, which
 * in captures merged from several can lie before that.
 */
#include "config.h"
#include "sensor/alert/sequencer.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/err.h"
#include "common/hash.h"
#include "common/xalloc.h"
#include "sensor/alert/alert.h"
#include "sensor/alert/ring.h"
#include "sensor/alert/tags.h"
#include "sensor/alert/threshold.h"
#include "sensor/alert/track.h"
#include "sensor/detect/detect.h"

#define ALERTS_PER_PACKET 15
#define TRACK_ENTRIES     262144
/* Records of one sequencer_run, so that the caller gets to flush and fsync. */
#define RUN_MAX  4096

enum alert_counter {
    ALERT_EMITTED,
    ALERT_FLOWS,
    ALERT_PACKETS,
    ALERT_BITS_UNMET,
    ALERT_NOALERT,
    ALERT_PASSED,
    ALERT_SUPPRESSED,
    ALERT_THRESHOLDED,
    ALERT_SILENCED,
    ALERT_CAPPED,
    ALERT_TRACK_EVICTED,
    ALERT_COUNTERS,
};

/* clang-format off */
const struct counter_def alert_counters[] = {
    [ALERT_EMITTED] = { "alert.emitted", "alerts written" },
    [ALERT_FLOWS] = { "alert.flows", "flow records written" },
    [ALERT_PACKETS] = { "alert.packets", "tagged packets written" },
    [ALERT_BITS_UNMET] = { "alert.bits_unmet", "hits whose xbits or hostbits conditions failed" },
    [ALERT_NOALERT] = { "alert.noalert", "hits of rules that do not alert" },
    [ALERT_PASSED] = { "alert.passed", "hits of silent pass rules" },
    [ALERT_SUPPRESSED] = { "alert.suppressed", "alerts held back by suppress" },
    [ALERT_THRESHOLDED] = { "alert.thresholded", "alerts held back by a threshold" },
    [ALERT_SILENCED] = { "alert.silenced", "alerts beyond what a threshold lets through" },
    [ALERT_CAPPED] = { "alert.capped", "alerts beyond the most that one packet may raise" },
    [ALERT_TRACK_EVICTED] = { "alert.track_evicted", "counts and bits forgotten for want of room" },
    [ALERT_COUNTERS] = { NULL, NULL },
};
/* clang-format on */

struct sequencer {
    struct sequencer_conf conf;
    struct alert_ring **rings;
    unsigned count;
    sequencer_sink *sink;
    void *sink_arg;
    struct counter_block *counters;
    struct track_table *track;
    /* the packet at hand, for the cap */
    struct alert_key packet;
    uint8_t packet_dir, packet_depth;
    uint32_t packet_alerts;
    /* the packet that a rule with a rate_filter passed last */
    struct alert_key passed;
    uint8_t passed_dir, passed_depth;
    /* the rule set at hand: ids of bits are its own, so its name is part of their keys */
    const struct detect_ruleset *ruleset;
    uint64_t ruleset_hash;
};

struct sequencer *sequencer_create(const struct sequencer_conf *conf, struct alert_ring **rings,
                                   unsigned count, sequencer_sink *sink, void *sink_arg,
                                   struct counter_block *counters)
{
    struct sequencer *s = xcalloc(1, sizeof(*s));
    s->conf = *conf;
    if (!s->conf.alerts_per_packet)
        s->conf.alerts_per_packet = ALERTS_PER_PACKET;
    if (!s->conf.track_entries_max)
        s->conf.track_entries_max = TRACK_ENTRIES;
    s->rings = xcalloc(count, sizeof(struct alert_ring *));
    memcpy(s->rings, rings, count * sizeof(struct alert_ring *));
    s->count = count;
    s->sink = sink;
    s->sink_arg = sink_arg;
    s->counters = counters;
    s->track = track_create(s->conf.track_entries_max);
    return s;
}

static int key_compare(const struct alert_key *a, const struct alert_key *b)
{
    if (a->now_ns != b->now_ns)
        return a->now_ns < b->now_ns ? -1 : 1;
    if (a->packet != b->packet)
        return a->packet < b->packet ? -1 : 1;
    return a->flow < b->flow ? -1 : a->flow > b->flow;
}

static void counted(struct sequencer *s, enum alert_counter id)
{
    counter_add(s->counters, id, 1);
}

/* ---- xbits and hostbits ---- */

static uint64_t name_hash(const char *name)
{
    uint64_t h = 0;
    for (; *name; name++)
        h = hash_mix(h, (uint8_t)*name);
    return h;
}

static struct track_key bit_key(struct sequencer *s, const struct alert_record *r,
                                const struct sig_op *op)
{
    if (r->ruleset != s->ruleset) {
        s->ruleset = r->ruleset;
        s->ruleset_hash = name_hash(detect_ruleset_name(r->ruleset, NULL));
    }
    return threshold_key(TRACK_BIT, 0, hash_mix(s->ruleset_hash, op->u.bit.id[0]), op->u.bit.track,
                         &r->src, &r->dst);
}

static struct track_entry *bit_find(struct sequencer *s, const struct track_key *key, uint64_t now)
{
    struct track_entry *e = track_find(s->track, key);
    if (e && e->expires_us < now) {
        track_remove(s->track, e);
        e = NULL;
    }
    return e;
}

static void bit_set(struct sequencer *s, const struct track_key *key, struct track_entry *e,
                    uint64_t now, uint32_t seconds)
{
    bool evicted = false;
    if (!e)
        e = track_add(s->track, key, now, &evicted);
    if (evicted)
        counted(s, ALERT_TRACK_EVICTED);
    e->expires_us = now + seconds * US_PER_S;
}

/* One condition or change; false when it is a condition that does not hold. */
static bool bit_run(struct sequencer *s, const struct alert_record *r, const struct sig_op *op)
{
    uint64_t now = r->ts_ns / NS_PER_US;
    struct track_key key = bit_key(s, r, op);
    struct track_entry *e = bit_find(s, &key, now);
    switch (op->u.bit.command) {
    case SIG_BIT_ISSET:
        return e != NULL;
    case SIG_BIT_ISNOTSET:
        return !e;
    case SIG_BIT_TOGGLE:
        if (e)
            track_remove(s->track, e);
        else
            bit_set(s, &key, e, now, op->u.bit.expire_s);
        return true;
    case SIG_BIT_UNSET:
        if (e)
            track_remove(s->track, e);
        return true;
    default:
        bit_set(s, &key, e, now, op->u.bit.expire_s);
        return true;
    }
}

static bool is_condition(const struct sig_op *op)
{
    return op->u.bit.command == SIG_BIT_ISSET || op->u.bit.command == SIG_BIT_ISNOTSET;
}

/* All conditions first; only when they hold, the changes, which what is beyond the reference does
 * not make. */
static bool bits_hold(struct sequencer *s, const struct alert_record *r,
                      const struct detect_rule *rule)
{
    for (unsigned changes = 0; changes < (r->beyond ? 1 : 2); changes++) {
        for (uint32_t i = 0; i < rule->shared_count; i++) {
            const struct sig_op *op = &rule->shared_ops[i];
            if (is_condition(op) == !changes && !bit_run(s, r, op))
                return false;
        }
    }
    return true;
}

/* ---- suppress, threshold, cap ---- */

static enum threshold_word threshold_word(struct sequencer *s, const struct alert_record *r,
                                          const struct detect_rule *rule,
                                          const struct sig_threshold *th, enum track_kind kind)
{
    bool evicted;
    if (th->type == SIG_THRESHOLD_NONE || th->type == SIG_THRESHOLD_RATE)
        return THRESHOLD_YES;
    struct track_key key = threshold_key(kind, rule->gid, rule->sid, th->track, &r->src, &r->dst);
    if (r->beyond) /* what the reference does not see takes nothing from what it sees */
        key.kind += TRACK_KINDS;
    enum threshold_word word =
        threshold_pass(s->track, th, &key, r->ts_ns / NS_PER_US, &evicted);
    if (evicted)
        counted(s, ALERT_TRACK_EVICTED);
    return word;
}

/* One more alert of its packet: whether the packet has had its share. */
static bool capped(struct sequencer *s, const struct alert_record *r)
{
    if (key_compare(&r->key, &s->packet) != 0 || r->dir != s->packet_dir ||
        r->tunnel_depth != s->packet_depth) {
        s->packet = r->key;
        s->packet_dir = r->dir;
        s->packet_depth = r->tunnel_depth;
        s->packet_alerts = 0;
    }
    return s->packet_alerts++ >= s->conf.alerts_per_packet;
}

/* A rate_filter that is reached changes the rule's action; a pass rule that does not pass any more
 * alerts. */
static void rate_apply(struct sequencer *s, const struct alert_record *r, struct detect_rule *rule)
{
    const struct sig_threshold *rate = &rule->threshold;
    bool evicted, passes = rule->action == SIG_ACTION_PASS;
    if (rate->type != SIG_THRESHOLD_RATE || r->beyond || !r->ip_version)
        return;
    struct track_key key =
        threshold_key(TRACK_THRESHOLD, rule->gid, rule->sid, rate->track, &r->src, &r->dst);
    if (rate_reached(s->track, rate, &key, r->ts_ns / NS_PER_US, &evicted)) {
        rule->action = rate->action;
        rule->rated = true;
        rule->noalert &= !passes;
    }
    if (evicted)
        counted(s, ALERT_TRACK_EVICTED);
}

/* A pass rule silences itself and all behind it on its packet. */
static bool is_passed(struct sequencer *s, const struct alert_record *r, bool pass)
{
    bool same = key_compare(&r->key, &s->passed) == 0 && r->dir == s->passed_dir &&
                r->tunnel_depth == s->passed_depth;
    if (same || !pass)
        return same;
    s->passed = r->key;
    s->passed_dir = r->dir;
    s->passed_depth = r->tunnel_depth;
    return true;
}

/* What becomes of a hit: the counter that says so. */
static enum alert_counter judge(struct sequencer *s, const struct alert_record *r,
                                struct detect_rule *rule)
{
    if (!r->beyond && is_passed(s, r, false))
        return ALERT_PASSED;
    if (rule->shared_count && !bits_hold(s, r, rule))
        return ALERT_BITS_UNMET;
    /* What is no IP has no address to track: it alerts (PacketAlertHandle). */
    if (r->ip_version) {
        if (detect_rule_suppressed(r->ruleset, r->rule, &r->src, &r->dst))
            return ALERT_SUPPRESSED;
        enum threshold_word word = threshold_word(s, r, rule, &rule->filter, TRACK_FILTER);
        rate_apply(s, r, rule);
        if (word == THRESHOLD_YES)
            word = threshold_word(s, r, rule, &rule->threshold, TRACK_THRESHOLD);
        if (word != THRESHOLD_YES)
            return word == THRESHOLD_SILENT ? ALERT_SILENCED : ALERT_THRESHOLDED;
    }
    bool rate = rule->threshold.type == SIG_THRESHOLD_RATE;
    if (rate && rule->action == SIG_ACTION_PASS && is_passed(s, r, true))
        return ALERT_PASSED;
    if (rule->noalert) /* pass rules are, unless they say `alert` */
        return rule->action == SIG_ACTION_PASS ? ALERT_PASSED : ALERT_NOALERT;
    return !r->beyond && capped(s, r) ? ALERT_CAPPED : ALERT_EMITTED;
}

/* Alerts that are not told begin their rule's tag too; those that are none don't. */
static void tag(struct sequencer *s, const struct alert_record *r, const struct detect_rule *rule,
                enum alert_counter verdict)
{
    if (r->beyond || verdict == ALERT_BITS_UNMET || verdict == ALERT_THRESHOLDED)
        return;
    for (uint32_t i = 0; i < rule->post_count; i++) {
        bool evicted = false;
        if (rule->post_ops[i].kind == SIG_OP_TAG)
            tags_begin(s->track, r, rule, &rule->post_ops[i], &evicted);
        if (evicted)
            counted(s, ALERT_TRACK_EVICTED);
    }
}

/* All tags that the packet may belong to count it; it is written once. */
static void handle_packet(struct sequencer *s, const struct alert_record *r, const void *extra)
{
    bool tagged = false;
    for (uint32_t i = 0; i < r->tag_count; i++) {
        struct detect_tag t;
        memcpy(&t, (const uint8_t *)extra + i * sizeof(t), sizeof(t));
        tagged |= tags_take(s->track, r, &t);
    }
    if (!tagged)
        return;
    counted(s, ALERT_PACKETS);
    s->sink(s->sink_arg, r, NULL, extra, false);
}

static void handle(struct sequencer *s, const struct alert_record *r, const void *extra)
{
    struct detect_rule rule;
    if (r->kind == ALERT_KIND_PACKET) {
        handle_packet(s, r, extra);
        return;
    }
    if (r->kind == ALERT_KIND_FLOW) {
        counted(s, ALERT_FLOWS);
        s->sink(s->sink_arg, r, NULL, extra, false);
        return;
    }
    struct detect_ruleset *set = r->ruleset;
    detect_rule_get(set, r->rule, &rule);
    enum alert_counter verdict = judge(s, r, &rule);
    counted(s, verdict);
    tag(s, r, &rule, verdict);
    /* A tap drops nothing: `drop` is "allowed"; Suricata says "blocked" only of `reject`, and of
     * what a rate_filter says. */
    bool blocked =
        rule.action == SIG_ACTION_REJECT || (rule.rated && rule.action == SIG_ACTION_DROP);
    if (verdict == ALERT_EMITTED)
        s->sink(s->sink_arg, r, &rule, extra, blocked);
    detect_ruleset_drop(set); /* the worker held it for this record */
}

/* ---- merge ---- */

/* The ring whose oldest record is next, -1 when none may go yet, ABENG_EOF when all is over. */
static int next_ring(struct sequencer *s, const struct alert_record **record, const void **extra)
{
    uint64_t safe_ns = UINT64_MAX; /* the least that an empty ring may still bring */
    bool over = true;
    int best = -1;
    *record = NULL;
    for (unsigned i = 0; i < s->count; i++) {
        const void *e;
        uint64_t passed = alert_ring_passed_ns(s->rings[i]);
        const struct alert_record *r = alert_ring_peek(s->rings[i], &e);
        over &= !r && passed == UINT64_MAX;
        if (!r && passed < safe_ns)
            safe_ns = passed;
        if (r && (!*record || key_compare(&r->key, &(*record)->key) < 0)) {
            *record = r;
            *extra = e;
            best = (int)i;
        }
    }
    if (over)
        return ABENG_EOF;
    return best >= 0 && ((*record)->key.now_ns < safe_ns || safe_ns == UINT64_MAX) ? best : -1;
}

int sequencer_run(struct sequencer *s)
{
    int done = 0;
    while (done < RUN_MAX) {
        const struct alert_record *record;
        const void *extra = NULL;
        int ring = next_ring(s, &record, &extra);
        if (ring == ABENG_EOF)
            return done ? done : ABENG_EOF;
        if (ring < 0)
            break;
        handle(s, record, extra);
        alert_ring_take(s->rings[ring]);
        done++;
    }
    return done;
}

void sequencer_free(struct sequencer *s)
{
    if (!s)
        return;
    track_free(s->track);
    free(s->rings);
    free(s);
}
