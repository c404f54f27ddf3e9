/* SPDX-License-Identifier: Apache-2.0 */
/* The pcap format (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds, and the
 * "modified" records. */
#include "config.h"

#include "common/err.h"
#include "sensor/capture/file.h"

#define MAGIC_MICRO 0xa1b2c3d4u
#define MAGIC_NANO  0xa1b23c4du
#define MAGIC_MODIFIED                                                                             \
    0xa1b2cd34u /* records carry eight more bytes: interface, protocol, packet type */

#define NS_PER_SECOND 1000000000u

static bool magic_known(uint32_t magic)
{
    return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_MODIFIED;
}

static bool pcap_open(struct capture_file *f)
{
    struct cursor peek = f->at;
    uint32_t magic = cursor_be32(&peek);
    f->big_endian = magic_known(magic);
    if (!f->big_endian)
        magic = __builtin_bswap32(magic);
    if (!magic_known(magic))
        return false;
    f->nanoseconds = magic == MAGIC_NANO;
    f->record_extra = magic == MAGIC_MODIFIED ? 8 : 0;
    cursor_skip(&f->at, 20);
    f->link =
        file_u32(f, &f->at) & 0xffff; /* the upper bits tell the length of a frame check sequence */
    return !f->at.bad;
}

static int pcap_next(struct capture_file *f, struct frame *out)
{
    const uint8_t *start = f->at.at;
    if (cursor_left(&f->at) == 0)
        return ABENG_EOF;
    uint64_t seconds = file_u32(f, &f->at);
    uint64_t fraction = file_u32(f, &f->at);
    uint32_t len = file_u32(f, &f->at);
    uint32_t wire_len = file_u32(f, &f->at);
    cursor_skip(&f->at, f->record_extra);
    if (!f->at.bad && len > CAPTURE_FRAME_MAX) {
        /* Nothing tells where the next record starts, so this is the end. */
        f->base.counts.bad_blocks++;
        return file_truncated(f);
    }
    const uint8_t *data = cursor_take(&f->at, len);
    if (!data)
        return file_short(f, start);
    *out = (struct frame){
        .data = data,
        .len = len,
        .wire_len = wire_len < len ? len : wire_len,
        .ts_ns = seconds * NS_PER_SECOND + fraction * (f->nanoseconds ? 1 : 1000),
        .link = f->link,
    };
    return 1;
}

const struct file_format file_format_pcap = { "pcap", pcap_open, pcap_next };
