/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: names, headers, records, and the walk that survives damage. */
#include "config.h"
#include "sensor/spool/segment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/crc32c.h"
#include "common/cursor.h"
#include "common/err.h"
#include "common/xalloc.h"

#define HEADER_MAGIC    "ABENGSPL"
#define HEADER_VERSION  1
#define HEADER_LANES_AT 64
#define HEADER_CRC_AT   4072
#define HEADER_MARK_AT  4080
#define RECORD_MAGIC    0x31434552u /* "REC1" */
#define WINDOW_BYTES    (256u << 10)

static const char *const class_names[SEGMENT_CLASSES] = {
    [SEGMENT_URGENT] = "urgent",
    [SEGMENT_BULK] = "bulk",
};

enum segment_class segment_class_of(const char *lane)
{
    const char *dot = strrchr(lane, '.');
    return dot && strcmp(dot, ".urgent") == 0 ? SEGMENT_URGENT : SEGMENT_BULK;
}

void segment_name(enum segment_class class, uint64_t serial, char out[SEGMENT_NAME_MAX])
{
    snprintf(out, SEGMENT_NAME_MAX, "%s-%016" PRIx64 ".seg", class_names[class], serial);
}

bool segment_name_parse(const char *name, enum segment_class *class, uint64_t *serial)
{
    char again[SEGMENT_NAME_MAX];
    for (unsigned i = 0; i < SEGMENT_CLASSES; i++) {
        size_t n = strlen(class_names[i]);
        if (strncmp(name, class_names[i], n) != 0 || name[n] != '-')
            continue;
        *class = (enum segment_class)i;
        *serial = strtoull(name + n + 1, NULL, 16);
        segment_name(*class, *serial, again);
        return strcmp(name, again) == 0;
    }
    return false;
}

