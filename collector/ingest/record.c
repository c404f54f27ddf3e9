/* SPDX-License-Identifier: Apache-2.0 */
/* The fixed record, and reading a batch back from the stream. */
#include "config.h"
#include "collector/ingest/record.h"

#include <stdlib.h>
#include <string.h>

#include "collector/ingest/ingest.h"
#include "collector/store/store.h"
#include "common/buf.h"
#include "common/cursor.h"
#include "common/err.h"
#include "common/event.h"
#include "common/xalloc.h"
#include "common/zst.h"

#define USED (4 + 8 * 3 + 32 + 4 + 12 + 8 + 4 * (RECORD_SPANS - 1))
#define WORDS (RECORD_SIZE / 8)

_Static_assert(USED <= RECORD_SIZE && RECORD_SIZE == 2 * 64, "a mask has a bit for two bytes");
_Static_assert(EVENT_LINE_MAX <= UINT16_MAX + 1, "places in a line are 16 bits");

/* Beside `target` in its byte. */
#define TO_CLIENT 4u

static uint8_t *put_le32(uint8_t *to, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(v >> 8 * i);
    return to + 4;
}

static uint8_t *put_le64(uint8_t *to, uint64_t v)
{
    return put_le32(put_le32(to, (uint32_t)v), (uint32_t)(v >> 32));
}

static uint8_t *put_addr(uint8_t *to, const struct addr *a)
{
    memcpy(to, a->bytes, sizeof(a->bytes));
    return to + sizeof(a->bytes);
}

/* A place within the line that begins at `from`. */
static uint8_t *put_place(uint8_t *to, const struct span *s, uint32_t from)
{
    return put_le32(to, s->len ? (s->at - from) | s->len << 16 : 0);
}

/* The fixed record; its line is said from `next` on, where it would begin. */
static void encode(uint8_t at[RECORD_SIZE], const struct record *r, uint32_t next)
{
    const struct span *line = &r->spans[RECORD_LINE];

    *at++ = (uint8_t)r->kind;
    *at++ = r->proto;
    *at++ = r->severity;
    *at++ = (uint8_t)(r->target | (r->to_client ? TO_CLIENT : 0));
    at = put_le64(at, r->time_ns);
    at = put_le64(at, r->shed);
    at = put_le64(at, r->lost);
    at = put_addr(at, &r->src);
    at = put_addr(at, &r->dst);
    at = put_le32(at, (uint32_t)r->src_port | (uint32_t)r->dst_port << 16);
    at = put_le32(at, r->gid);
    at = put_le32(at, r->sid);
    at = put_le32(at, r->rev);
    at = put_le32(put_le32(at, line->at - next), line->len);
    for (int i = RECORD_LINE + 1; i < RECORD_SPANS; i++)
        at = put_place(at, &r->spans[i], line->at);
    memset(at, 0, RECORD_SIZE - USED);
}

/* Where the line after `r` begins: after its newline. */
static uint32_t line_after(const struct record *r)
{
    return r->spans[RECORD_LINE].at + r->spans[RECORD_LINE].len + 1;
}

static uint64_t le64_at(const uint8_t *at)
{
    struct cursor c = cursor_make(at, 8);
    return cursor_le64(&c);
}

/* One piece for all: this runs for every alert there is. */
static void pack_one(struct buf *out, const uint8_t *now, const uint8_t *before)
{
    uint8_t *to = buf_room(out, RECORD_PACK_MAX), *at = to ? to + 8 : NULL;
    uint64_t mask = 0;

    for (unsigned w = 0; to && w < WORDS; w++) {
        uint64_t diff = le64_at(now + 8 * w) ^ le64_at(before + 8 * w);
        for (unsigned i = 4 * w; diff; i++, diff >>= 16) {
            if (!(diff & 0xffff))
                continue;
            mask |= 1ull << i;
            *at++ = (uint8_t)diff;
            *at++ = (uint8_t)(diff >> 8);
        }
    }
    if (!to)
        return;
    put_le64(to, mask);
    out->len += (size_t)(at - to);
}

