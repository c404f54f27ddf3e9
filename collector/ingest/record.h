/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The fixed record per alert, and the stream entry that carries a batch of them.
 *
 * Ingest decompresses a sensor's frame once, scans each line once, and stores the frame as it came
 * plus one record per line; the state's worker folds from the records and opens the frame only for
 * what becomes a sample. An entry of {jm}:ing:
 *
 *   sensor  id from the certificate            first   number of the first record
 *   site    from the certificate               count   records in the entry
 *   epoch   16 hex digits                      recv    ns since 1970, when accepted
 *   lane    "jm.urgent"                        raw     length of the frame decompressed
 *   frame   the sensor's zstd frame            recs    count * RECORD_SIZE bytes, little-endian
 *   skip    lines of the frame before `first` (an overlap that was skipped by position)
 *
 * Record i is number first + i. Spans are (offset, length) into the decompressed frame, which
 * record_batch_open gives.
 */
#ifndef COLLECTOR_INGEST_RECORD_H
#define COLLECTOR_INGEST_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

struct buf;
struct cursor;
struct store_reply;

enum record_kind {
    RECORD_ALERT,
    RECORD_GAP,   /* the sensor says: `lost` records are gone (spool cap, damage) */
    RECORD_EPOCH, /* the first of its lane in a new epoch */
    RECORD_OTHER, /* anything else of EVE: flow, heartbeat; kept, not folded */
};

/** Texts of an alert, as spans; inside JSON strings, so still escaped. */
enum record_span {
    RECORD_LINE,      /* the whole record, a JSON object */
    RECORD_SIGNATURE, /* alert.signature */
    RECORD_CATEGORY,  /* alert.category */
    RECORD_METADATA,  /* alert.metadata, a JSON object */
    RECORD_APP_PROTO, /* app_proto */
    RECORD_NAME,      /* tls.sni, http.hostname or dns rrname, whichever is there */
    RECORD_JA3,       /* tls.ja3.hash or ndpi.ja3 */
    RECORD_NDPI,      /* ndpi, a JSON object */
    RECORD_RULESET,   /* abeng.ruleset */
    RECORD_FEED,      /* abeng.feed */
    RECORD_HOME,      /* abeng.home */
    RECORD_SPANS,
};

struct span {
    uint32_t at;
    uint32_t len; /* 0: not there */
};

struct record {
    enum record_kind kind;
    uint64_t time_ns; /* the alert's timestamp */
    uint64_t flow_id; /* RECORD_GAP: numbers that were shed */
    uint64_t lost; /* RECORD_GAP: records that never got a number; RECORD_EPOCH: last one before */
    struct addr src;
    struct addr dst;
    uint16_t src_port;
    uint16_t dst_port;
    uint8_t proto;    /* IP protocol number; 0 unknown */
    uint8_t severity; /* 1 worst .. 255; 0 not given */
    uint8_t target;   /* 1: src is the target, 2: dst, 0: the rule does not say */
    uint32_t gid;
    uint32_t sid;
    uint32_t rev;
    struct span spans[RECORD_SPANS];
};

/** Bytes of one encoded record. */
#define RECORD_SIZE (4 + 8 * 3 + 32 + 4 + 12 + 8 * RECORD_SPANS)

/** Append one record; exactly RECORD_SIZE bytes. */
void record_encode(struct buf *out, const struct record *r);

/** Read one record; 0 or ABENG_EFORMAT. */
int record_decode(struct cursor *in, struct record *r);

/** A stream entry, decoded; pointers are into the reply it came from. */
struct record_batch {
    const char *id; /* of the stream entry */
    const char *sensor;
    const char *site;
    const char *epoch;
    const char *lane;
    uint64_t first;
    uint64_t count;
    uint64_t received_ns;
    const uint8_t *records;
    size_t records_len;
    const uint8_t *frame;
    size_t frame_len;
    size_t raw_len;
};

/** Read one XRANGE/XREAD entry (id, fields); 0 or ABENG_EFORMAT. */
int record_batch_read(const struct store_reply *entry, struct record_batch *out);

/** Record `i` of a batch; 0 or ABENG_EFORMAT. */
int record_batch_at(const struct record_batch *b, size_t i, struct record *out);

/**
 * Decompress the batch's frame into `out` (cleared first; its max must allow raw_len); 0 or
 * ABENG_EFORMAT.
 */
int record_batch_open(const struct record_batch *b, struct buf *out);

/** Whether span `which` of `r` lies within `len` bytes and is there. */
bool record_has(const struct record *r, enum record_span which, size_t len);

#endif
