/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting hits. A window begins with an event and holds while the packet's time is not later than
 * begin + seconds; the first event after it begins the next.
 *   limit             the first `count` of a window
 *   threshold         each `count`th; the window goes on; a count of 1 is always
 *   both              once in a window, at the `count`th
 *   detection_filter  all beyond the `count`th
 *   rate_filter       alerts of another action, for a while after the `count`th
 */
#include "config.h"
#include "sensor/alert/threshold.h"

#include <string.h>

#include "common/clock.h"
#include "signatures/program.h"
#include "signatures/ruleset.h"

struct track_key threshold_key(enum track_kind kind, uint32_t gid, uint64_t id, uint8_t track,
                               const struct addr *src, const struct addr *dst)
{
    struct track_key key;
    memset(&key, 0, sizeof(key));
    key.kind = kind;
    key.gid = gid;
    key.id = id;
    if (track == SIG_TRACK_SRC) {
        key.a = *src;
    } else if (track == SIG_TRACK_DST) {
        key.a = *dst;
    } else if (track == SIG_TRACK_PAIR) {
        bool swap = addr_compare(src, dst) > 0;
        key.a = swap ? *dst : *src;
        key.b = swap ? *src : *dst;
    }
    return key;
}

/* The first event of a window. */
static enum threshold_word begin(const struct sig_threshold *th, struct track_entry *e,
                                 uint64_t now_us)
{
    e->start_us = now_us;
    e->expires_us = now_us + th->seconds * US_PER_S;
    e->count = 1;
    bool first =
        th->type == SIG_THRESHOLD_LIMIT || (th->type == SIG_THRESHOLD_BOTH && th->count == 1);
    return first ? THRESHOLD_YES : THRESHOLD_NO;
}

/* A further event of a window. */
static enum threshold_word go_on(const struct sig_threshold *th, struct track_entry *e)
{
    if (e->count < UINT32_MAX)
        e->count++;
    switch (th->type) {
    case SIG_THRESHOLD_LIMIT:
        return e->count <= th->count ? THRESHOLD_YES : THRESHOLD_SILENT;
    case SIG_THRESHOLD_BOTH:
        return e->count == th->count  ? THRESHOLD_YES
               : e->count > th->count ? THRESHOLD_SILENT
                                      : THRESHOLD_NO;
    case SIG_THRESHOLD_DETECTION_FILTER:
        return e->count > th->count ? THRESHOLD_YES : THRESHOLD_NO;
    default:
        if (e->count < th->count)
            return THRESHOLD_NO;
        e->count = 0;
        return THRESHOLD_YES;
    }
}

enum threshold_word threshold_pass(struct track_table *t, const struct sig_threshold *threshold,
                                   const struct track_key *key, uint64_t now_us, bool *evicted)
{
    *evicted = false;
    if (threshold->type == SIG_THRESHOLD_THRESHOLD && threshold->count == 1)
        return THRESHOLD_YES;
    struct track_entry *e = track_find(t, key);
    if (e && now_us <= e->expires_us)
        return go_on(threshold, e);
    if (!e)
        e = track_add(t, key, now_us, evicted);
    return begin(threshold, e, now_us);
}

/* A window begins with an event and holds as above; time in force is counted in whole seconds. */
bool rate_reached(struct track_table *t, const struct sig_threshold *rate,
                  const struct track_key *key, uint64_t now_us, bool *evicted)
{
    struct track_entry *e = track_find(t, key);
    uint64_t now_s = now_us / US_PER_S;
    *evicted = false;
    if (e && e->since_s) {
        if (now_s <= e->since_s || now_s - e->since_s <= rate->timeout)
            return true;
        e->since_s = 0;
        return false;
    }
    if (!e)
        e = track_add(t, key, now_us, evicted);
    else if (now_us <= e->start_us + rate->seconds * US_PER_S && ++e->count > rate->count)
        e->since_s = now_s;
    if (!e->count || now_us > e->start_us + rate->seconds * US_PER_S) {
        e->start_us = now_us;
        e->count = 1;
    }
    e->expires_us = now_us + ((uint64_t)rate->seconds + rate->timeout) * US_PER_S;
    return e->since_s;
}