void segment_epoch_text(const uint8_t epoch[SPOOL_EPOCH_BYTES], char out[2 * SPOOL_EPOCH_BYTES + 1])
{
    for (unsigned i = 0; i < SPOOL_EPOCH_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", epoch[i]);
}

/* All of `len` bytes at `at`; 0 or ABENG_EIO. */
static int write_at(int fd, const void *bytes, size_t len, uint64_t at)
{
    const uint8_t *p = bytes;
    while (len) {
        ssize_t n = pwrite(fd, p, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ABENG_EIO;
        p += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return ABENG_OK;
}

/* Up to `len` bytes at `at`; how many there were, or ABENG_EIO. */
static ssize_t read_at(int fd, void *bytes, size_t len, uint64_t at)
{
    size_t have = 0;
    while (have < len) {
        ssize_t n = pread(fd, (uint8_t *)bytes + have, len - have, (off_t)(at + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ABENG_EIO;
        if (!n)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

static void put_le32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static void put_le64(uint8_t *p, uint64_t v)
{
    put_le32(p, (uint32_t)v);
    put_le32(p + 4, (uint32_t)(v >> 32));
}

int segment_header_write(int fd, const struct segment_header *h)
{
    uint8_t b[SEGMENT_HEADER] = { 0 };
    memcpy(b, HEADER_MAGIC, 8);
    put_le32(b + 8, HEADER_VERSION);
    put_le32(b + 12, h->lane_count);
    memcpy(b + 16, h->epoch, SPOOL_EPOCH_BYTES);
    put_le64(b + 32, h->serial);
    put_le64(b + 40, h->created_ns);
    for (uint32_t i = 0; i < h->lane_count; i++) {
        uint8_t *lane = b + HEADER_LANES_AT + (size_t)i * (SPOOL_LANE_MAX + 8);
        memcpy(lane, h->lanes[i].name, SPOOL_LANE_MAX);
        put_le64(lane + SPOOL_LANE_MAX, h->lanes[i].next);
    }
    put_le32(b + HEADER_CRC_AT, crc32c(b, HEADER_CRC_AT));
    put_le64(b + HEADER_MARK_AT, SEGMENT_HEADER);
    put_le32(b + HEADER_MARK_AT + 8, crc32c(b + HEADER_MARK_AT, 8));
    return write_at(fd, b, sizeof(b), 0);
}

int segment_header_read(int fd, struct segment_header *out)
{
    uint8_t b[SEGMENT_HEADER];
    ssize_t n = read_at(fd, b, sizeof(b), 0);
    if (n < 0)
        return ABENG_EIO;
    struct cursor c = cursor_make(b, (size_t)n);
    const uint8_t *magic = cursor_take(&c, 8);
    uint32_t version = cursor_le32(&c);
    memset(out, 0, sizeof(*out));
    out->lane_count = cursor_le32(&c);
    const uint8_t *epoch = cursor_take(&c, SPOOL_EPOCH_BYTES);
    out->serial = cursor_le64(&c);
    out->created_ns = cursor_le64(&c);
    if (n != SEGMENT_HEADER || memcmp(magic, HEADER_MAGIC, 8) != 0 || version != HEADER_VERSION ||
        out->lane_count > SEGMENT_LANES_MAX)
        return ABENG_EFORMAT;
    struct cursor sum = cursor_make(b + HEADER_CRC_AT, 4);
    if (cursor_le32(&sum) != crc32c(b, HEADER_CRC_AT))
        return ABENG_EFORMAT;
    memcpy(out->epoch, epoch, SPOOL_EPOCH_BYTES);
    cursor_skip(&c, HEADER_LANES_AT - 48);
    for (uint32_t i = 0; i < out->lane_count; i++) {
        memcpy(out->lanes[i].name, cursor_take(&c, SPOOL_LANE_MAX), SPOOL_LANE_MAX);
        out->lanes[i].name[SPOOL_LANE_MAX - 1] = 0;
        out->lanes[i].next = cursor_le64(&c);
    }
    return ABENG_OK;
}

int segment_mark_write(int fd, uint64_t end)
{
    uint8_t b[12];
    put_le64(b, end);
    put_le32(b + 8, crc32c(b, 8));
    return write_at(fd, b, sizeof(b), HEADER_MARK_AT);
}

/* The other process may be writing it just now: a mark that does not add up is read again. */
uint64_t segment_mark_read(int fd)
{
    for (int i = 0; i < 100; i++) {
        uint8_t b[12];
        if (read_at(fd, b, sizeof(b), HEADER_MARK_AT) != (ssize_t)sizeof(b))
            break;
        struct cursor c = cursor_make(b, sizeof(b));
        uint64_t end = cursor_le64(&c);
        if (cursor_le32(&c) == crc32c(b, 8) && end >= SEGMENT_HEADER)
            return end;
    }
    return SEGMENT_HEADER;
}

uint64_t segment_lane_next(const struct segment_header *h, const char *lane)
{
    for (uint32_t i = 0; i < h->lane_count; i++) {
        if (strcmp(h->lanes[i].name, lane) == 0)
            return h->lanes[i].next;
    }
    return 1;
}

static uint32_t record_crc(const uint8_t *header, const void *rest, size_t len)
{
    uint8_t first[8];
    put_le32(first, crc32c(header, SEGMENT_RECORD_HEADER - 4));
    put_le32(first + 4, crc32c(rest, len));
    return crc32c(first, sizeof(first));
}

void segment_record_encode(struct buf *out, const struct segment_record *r)
{
    size_t name = strlen(r->lane), start = out->len;
    buf_le32(out, RECORD_MAGIC);
    buf_le32(out, r->len);
    buf_byte(out, (uint8_t)r->kind);
    buf_byte(out, (uint8_t)name);
    buf_add(out, "\0\0", 2);
    buf_le64(out, r->number);
    buf_le32(out, 0);
    buf_add(out, r->lane, name);
    buf_add(out, r->bytes, r->len);
    if (out->bad)
        return;
    uint8_t *at = out->data + start;
    put_le32(at + SEGMENT_RECORD_HEADER - 4,
             record_crc(at, at + SEGMENT_RECORD_HEADER, name + r->len));
}

void segment_walk_begin(struct segment_walk *w, int fd, uint64_t at, uint64_t end)
{
    *w = (struct segment_walk){ .fd = fd, .at = at ? at : SEGMENT_HEADER, .end = end };
    w->good_end = w->at;
    w->window = xmalloc(WINDOW_BYTES);
}

/* Bytes of the file from w->at on: at least a whole record, where so much is before the end. */
static int walk_fill(struct segment_walk *w, struct cursor *out)
{
    const size_t most = SEGMENT_RECORD_HEADER + SPOOL_LANE_MAX + SPOOL_RECORD_MAX;
    uint64_t left = w->end > w->at ? w->end - w->at : 0;
    uint64_t want = left < most ? left : most;
    if (w->at < w->from || w->at + want > w->from + w->have) {
        ssize_t n = read_at(w->fd, w->window, left < WINDOW_BYTES ? left : WINDOW_BYTES, w->at);
        w->from = w->at;
        w->have = n < 0 ? 0 : (size_t)n;
        if (n < 0)
            return ABENG_EIO;
    }
    uint64_t skip = w->at - w->from;
    *out = cursor_make(w->window + skip, w->have > skip ? w->have - skip : 0);
    return ABENG_OK;
}

/* The record at the cursor: how long it is, 0 when there is no good one. */
static size_t record_decode(struct cursor c, struct segment_record *out)
{
    const uint8_t *start = c.at;
    uint32_t magic = cursor_le32(&c);
    out->len = cursor_le32(&c);
    out->kind = (enum spool_kind)cursor_u8(&c);
    uint8_t name = cursor_u8(&c);
    cursor_skip(&c, 2);
    out->number = cursor_le64(&c);
    uint32_t crc = cursor_le32(&c);
    if (c.bad || magic != RECORD_MAGIC || name >= SPOOL_LANE_MAX || out->len > SPOOL_RECORD_MAX)
        return 0;
    const uint8_t *lane = cursor_take(&c, name);
    out->bytes = cursor_take(&c, out->len);
    if (c.bad || crc != record_crc(start, lane, (size_t)name + out->len))
        return 0;
    memset(out->lane, 0, sizeof(out->lane));
    memcpy(out->lane, lane, name);
    return (size_t)(c.at - start);
}

/* How far from the cursor the next record's magic may stand; at least 1, at most all of it. */
static size_t resync(struct cursor c)
{
    size_t left = cursor_left(&c);
    for (size_t i = 1; i < left; i++) {
        const uint8_t *hit = memchr(c.at + i, RECORD_MAGIC & 0xff, left - i);
        if (!hit)
            break;
        i = (size_t)(hit - c.at);
        if (left - i < 4 || memcmp(hit, "REC1", 4) == 0)
            return i;
    }
    return left ? left : 1;
}

int segment_walk_next(struct segment_walk *w, struct segment_record *out)
{
    while (w->at < w->end) {
        struct cursor c;
        if (walk_fill(w, &c) < 0)
            return ABENG_EIO;
        if (!cursor_left(&c))
            return 0; /* the file is shorter than it should be */
        size_t len = record_decode(c, out);
        if (len) {
            w->at += len;
            w->good_end = w->at;
            return 1;
        }
        size_t step = resync(c);
        w->at += step;
        w->damaged += step;
    }
    return 0;
}

void segment_walk_free(struct segment_walk *w)
{
    free(w->window);
    *w = (struct segment_walk){ .fd = -1 };
}
