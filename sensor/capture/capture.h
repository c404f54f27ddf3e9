/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where packets come from.
 *
 * A capture hands out bursts of frames. A frame's bytes belong to the capture and are valid until
 * the next burst is asked for (a ring block, a piece of a file): nobody copies unless it keeps.
 * Files are read to their last whole packet; a live ring is a descriptor that the monitor opened
 * and keeps, so that a restarted engine goes on at the oldest block. Time is the capture's own, in
 * nanoseconds. Each source is one const table entry (capture_source) in the file that implements
 * it.
 */
#ifndef SENSOR_CAPTURE_H
#define SENSOR_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_BURST_MAX 64

/** What a window of a file may take: the longest record and a piece behind it. */
#define CAPTURE_WINDOW_BYTES ((size_t)768 << 10)

/** One captured frame. */
struct frame {
    const uint8_t *data;
    uint32_t len;      /* bytes captured */
    uint32_t wire_len; /* bytes it had on the wire */
    uint64_t ts_ns;
    uint32_t link;     /* LINKTYPE_* of tcpdump.org */
    uint16_t vlan_tci; /* tag that the kernel took out of the frame; valid when vlan_present */
    bool vlan_present;
};

struct capture_counts {
    uint64_t packets, bytes;  /* handed out */
    uint64_t received;        /* live: by the kernel's count, dropped ones included */
    uint64_t kernel_drops;    /* the ring was full */
    uint64_t truncated_files; /* captures cut in mid-record */
    uint64_t bad_blocks;      /* records that are not what their format says, skipped */
};

struct capture;

/**
 * Open a capture file (pcap in both byte orders, micro- and nanoseconds; pcapng with several
 * interfaces of several link types) from a descriptor, which the capture owns from then on. `name`
 * is for messages, copied. NULL when it is no capture, with one line in `reason`.
 */
struct capture *capture_open_file(int fd, const char *name, char *reason, size_t reason_len);

/**
 * Take over an AF_PACKET TPACKET_V3 socket that capture_live_socket set up (perhaps in an earlier
 * engine) and map its ring. The descriptor stays the caller's to pass on; the capture closes its
 * own copy. NULL with `reason` on failure.
 */
struct capture *capture_open_ring(int fd, const char *name, char *reason, size_t reason_len);

/** libpcap live, where AF_PACKET is not to be had; opens by itself, so only in a process that may.
 */
struct capture *capture_open_pcap(const char *interface, char *reason, size_t reason_len);

/** How a live socket is made; all sizes are bytes or milliseconds. */
struct capture_live_conf {
    const char *interface;
    uint32_t ring_bytes;     /* rounded up to whole blocks of 128 KiB; 0: 64 MiB */
    uint32_t retire_ms;      /* a part-filled block is handed over after this; 0: 20 */
    uint16_t fanout_group;   /* sockets of one group share the traffic */
    uint16_t fanout_members; /* 1: no fanout */
    const char *bpf;         /* libpcap filter text, or NULL */
};

/**
 * Open, size, filter, bind and join the fanout group (symmetric IP-pair steering by classic BPF,
 * the same hash as decode_steer) of one AF_PACKET socket. Runs in the monitor. The descriptor, or
 * an `enum abeng_err` with `reason`.
 */
int capture_live_socket(const struct capture_live_conf *conf, char *reason, size_t reason_len);

/**
 * AF_XDP on receive queue `queue`, copied or not as the driver can: opened by the monitor, read by
 * an engine forked from it, as often as there is a new one; capture_close leaves it open. The
 * ring's bytes become frames of 4 KiB. NULL with `reason`, also where libxdp is not built in.
 */
struct capture *capture_open_xdp(const struct capture_live_conf *conf, unsigned queue, char *reason,
                                 size_t reason_len);

/** End what capture_open_xdp opened. NULL is allowed. The monitor. */
void capture_xdp_end(struct capture *c);

/** Whether the kernel has what capture_live_socket needs: 0, ABENG_EIO without packet sockets (or
 * the right to them), ABENG_EUNSUPPORTED without TPACKET_V3. */
int capture_live_probe(void);

/**
 * Next burst: up to `max` (≤ CAPTURE_BURST_MAX) frames into `out`. Returns how many; 0 when none
 * came within `wait_ms` (live) or a piece of a file held none; ABENG_EOF at the end of a file. What
 * earlier bursts handed out is gone.
 */
int capture_next(struct capture *c, struct frame *out, unsigned max, unsigned wait_ms);

/**
 * Read a file's next piece into `memory` (CAPTURE_WINDOW_BYTES, the caller's), with what is left of
 * the one at hand before it. From then on capture_next says 0 where a piece ends instead of reading
 * on, and frames are valid as long as their piece's memory is: until it is given here again. Only
 * for files.
 */
void capture_window(struct capture *c, uint8_t *memory);

/** Counters so far; live drops are added up from the kernel's read-and-clear counter. */
void capture_counts(struct capture *c, struct capture_counts *out);

/**
 * How full the ring is behind the frames that were handed out, in thousandths of its blocks, as of
 * the newest block; 0 for what is no ring. Cheap: for each burst.
 */
unsigned capture_fill(const struct capture *c);

/**
 * Where the newest burst of a ring began: the kernel's number of its block, and how many frames of
 * that came before it. False for what is no ring.
 */
bool capture_place(const struct capture *c, uint64_t *block, uint32_t *frame);

/**
 * Go on where an earlier reader of the ring stopped: when its block is still there, behind the
 * first `through` frames of it, and without frame `skip` (UINT32_MAX: none). Before the first
 * capture_next.
 */
void capture_resume(struct capture *c, uint64_t block, uint32_t through, uint32_t skip);

/** Bytes of a file read so far and in all, for progress; 0 and 0 when live. */
void capture_progress(const struct capture *c, uint64_t *done, uint64_t *all);

/** Close. NULL is allowed. */
void capture_close(struct capture *c);

#endif