void record_pack(struct buf *out, const struct record *list, uint64_t count)
{
    uint8_t fixed[2][RECORD_SIZE] = { { 0 } };
    uint32_t next = 0;

    for (uint64_t i = 0; i < count; i++) {
        encode(fixed[(i + 1) & 1], &list[i], next);
        pack_one(out, fixed[(i + 1) & 1], fixed[i & 1]);
        next = line_after(&list[i]);
    }
}

static void read_addr(struct cursor *in, struct addr *a)
{
    const uint8_t *bytes = cursor_take(in, sizeof(a->bytes));
    if (bytes)
        memcpy(a->bytes, bytes, sizeof(a->bytes));
}

static int decode(const uint8_t fixed[RECORD_SIZE], struct record *r, uint32_t next)
{
    struct cursor c = cursor_make(fixed, RECORD_SIZE), *in = &c;

    memset(r, 0, sizeof(*r));
    uint8_t kind = cursor_u8(in);
    r->proto = cursor_u8(in);
    r->severity = cursor_u8(in);
    uint8_t ways = cursor_u8(in);
    r->target = ways & (TO_CLIENT - 1);
    r->to_client = ways & TO_CLIENT;
    r->time_ns = cursor_le64(in);
    r->shed = cursor_le64(in);
    r->lost = cursor_le64(in);
    read_addr(in, &r->src);
    read_addr(in, &r->dst);
    r->src_port = cursor_le16(in);
    r->dst_port = cursor_le16(in);
    r->gid = cursor_le32(in);
    r->sid = cursor_le32(in);
    r->rev = cursor_le32(in);
    uint32_t line = cursor_le32(in) + next;
    r->spans[RECORD_LINE] = (struct span){ line, cursor_le32(in) };
    for (int i = RECORD_LINE + 1; i < RECORD_SPANS; i++) {
        uint32_t from = cursor_le16(in), len = cursor_le16(in);
        r->spans[i] = len ? (struct span){ line + from, len } : (struct span){ 0, 0 };
    }
    r->kind = kind;
    return kind > RECORD_OTHER ? ABENG_EFORMAT : ABENG_OK;
}

int record_unpack(struct cursor *in, struct record *list, uint64_t count)
{
    uint8_t fixed[RECORD_SIZE] = { 0 };
    uint32_t next = 0;
    int err = ABENG_OK;

    for (uint64_t i = 0; i < count && !err; i++) {
        for (uint64_t mask = cursor_le64(in); mask; mask &= mask - 1) {
            uint8_t *pair = fixed + 2 * __builtin_ctzll(mask);
            pair[0] ^= cursor_u8(in);
            pair[1] ^= cursor_u8(in);
        }
        err = in->bad ? ABENG_EFORMAT : decode(fixed, &list[i], next);
        next = line_after(&list[i]);
    }
    return err || cursor_left(in) ? ABENG_EFORMAT : ABENG_OK;
}

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
    out->packed =
        (const uint8_t *)store_reply_text(store_reply_field(fields, "packed"), &out->packed_len);
    out->skip = number_field(fields, "skip");
    if (!out->count || out->count > INGEST_COUNT_MAX || out->skip > INGEST_COUNT_MAX ||
        !*out->sensor || !*out->lane)
        return ABENG_EFORMAT;
    return ABENG_OK;
}

static int open_list(const struct record_batch *b, struct record *list)
{
    struct cursor c = cursor_make(b->packed, b->packed_len);
    char why[320];

    if (record_unpack(&c, list + b->skip, b->count) == ABENG_OK)
        return ABENG_OK;
    return ingest_scan(b->text, b->text_len, b->skip + b->count, list, why, sizeof(why));
}

int record_batch_open(struct record_batch *b, struct record_room *room)
{
    struct record *list = record_room_for(room, b->skip + b->count);

    buf_clear(&room->text);
    if (zst_decompress(b->frame, b->frame_len, &room->text) || room->text.len != b->text_len)
        return ABENG_EFORMAT;
    b->text = (const char *)room->text.data;
    b->list = list + b->skip;
    return open_list(b, list);
}
