/* SPDX-License-Identifier: Apache-2.0 */
/* The pcapng format (draft-ietf-opsawg-pcapng): sections of either byte order, interfaces of any
 * link type. */
#include "config.h"

#include <stdlib.h>

#include "common/err.h"
#include "common/xalloc.h"
#include "sensor/capture/file.h"

#define BLOCK_SECTION    0x0a0d0d0au
#define BLOCK_INTERFACE  1u
#define BLOCK_PACKET     2u /* obsolete, still met */
#define BLOCK_SIMPLE     3u
#define BLOCK_ENHANCED   6u

#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#define OPTION_END       0
#define OPTION_TSRESOL   9
#define OPTION_TSOFFSET  14

#define NS_PER_SECOND    1000000000ull

static bool section_begin(struct capture_file *f, struct cursor *body)
{
    uint32_t magic = cursor_be32(body);
    if (body->bad || (magic != BYTE_ORDER_MAGIC && magic != __builtin_bswap32(BYTE_ORDER_MAGIC)))
        return false;
    f->big_endian = magic == BYTE_ORDER_MAGIC;
    f->interface_count = 0;
    return true;
}

/* if_tsresol: the high bit says whether the rest is a power of two or of ten. */
static void interface_resolution(struct file_interface *i, uint8_t resolution)
{
    unsigned power = resolution & 0x7f;
    if (resolution & 0x80) {
        i->ticks_per_second = 0;
        i->shift = power > 63 ? 63 : power;
        return;
    }
    i->ticks_per_second = 1;
    for (unsigned n = 0; n < power && n < 19; n++)
        i->ticks_per_second *= 10;
}

static void interface_options(struct capture_file *f, struct cursor *body, struct file_interface *i)
{
    while (cursor_left(body) >= 4) {
        uint16_t code = file_u16(f, body);
        uint16_t len = file_u16(f, body);
        struct cursor value = cursor_sub(body, len);
        cursor_skip(body, (4 - len % 4) % 4);
        if (code == OPTION_END || value.bad)
            return;
        if (code == OPTION_TSRESOL && len == 1)
            interface_resolution(i, cursor_u8(&value));
        if (code == OPTION_TSOFFSET && len == 8)
            i->offset_seconds =
                (int64_t)(f->big_endian ? cursor_be64(&value) : cursor_le64(&value));
    }
}

static int interface_add(struct capture_file *f, struct cursor *body)
{
    struct file_interface i = { .ticks_per_second = 1000000 };
    i.link = file_u16(f, body);
    cursor_skip(body, 2);
    i.snaplen = file_u32(f, body);
    if (body->bad || f->interface_count == FILE_INTERFACES_MAX) {
        f->base.counts.bad_blocks++;
        return 0;
    }
    interface_options(f, body, &i);
    if (f->interface_count == f->interface_cap) {
        f->interface_cap = f->interface_cap ? f->interface_cap * 2 : 4;
        f->interfaces = xreallocarray(f->interfaces, f->interface_cap, sizeof(i));
    }
    f->interfaces[f->interface_count++] = i;
    return 0;
}

static uint64_t interface_time(const struct file_interface *i, uint64_t ticks)
{
    uint64_t seconds, ns;
    if (i->ticks_per_second) {
        seconds = ticks / i->ticks_per_second;
        unsigned __int128 rest = (unsigned __int128)(ticks % i->ticks_per_second) * NS_PER_SECOND;
        ns = (uint64_t)(rest / i->ticks_per_second);
    } else {
        seconds = ticks >> i->shift;
        uint64_t rest = i->shift ? ticks & ((1ull << i->shift) - 1) : 0;
        ns = (uint64_t)(((unsigned __int128)rest * NS_PER_SECOND) >> i->shift);
    }
    return (seconds + (uint64_t)i->offset_seconds) * NS_PER_SECOND + ns;
}

static int bad_block(struct capture_file *f)
{
    f->base.counts.bad_blocks++;
    return 0;
}

