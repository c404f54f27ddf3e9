/* SPDX-License-Identifier: Apache-2.0 */
/* Alerts for tests. */
#include "config.h"
#include "tests/unit/collector/alerts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "collector/ingest/ingest.h"
#include "collector/ingest/record.h"
#include "collector/store/store.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/xalloc.h"
#include "common/zst.h"

void alerts_line(struct buf *b, const char *time, const char *src, const char *dest, unsigned sid,
                 const char *signature)
{
    buf_printf(b,
               "{\"timestamp\":\"%s\",\"event_type\":\"alert\",\"src_ip\":\"%s\",\"src_port\":"
               "40000,\"dest_ip\":\"%s\","
               "\"dest_port\":80,\"proto\":\"TCP\",\"alert\":{\"gid\":1,\"signature_id\":%u,"
               "\"rev\":1,\"signature\":"
               "\"%s\",\"category\":\"x\",\"severity\":1}}\n",
               time, src, dest, sid, signature);
}

static void put_to(struct store *store, const char *state, struct buf *lines, unsigned count)
{
    struct buf frame;
    char reason[256], numbers[3][24], key[16], lane[16];
    struct store_reply *r;
    buf_init(&frame, 1 << 20);
    struct record *list = xcalloc(count, sizeof *list);
    if (ingest_scan(lines->data, lines->len, count, list, reason, sizeof reason))
        fail_msg("%s", reason);
    free(list);
    assert_int_equal(zst_compress(lines->data, lines->len, 3, &frame), 0);
    snprintf(key, sizeof key, "{%s}:ing", state);
    snprintf(lane, sizeof lane, "%s.urgent", state);
    snprintf(numbers[0], 24, "%u", count);
    snprintf(numbers[1], 24, "%llu", (unsigned long long)(clock_now(clock_system())));
    snprintf(numbers[2], 24, "%zu", lines->len);
    struct store_arg a[] = {
        STORE_TEXT("XADD"),     STORE_TEXT(key),        STORE_TEXT("*"),
        STORE_TEXT("sensor"),   STORE_TEXT("isp-1"),    STORE_TEXT("site"),
        STORE_TEXT("isp"),      STORE_TEXT("epoch"),    STORE_TEXT("00aa"),
        STORE_TEXT("lane"),     STORE_TEXT(lane),       STORE_TEXT("first"),
        STORE_TEXT("1"),        STORE_TEXT("count"),    STORE_TEXT(numbers[0]),
        STORE_TEXT("recv"),     STORE_TEXT(numbers[1]), STORE_TEXT("raw"),
        STORE_TEXT(numbers[2]), STORE_TEXT("frame"),    STORE_BYTES(frame.data, frame.len),
        STORE_TEXT("skip"),     STORE_TEXT("0"),
    };
    assert_int_equal(store_commandv(store_conn(store, NULL), a, sizeof a / sizeof *a, &r), 0);
    store_reply_free(r);
    buf_free(&frame);
}

void alerts_put(struct store *store, struct buf *lines, unsigned count)
{
    put_to(store, "jm", lines, count);
}

void alerts_put_to(struct store *store, const char *state, const char *src, const char *dest,
                   unsigned sid, const char *signature, unsigned count)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < count; i++)
        alerts_line(&b, "2026-11-20T10:00:00.000000+0000", src, dest, sid, signature);
    put_to(store, state, &b, count);
    buf_free(&b);
}

void alerts_put_beacons(struct store *store, unsigned victims, unsigned each)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    for (unsigned i = 0; i < victims * each; i++) {
        char victim[32];
        snprintf(victim, sizeof victim, "10.1.1.%u", 1 + i % victims);
        alerts_line(&b, "2026-11-20T10:00:00.000000+0000", victim, "203.0.113.9", 2000001,
                    "ET MALWARE Example CnC Checkin");
    }
    alerts_put(store, &b, victims * each);
    buf_free(&b);
}
