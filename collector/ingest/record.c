/* SPDX-License-Identifier: Apache-2.0 */
/* Records, and reading a batch back from the stream. */
#include "config.h"
#include "collector/ingest/record.h"

#include <stdlib.h>
#include <string.h>

#include "collector/ingest/ingest.h"
#include "collector/store/store.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/xalloc.h"
#include "common/zst.h"

bool record_has(const struct record *r, enum record_span which, size_t len)
{
    const struct span *s = &r->spans[which];
    return s->len > 0 && s->at <= len && s->len <= len - s->at;
}

void record_room_init(struct record_room *room, size_t text_max)
{
    buf_init(&room->text, text_max);
    room->list = NULL;
    room->count = 0;
}

struct record *record_room_for(struct record_room *room, size_t count)
{
    if (count > room->count) {
        free(room->list);
        room->list = xcalloc(count, sizeof(*room->list));
        room->count = count;
    }
    return room->list;
}

void record_room_free(struct record_room *room)
{
    buf_free(&room->text);
    free(room->list);
    room->list = NULL;
    room->count = 0;
}

static uint64_t number_field(const struct store_reply *fields, const char *name)
{
    int64_t n = store_reply_int(store_reply_field(fields, name));
    return n < 0 ? 0 : (uint64_t)n;
}

int record_batch_read(const struct store_reply *entry, struct record_batch *out)
{
    const struct store_reply *fields = store_reply_at(entry, 1);

    memset(out, 0, sizeof(*out));
    out->id = store_reply_text(store_reply_at(entry, 0), NULL);
    out->sensor = store_reply_text(store_reply_field(fields, "sensor"), NULL);
    out->site = store_reply_text(store_reply_field(fields, "site"), NULL);
    out->epoch = store_reply_text(store_reply_field(fields, "epoch"), NULL);
    out->lane = store_reply_text(store_reply_field(fields, "lane"), NULL);
    out->first = number_field(fields, "first");
    out->count = number_field(fields, "count");
    out->received_ns = number_field(fields, "recv");
    out->text_len = number_field(fields, "raw");
    out->frame =
        (const uint8_t *)store_reply_text(store_reply_field(fields, "frame"), &out->frame_len);
    out->skip = number_field(fields, "skip");
    if (!out->count || out->count > INGEST_COUNT_MAX || out->skip > INGEST_COUNT_MAX ||
        !*out->sensor || !*out->lane)
        return ABENG_EFORMAT;
    return ABENG_OK;
}

int record_batch_open(struct record_batch *b, struct record_room *room)
{
    struct record *list = record_room_for(room, b->skip + b->count);
    char why[320];

    buf_clear(&room->text);
    if (zst_decompress(b->frame, b->frame_len, &room->text) || room->text.len != b->text_len)
        return ABENG_EFORMAT;
    b->text = (const char *)room->text.data;
    b->list = list + b->skip;
    return ingest_scan(b->text, b->text_len, b->skip + b->count, list, why, sizeof(why));
}
