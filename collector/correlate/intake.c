/* SPDX-License-Identifier: Apache-2.0 */
/* Records of ingest as observations. */
#include "config.h"
#include "collector/correlate/intake.h"

#include <string.h>

#include "collector/correlate/observation.h"
#include "collector/ingest/record.h"
#include "common/clock.h"

static struct text text_of(const struct record *r, enum record_span which,
                           const struct record_batch *b)
{
    if (!record_has(r, which, b->text_len))
        return (struct text){ NULL, 0 };
    return (struct text){ b->text + r->spans[which].at, r->spans[which].len };
}

void intake_observe(const struct record_batch *batch, const struct record *r,
                    struct observation *out)
{
    *out = (struct observation){
        .time_ms = r->time_ns / NS_PER_MS,
        .received_ms = batch->received_ns / NS_PER_MS,
        .src = r->src,
        .dest = r->dst,
        .src_port = r->src_port,
        .dest_port = r->dst_port,
        .proto = r->proto,
        .severity = r->severity,
        .gid = r->gid,
        .sid = r->sid,
        .rev = r->rev,
        .sensor = {batch->sensor, strlen(batch->sensor)},
        .signature = text_of(r, RECORD_SIGNATURE, batch),
        .category = text_of(r, RECORD_CATEGORY, batch),
        .metadata = text_of(r, RECORD_METADATA, batch),
        .app_proto = text_of(r, RECORD_APP_PROTO, batch),
        .name = text_of(r, RECORD_NAME, batch),
        .ja3 = text_of(r, RECORD_JA3, batch),
        .ndpi = text_of(r, RECORD_NDPI, batch),
        .ruleset = text_of(r, RECORD_RULESET, batch),
        .feed = text_of(r, RECORD_FEED, batch),
        .line = text_of(r, RECORD_LINE, batch),
    };
    out->to_client = r->to_client;
    out->has_target = r->target != 0;
    out->target = r->target == 1 ? r->src : r->dst;
}
