/* SPDX-License-Identifier: Apache-2.0 */
/* Records of ingest as observations. */
#include "config.h"
#include "collector/correlate/intake.h"

#include <string.h>

#include "collector/correlate/observation.h"
#include "collector/ingest/record.h"
#include "common/clock.h"

static struct text text_of(const struct record *r, enum record_span which, const char *text,
                           size_t len)
{
    if (!record_has(r, which, len))
        return (struct text){ NULL, 0 };
    return (struct text){ text + r->spans[which].at, r->spans[which].len };
}

/*
 * The rest after `"key":"value` in a line that is valid JSON. A quote inside a string is escaped,
 * so the pattern can't stand in one.
 */
static const char *after(struct text line, const char *pattern)
{
    const char *at = line.len ? memmem(line.at, line.len, pattern, strlen(pattern)) : NULL;
    return at ? at + strlen(pattern) : NULL;
}

void intake_observe(const struct record_batch *batch, const struct record *r, const char *text,
                    size_t len, struct observation *out)
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
        .signature = text_of(r, RECORD_SIGNATURE, text, len),
        .category = text_of(r, RECORD_CATEGORY, text, len),
        .metadata = text_of(r, RECORD_METADATA, text, len),
        .app_proto = text_of(r, RECORD_APP_PROTO, text, len),
        .name = text_of(r, RECORD_NAME, text, len),
        .ja3 = text_of(r, RECORD_JA3, text, len),
        .ndpi = text_of(r, RECORD_NDPI, text, len),
        .ruleset = text_of(r, RECORD_RULESET, text, len),
        .feed = text_of(r, RECORD_FEED, text, len),
        .line = text_of(r, RECORD_LINE, text, len),
    };
    out->to_client = after(out->line, "\"direction\":\"to_client\"") != NULL;
    out->has_target = r->target != 0;
    out->target = r->target == 1 ? r->src : r->dst;
}
