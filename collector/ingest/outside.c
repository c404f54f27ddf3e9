/* SPDX-License-Identifier: Apache-2.0 */
/* Reports as alert records. */
#include "config.h"
#include "collector/ingest/outside.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ingest/ingest.h"
#include "collector/ingest/record.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/addr.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/crc32c.h"
#include "common/err.h"
#include "common/json.h"
#include "common/xalloc.h"
#include "common/zst.h"

/** Generator of rules that people are; Suricata's own begin at 1. */
#define OUTSIDE_GID 900

static void write_alert(struct json *j, const struct outside_report *r)
{
    char category[160];
    snprintf(category, sizeof category, "RSIT %s", r->rsit);
    json_open(j, "alert");
    json_str(j, "action", "allowed");
    json_u64(j, "gid", OUTSIDE_GID);
    json_u64(j, "signature_id", crc32c(r->rsit, strlen(r->rsit)) & 0x7fffffff);
    json_u64(j, "rev", 1);
    json_str(j, "signature", r->title);
    json_str(j, "category", category);
    json_u64(j, "severity", 2);
    json_open(j, "target");
    json_str(j, "ip", r->victim);
    json_close(j);
    json_close(j);
}

int outside_add(struct buf *lines, const struct outside_report *r, char *why, size_t why_len)
{
    char time[CLOCK_TEXT_MAX];
    struct addr a;
    struct json j;
    if (addr_parse(r->victim, &a) || (r->peer && addr_parse(r->peer, &a))) {
        snprintf(why, why_len, "%s is not an address",
                 r->peer && *r->peer ? "victim or peer" : "the victim");
        return ABENG_EINVAL;
    }
    clock_format_eve(r->seen_ns, time);
    json_begin(&j, lines);
    json_open(&j, NULL);
    json_str(&j, "timestamp", time);
    json_str(&j, "event_type", "alert");
    json_str(&j, "src_ip", r->peer ? r->peer : r->victim);
    json_u64(&j, "src_port", 0);
    json_str(&j, "dest_ip", r->victim);
    json_u64(&j, "dest_port", r->port);
    json_str(&j, "proto", "TCP");
    write_alert(&j, r);
    json_open(&j, "abeng");
    json_str(&j, "feed", r->source ? r->source : "report");
    json_close(&j);
    json_close(&j);
    buf_byte(lines, '\n');
    return 0;
}

/* The epoch is new for each report, so that its numbers begin at one. */
static int accept(struct store_conn *c, const char *state, const struct buf *lines,
                  const struct buf *frame, unsigned count, uint64_t now_ns)
{
    char epoch[17], lane[16], n[4][24];
    uint8_t random[8];
    struct store_reply *r;
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(epoch, sizeof epoch, random, sizeof random);
    snprintf(lane, sizeof lane, "%s.urgent", state);
    snprintf(n[0], 24, "%u", count);
    snprintf(n[1], 24, "%llu", (unsigned long long)(now_ns / NS_PER_MS));
    snprintf(n[2], 24, "%llu", (unsigned long long)now_ns);
    snprintf(n[3], 24, "%zu", lines->len);
    struct store_key keys[] = { store_key(state, "ing"), store_key(state, "pos:" OUTSIDE_SENSOR),
                                store_key(state, "ledger:" OUTSIDE_SENSOR),
                                store_key(state, "hours:" OUTSIDE_SENSOR),
                                store_key(state, "tip") };
    struct store_arg names[] = { STORE_KEY(keys[0]), STORE_KEY(keys[1]), STORE_KEY(keys[2]),
                                 STORE_KEY(keys[3]), STORE_KEY(keys[4]) };
    const struct store_arg zero = STORE_TEXT("0");
    const struct store_arg args[] = {
        STORE_TEXT(epoch), STORE_TEXT(lane), STORE_TEXT("1"), STORE_TEXT(n[0]), zero,
        STORE_TEXT(""), zero, STORE_TEXT(n[1]), zero, zero, zero, zero, zero,
        /* the entry: record.h */
        STORE_TEXT("sensor"), STORE_TEXT(OUTSIDE_SENSOR), STORE_TEXT("site"),
        STORE_TEXT(OUTSIDE_SENSOR), STORE_TEXT("epoch"), STORE_TEXT(epoch), STORE_TEXT("lane"),
        STORE_TEXT(lane), STORE_TEXT("first"), STORE_TEXT("1"), STORE_TEXT("count"),
        STORE_TEXT(n[0]), STORE_TEXT("skip"), zero, STORE_TEXT("recv"), STORE_TEXT(n[2]),
        STORE_TEXT("raw"), STORE_TEXT(n[3]), STORE_TEXT("frame"),
        STORE_BYTES(frame->data, frame->len)
    };
    int err = store_call(c, "abeng_accept", names, 5, args, sizeof args / sizeof *args, &r);
    store_reply_free(r);
    return err;
}

int outside_put(struct store_conn *c, const char *state, const struct buf *lines, unsigned count,
                uint64_t now_ns, char *why, size_t why_len)
{
    struct record *list = xcalloc(count, sizeof *list);
    struct buf frame;
    buf_init(&frame, INGEST_FRAME_MAX);
    int err = lines->bad || lines->len > INGEST_RAW_MAX ? ABENG_EFORMAT : 0;
    if (err)
        snprintf(why, why_len, "the report is too large; split it");
    if (!err)
        err = ingest_scan(lines->data, lines->len, count, list, why, why_len);
    if (!err)
        err = zst_compress(lines->data, lines->len, 3, &frame);
    if (!err)
        err = accept(c, state, lines, &frame, count, now_ns);
    buf_free(&frame);
    free(list);
    return err;
}