static int packet_block(struct capture_file *f, struct cursor *body, bool old, struct frame *out)
{
    uint32_t id = old ? file_u16(f, body) : file_u32(f, body);
    if (old)
        cursor_skip(body, 2); /* drops count */
    uint64_t ticks = (uint64_t)file_u32(f, body) << 32;
    ticks |= file_u32(f, body);
    uint32_t len = file_u32(f, body);
    uint32_t wire_len = file_u32(f, body);
    const uint8_t *data = cursor_take(body, len);
    if (!data || len > CAPTURE_FRAME_MAX || id >= f->interface_count)
        return bad_block(f);
    const struct file_interface *i = &f->interfaces[id];
    *out = (struct frame){
        .data = data,
        .len = len,
        .wire_len = wire_len < len ? len : wire_len,
        .ts_ns = interface_time(i, ticks),
        .link = i->link,
    };
    return 1;
}

/* A simple packet has no time; its captured length follows from the interface's snap length. */
static int simple_block(struct capture_file *f, struct cursor *body, struct frame *out)
{
    uint32_t wire_len = file_u32(f, body);
    if (body->bad || f->interface_count == 0)
        return bad_block(f);
    uint32_t len = wire_len;
    if (f->interfaces[0].snaplen && len > f->interfaces[0].snaplen)
        len = f->interfaces[0].snaplen;
    const uint8_t *data = cursor_take(body, len);
    if (!data || len > CAPTURE_FRAME_MAX)
        return bad_block(f);
    *out = (struct frame){
        .data = data, .len = len, .wire_len = wire_len, .link = f->interfaces[0].link
    };
    return 1;
}

static int block_body(struct capture_file *f, uint32_t type, struct cursor *body, struct frame *out)
{
    switch (type) {
    case BLOCK_INTERFACE:
        return interface_add(f, body);
    case BLOCK_ENHANCED:
        return packet_block(f, body, false, out);
    case BLOCK_PACKET:
        return packet_block(f, body, true, out);
    case BLOCK_SIMPLE:
        return simple_block(f, body, out);
    default:
        return 0;
    }
}

/* A block longer than any packet's: only what carries none may be so long. */
static int long_block(struct capture_file *f, const uint8_t *start, uint32_t type, uint32_t len)
{
    bool meant = type == BLOCK_INTERFACE || type == BLOCK_ENHANCED || type == BLOCK_PACKET ||
                 type == BLOCK_SIMPLE;
    int r = file_pass(f, start, len);
    if (r == 0 && meant)
        f->base.counts.bad_blocks++;
    return r;
}

static int pcapng_next(struct capture_file *f, struct frame *out)
{
    if (cursor_left(&f->at) == 0)
        return ABENG_EOF;
    const uint8_t *start = f->at.at;
    struct cursor peek = f->at;
    uint32_t type = file_u32(f, &peek);
    uint32_t len = file_u32(f, &peek);
    if (type == BLOCK_SECTION && !peek.bad) {
        /* A section's byte order stands after its length. */
        if (cursor_left(&peek) < 4)
            return file_short(f, start);
        if (!section_begin(f, &(struct cursor){ peek.at, peek.end, false }))
            return bad_block(f), file_truncated(f);
        struct cursor again = { peek.at - 4, peek.end, false };
        len = file_u32(f, &again);
    }
    if (peek.bad)
        return file_short(f, start);
    if (len < 12 || len % 4) {
        f->base.counts.bad_blocks++;
        return file_truncated(f);
    }
    if (len > FILE_RECORD_MAX)
        return long_block(f, start, type, len);
    struct cursor block = cursor_sub(&f->at, len);
    if (block.bad)
        return file_short(f, start);
    cursor_skip(&block, 8);
    struct cursor body = cursor_sub(&block, len - 12);
    if (file_u32(f, &block) != len)
        f->base.counts.bad_blocks++; /* the lengths differ: the first one is believed */
    return block_body(f, type, &body, out);
}

static bool pcapng_open(struct capture_file *f)
{
    struct cursor peek = f->at;
    if (cursor_be32(&peek) != BLOCK_SECTION)
        return false;
    cursor_skip(&peek, 4);
    return section_begin(f, &peek);
}

const struct file_format file_format_pcapng = { "pcapng", pcapng_open, pcapng_next };
