/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of capture/: a capture file, read piece by piece, and the formats it can have.
 *
 * A file is read into a window, large pieces at a time; a record that reaches over the window's end
 * is carried to the next one's front. The memory is used again for each, so that what is looked at
 * is warm in the caches and nothing faults; or the caller lends it, for pieces that outlive the
 * next one.
 */
#ifndef SENSOR_CAPTURE_FILE_H
#define SENSOR_CAPTURE_FILE_H

#include "common/cursor.h"
#include "sensor/capture/source.h"

/** Most interfaces of one pcapng section that are kept; records of later ones count as bad blocks.
 */
#define FILE_INTERFACES_MAX 1024

/** Bytes that a window is filled to. */
#define FILE_WINDOW_BYTES ((size_t)256 << 10)

/** The longest record that is looked at: of one that a format lets be longer only the head is. */
#define FILE_RECORD_MAX ((size_t)512 << 10)

_Static_assert(CAPTURE_WINDOW_BYTES >= FILE_RECORD_MAX + FILE_WINDOW_BYTES, "room of a window");

/** What a format's `next` returns when the window ends within a record and the file does not. */
#define FILE_SHORT 2

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
    /** Next record: 1 with `out` filled, 0 for one that holds no frame, FILE_SHORT when more of the
     * file is needed first, ABENG_EOF at the end. */
    int (*next)(struct capture_file *f, struct frame *out);
};

struct capture_file {
    struct capture base;
    int fd;
    uint64_t size;     /* of the file */
    uint64_t read;     /* bytes of it that were read into the window, or passed over */
    uint8_t *memory;   /* of CAPTURE_WINDOW_BYTES, its own */
    uint8_t *window;   /* that, or what the caller lent last */
    struct cursor at;  /* over the window */
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

/**
 * The window ends in the middle of the record that starts at `start`: FILE_SHORT when the file goes
 * on, to come again with more of it; else file_truncated.
 */
int file_short(struct capture_file *f, const uint8_t *start);

/**
 * Pass over a record of `len` bytes from `start`, which need not be in the window. 0, or ABENG_EOF
 * when the file ends before it.
 */
int file_pass(struct capture_file *f, const uint8_t *start, uint64_t len);

#endif
