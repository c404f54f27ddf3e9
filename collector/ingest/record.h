/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The fixed record per alert, and the stream entry that carries a batch of them.
 *
 * Ingest decompresses a sensor's frame once, scans each line once, and stores the frame as it came.
 * Fold and archive work from the records: in the process that took the batch they get text and
 * records as ingest left them (fresh.h); what they read from the stream instead (after a restart,
 * or where another process took it) is opened and scanned again, since each byte that an entry is
 * longer costs the store more than that costs the few who do it. An entry of {jm}:ing:
 *
 *   sensor  id from the certificate            first   number of the first record
 *   site    from the certificate               count   records in the entry
 *   epoch   16 hex digits                      recv    ns since 1970, when accepted
 *   lane    "jm.urgent"                        raw     length of the frame decompressed
 *   frame   the sensor's zstd frame
 *   skip    lines of the frame before `first` (an overlap that was skipped by position)
 *
 * Record i is number first + i. Spans are (offset, length) into the decompressed frame.
 */
#ifndef COLLECTOR_INGEST_RECORD_H
#define COLLECTOR_INGEST_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/buf.h"

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
    uint64_t shed;    /* RECORD_GAP: numbers that were given up */
    uint64_t lost; /* RECORD_GAP: records that never got a number; RECORD_EPOCH: last one before */
    struct addr src;
    struct addr dst;
    uint16_t src_port;
    uint16_t dst_port;
    uint8_t proto;    /* IP protocol number; 0 unknown */
    uint8_t severity; /* 1 worst .. 255; 0 not given */
    uint8_t target;   /* 1: src is the target, 2: dst, 0: the rule does not say */
    bool to_client;   /* which way the packet went */
    uint32_t gid;
    uint32_t sid;
    uint32_t rev;
    struct span spans[RECORD_SPANS];
};

/** Memory that batches are opened into, one after the other. */
struct record_room {
    struct buf text;
    struct record *list; /* owned */
    size_t count;        /* that `list` has place for */
};

/** Empty room for a text of at most `text_max` bytes. */
void record_room_init(struct record_room *room, size_t text_max);

/** The list, with place for `count` records; what it held is gone. */
struct record *record_room_for(struct record_room *room, size_t count);

/** Free what it holds; it may be used again. */
void record_room_free(struct record_room *room);

/** A batch; what it points at is the stream's reply's, or ingest's own memory. */
struct record_batch {
    const char *id; /* of the stream entry */
    const char *sensor;
    const char *site;
    const char *epoch;
    const char *lane;
    uint64_t first;
    uint64_t count;
    uint64_t skip; /* lines of the text before the first record */
    uint64_t received_ns;
    const uint8_t *frame;
    size_t frame_len;
    const char *text; /* the frame decompressed; NULL until it is open */
    size_t text_len;
    const struct record *list; /* `count` records; NULL until it is open */
};

/** Read one XRANGE/XREAD entry (id, fields); 0 or ABENG_EFORMAT. It has to be opened. */
int record_batch_read(const struct store_reply *entry, struct record_batch *out);

/** Unpack and scan text and records into `room`, which must outlive their use. 0, ABENG_EFORMAT. */
int record_batch_open(struct record_batch *b, struct record_room *room);

/** Whether span `which` of `r` lies within `len` bytes and is there. */
bool record_has(const struct record *r, enum record_span which, size_t len);

#endif
