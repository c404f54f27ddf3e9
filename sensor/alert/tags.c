/* SPDX-License-Identifier: Apache-2.0 */
/* Tags of sessions and hosts, each an entry of the track table. */
#include "config.h"
#include "sensor/alert/tags.h"

#include <string.h>

#include "common/clock.h"
#include "sensor/alert/alert.h"
#include "sensor/alert/threshold.h"
#include "sensor/detect/detect.h"

/** How often an alert may begin a tag anew, as in Suricata. */
#define RESTARTS_MAX 10u
/** An entry that may give way to others after so many seconds, unless it asks for more. */
#define KEEP_S 600u

static struct track_key tag_key(const struct alert_record *r, uint32_t gid, uint32_t sid,
                                uint8_t of)
{
    uint8_t track = of == SIG_TAG_SESSION ? SIG_TRACK_FLOW
                    : of == SIG_TAG_SRC   ? SIG_TRACK_SRC
                                          : SIG_TRACK_DST;
    struct track_key key = threshold_key(TRACK_TAG, gid, sid, track, &r->src, &r->dst);
    if (of == SIG_TAG_SESSION) {
        memcpy(key.a.bytes, &r->flow_id, sizeof(r->flow_id));
        key.b.bytes[0] = 1; /* no address is that */
    }
    return key;
}

static void restart(struct track_entry *e, const struct alert_record *r, const struct sig_op *tag)
{
    uint32_t keep = tag->u.tag.metric == SIG_TAG_SECONDS ? tag->u.tag.count : KEEP_S;
    e->start_us = r->ts_ns / NS_PER_US;
    e->expires_us = e->start_us + (keep + 1) * US_PER_S;
    e->count = 0;
}

void tags_begin(struct track_table *t, const struct alert_record *r, const struct detect_rule *rule,
                const struct sig_op *op, bool *evicted)
{
    struct track_key key = tag_key(r, rule->gid, rule->sid, op->u.tag.of);
    *evicted = false;
    if (r->pseudo || (op->u.tag.of == SIG_TAG_SESSION ? !r->has_flow : !r->ip_version))
        return;
    struct track_entry *e = track_find(t, &key);
    if (e && ++e->restarts >= RESTARTS_MAX)
        return;
    if (!e)
        e = track_add(t, &key, r->ts_ns / NS_PER_US, evicted);
    restart(e, r, op);
}

/* Counts stay at their most. */
static uint32_t add_bounded(uint32_t count, uint32_t more)
{
    return more > UINT32_MAX - count ? UINT32_MAX : count + more;
}

bool tags_take(struct track_table *t, const struct alert_record *r, const struct detect_tag *tag)
{
    struct track_key key = tag_key(r, tag->gid, tag->sid, tag->of);
    struct track_entry *e = track_find(t, &key);
    if (!e)
        return false;
    e->count = add_bounded(e->count, detect_tag_use(tag->metric, r->packet_len));
    if (!e->begun) { /* the alert's own packet */
        e->begun = true;
        return false;
    }
    if (!detect_tag_over(tag->metric, tag->count, e->count, e->start_us / US_PER_S,
                         r->ts_ns / NS_PER_S))
        return true;
    track_remove(t, e);
    return false;
}
