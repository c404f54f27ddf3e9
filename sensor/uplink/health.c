/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensor says of itself: numbers raised, versions, and the engine's own statistics. */
#include "config.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"
#include "sensor/uplink/internal.h"

#define STATS_MAX (1u << 20)
#define DROP_NAME 96
#define BLIND_MAX 32

/* Drops by stage and reason, flattened: "capture.kernel": 12. */
static void write_drops(struct json *j, const char *prefix, const json_t *drops)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)drops, key, value)
    {
        char name[DROP_NAME];
        snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);
        if (json_is_object(value) && !*prefix)
            write_drops(j, name, value);
        else if (json_is_integer(value) && json_integer_value(value) > 0)
            json_u64(j, name, (uint64_t)json_integer_value(value));
    }
}

static void write_number(struct json *j, const json_t *stats, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(stats, name));
    json_u64(j, name, n > 0 ? (uint64_t)n : 0);
}

/* What the engine cannot see any more; collectors make alarms of it. */
static void write_blind(struct json *j, const json_t *signs)
{
    size_t i;
    const json_t *sign;

    json_open_array(j, "blind");
    json_array_foreach(signs, i, sign)
    {
        if (i == BLIND_MAX)
            break;
        json_open(j, NULL);
        json_str(j, "what", json_string_value(json_object_get(sign, "what")));
        json_str(j, "where", json_string_value(json_object_get(sign, "where")));
        json_close(j);
    }
    json_close_array(j);
}

static void write_stats(const struct uplink *u, struct json *j)
{
    struct buf b;
    json_t *stats = NULL;

    buf_init(&b, STATS_MAX);
    if (u->conf->stats_path && file_read(u->conf->stats_path, &b) == ABENG_OK)
        stats = json_loadb((const char *)b.data, b.len, 0, NULL);
    buf_free(&b);
    write_number(j, stats, "packets");
    write_number(j, stats, "bytes");
    write_number(j, stats, "evidence_since_ms");
    const char *ruleset = json_string_value(json_object_get(stats, "ruleset"));
    if (ruleset)
        json_str(j, "ruleset", ruleset);
    json_open(j, "drops");
    write_drops(j, "", json_object_get(stats, "drops"));
    json_close(j);
    write_blind(j, json_object_get(stats, "blind"));
    json_decref(stats);
}

static void write_channels(struct uplink *u, struct json *j)
{
    json_open(j, "channel_versions");
    pthread_mutex_lock(&u->lock);
    for (unsigned i = 0; i < u->channel_count; i++) {
        if (u->channels[i].version)
            json_u64(j, u->channels[i].name, u->channels[i].version);
    }
    pthread_mutex_unlock(&u->lock);
    json_close(j);
}

void uplink_write_health(struct uplink *u, const struct uplink_lane *lanes, unsigned count,
                         struct buf *out)
{
    struct json j;

    json_begin(&j, out);
    json_open(&j, NULL);
    json_u64(&j, "time_ms", clock_now(clock_system()) / NS_PER_MS);
    json_str(&j, "version", PACKAGE_VERSION);
    json_open_array(&j, "lanes");
    for (unsigned i = 0; i < count; i++) {
        json_open(&j, NULL);
        json_str(&j, "lane", lanes[i].name);
        json_str(&j, "epoch", lanes[i].epoch);
        json_u64(&j, "raised", lanes[i].raised);
        json_close(&j);
    }
    json_close_array(&j);
    write_stats(u, &j);
    write_channels(u, &j);
    json_close(&j);
}
