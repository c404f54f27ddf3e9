/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of capture/: a capture file in memory and the formats that can be read from it. */
#ifndef SENSOR_CAPTURE_FILE_H
#define SENSOR_CAPTURE_FILE_H

#include "common/cursor.h"
#include "sensor/capture/source.h"

/** Most interfaces of one pcapng section that are kept; records of later ones count as bad blocks.
 */
#define FILE_INTERFACES_MAX 1024

struct file_interface {
    uint32_t link, snaplen;
    uint64_t ticks_per_second; /* 0: a power of two, in `shift` */
    unsigned shift;
    int64_t offset_seconds;
};

struct capture_file;

/** How one format gives its records. */
struct file_format {
    const char *name;
    /** Read the file's header; whether it is this format. */
    bool (*open)(struct capture_file *f);
    /** Next record: 1 with `out` filled, 0 for one that holds no frame, ABENG_EOF at the end. */
    int (*next)(struct capture_file *f, struct frame *out);
};

struct capture_file {
    struct capture base;
    const uint8_t *map;
    size_t size;
    size_t window; /* bytes asked for; pages two windows behind are gone */
    struct cursor at;
    const struct file_format *format;
    bool big_endian;
    bool nanoseconds;                        /* pcap */
    uint32_t record_extra;                   /* pcap: bytes after a record's header */
    uint32_t link;                           /* pcap */
    uint32_t interface_count, interface_cap; /* pcapng, of the current section */
    struct file_interface *interfaces;
};

extern const struct file_format file_format_pcap;
extern const struct file_format file_format_pcapng;

/** Next two bytes in the file's byte order. */
static inline uint16_t file_u16(const struct capture_file *f, struct cursor *c)
{
    return f->big_endian ? cursor_be16(c) : cursor_le16(c);
}

/** Next four bytes in the file's byte order. */
static inline uint32_t file_u32(const struct capture_file *f, struct cursor *c)
{
    return f->big_endian ? cursor_be32(c) : cursor_le32(c);
}

/** The file ends in the middle of a record: count it once. Returns ABENG_EOF. */
int file_truncated(struct capture_file *f);

#endif
