/* SPDX-License-Identifier: Apache-2.0 */
/* Taking records and reading answers. */
#include "config.h"
#include "sensor/uplink/batch.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/zst.h"

/* The frame of what can't be compressed is a little longer. */
#define FRAME_MAX (BATCH_RAW_MAX + (64u << 10))

_Static_assert(BATCH_RAW_MAX > SPOOL_RECORD_MAX, "one record always fits");

void batch_init(struct batch *b)
{
    memset(b, 0, sizeof(*b));
    buf_init(&b->raw, BATCH_RAW_MAX);
    buf_init(&b->frame, FRAME_MAX);
}

void batch_free(struct batch *b)
{
    buf_free(&b->raw);
    buf_free(&b->frame);
}

uint64_t batch_last(const struct batch *b)
{
    return b->first + b->count - 1;
}

static void begin(struct batch *b, const struct spool_record *r)
{
    snprintf(b->epoch, sizeof(b->epoch), "%s", r->epoch);
    snprintf(b->lane, sizeof(b->lane), "%s", r->lane);
    b->first = r->number;
    b->after_hole = r->after_hole;
}

static bool joins(const struct batch *b, const struct spool_record *r)
{
    return strcmp(r->epoch, b->epoch) == 0 && r->number == b->first + b->count &&
           b->raw.len + r->len + 1 <= BATCH_RAW_MAX;
}

int batch_take(struct batch *b, struct spool_reader *spool, const char *lane, unsigned limit)
{
    struct spool_record r;
    int got = 0;

    b->count = 0;
    buf_clear(&b->raw);
    buf_clear(&b->frame);
    while (b->count < limit && (got = spool_reader_next(spool, lane, &r)) > 0) {
        if (!b->count)
            begin(b, &r);
        else if (!joins(b, &r)) {
            got = spool_reader_rewind(spool, lane, b->epoch, batch_last(b));
            break;
        }
        buf_add(&b->raw, r.bytes, r.len);
        buf_byte(&b->raw, '\n');
        b->count++;
    }
    if (got < 0)
        return got;
    if (!b->count)
        return 0;
    int err = zst_compress(b->raw.data, b->raw.len, ZST_LEVEL_DEFAULT, &b->frame);
    return err ? err : 1;
}

/* A number of the answer's object; false when it is not there. */
static bool read_committed(const struct buf *body, uint64_t *out)
{
    json_t *o = json_loadb((const char *)body->data, body->len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *n = json_object_get(o, "committed");
    bool ok = json_is_integer(n) && json_integer_value(n) >= 0;

    if (ok)
        *out = (uint64_t)json_integer_value(n);
    json_decref(o);
    return ok;
}

/* Only a refused record may be left out: another end that takes us for wrong must not empty the
 * spool. */
static bool is_bad_record(const struct batch *b, long status, const struct buf *body)
{
    json_t *o = json_loadb((const char *)body->data, body->len, JSON_REJECT_DUPLICATES, NULL);
    const char *rule = json_string_value(json_object_get(o, "rule"));
    bool bad = rule && status == 400 && strcmp(rule, "batch.record") == 0;
    bool large = rule && status == 413 && b->count > 1;

    json_decref(o);
    return bad || large;
}

enum batch_next batch_judge(const struct batch *b, long status, const struct buf *body,
                            uint64_t *committed)
{
    switch (status) {
    case 200:
        if (!read_committed(body, committed))
            return BATCH_WAIT;
        return *committed >= batch_last(b) ? BATCH_COMMITTED : BATCH_REWIND;
    case 409:
        return read_committed(body, committed) ? BATCH_REWIND : BATCH_WAIT;
    case 400:
    case 413:
        return is_bad_record(b, status, body) ? BATCH_BAD : BATCH_WAIT;
    case 401:
    case 403:
        return BATCH_REFUSED;
    default:
        return BATCH_WAIT;
    }
}
