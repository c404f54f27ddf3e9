/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The alert record, defined once: what a sensor writes, the link carries, the collector takes and
 * docs/EVENT.md describes.
 *
 * A record is one line of EVE JSON, named and ordered as Suricata 7.0.10 writes it, plus `ndpi` and
 * `abeng`. The sensor fills a `struct event_alert` (or _flow, _gap, _epoch) and writes it; the
 * collector, which believes no sensor, runs event_scan over the bytes: one pass that checks the
 * whole line as JSON and as UTF-8, takes the fields the platform works with, and leaves everything
 * else of the line alone, so records of other EVE producers pass through untouched. The names of
 * the fields stand in the tables of event_scan.c and the writers of event.c, nowhere else.
 */
#ifndef COMMON_EVENT_H
#define COMMON_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

struct buf;

/** Longest line, newline not counted; longer ones are neither written nor accepted. */
#define EVENT_LINE_MAX (64u << 10)

/** Deepest nesting of objects and arrays that is accepted. */
#define EVENT_DEPTH_MAX 8

enum event_type {
    EVENT_ALERT,
    EVENT_FLOW,
    EVENT_GAP,       /* ours: records that were shed or lost */
    EVENT_EPOCH,     /* ours: a new epoch and where the one before ended */
    EVENT_HEARTBEAT, /* ours: nothing to say, and alive */
    EVENT_OTHER,     /* any other event_type: valid, passed on, not worked with */
};

/** What packet, flow and producer give to alerts and flow records. */
struct event_base {
    uint64_t time_ns;
    uint64_t flow_id;     /* 0: not written */
    const char *in_iface; /* NULL: not written */
    uint64_t pcap_cnt;    /* 0: not written */
    const uint16_t *vlan;
    unsigned vlan_count;
    uint8_t ip_version; /* 0: no addresses */
    uint8_t proto;      /* ports are written for TCP, UDP and SCTP, type and code for ICMP */
    uint8_t icmp_type, icmp_code;
    struct addr src, dst;
    uint16_t sport, dport;
    const char *app_proto; /* NULL: not written */
    const char *members;   /* more JSON members, comma separated, no braces; may be NULL */
    size_t members_len;
};

/** Counters of a flow, client to server first. */
struct event_flow_counts {
    uint64_t packets[2], bytes[2];
    uint64_t start_ns;
};

/** `abeng.evidence`: where the packets of an alert's flow lie at the sensor. */
struct event_evidence {
    const char *file, *hash; /* BLAKE2b-256 in hexadecimal digits */
    uint64_t offset;
    uint32_t length, packets;
};

/** `abeng`: where the record stands and what made it. */
struct event_abeng {
    const char *epoch, *lane; /* NULL: the record is not numbered */
    uint64_t seq;
    const char *ruleset, *feed; /* name of the rule set, channel it came by; NULL: not written */
    const char *home;           /* code of the member state whose it is; NULL: not written */
    bool beyond;                /* an alert that the reference engine would not raise */
    uint32_t shed;              /* packets of the flow left out under pressure; 0: not written */
    const struct event_evidence *evidence; /* NULL: not written */
    const char *source;         /* name of the file that it was followed in; NULL: not written */
    uint64_t source_offset;     /* where its line begins there */
};

/** One alert. Strings may hold any bytes; what is not UTF-8 is written as U+FFFD. */
struct event_alert {
    struct event_base base;
    const char *pkt_src;   /* NULL: "wire/pcap" */
    const char *direction; /* "to_server", "to_client"; NULL: not written */
    bool has_tx, has_flow, blocked, stream;
    uint64_t tx_id;
    uint8_t tunnel_depth; /* 0: not in a tunnel */
    uint8_t severity;
    uint8_t target; /* 1: the packet's source is the target, 2: its destination, 0: not said */
    uint32_t gid, sid, rev;
    const char *signature, *category;
    const char *metadata; /* a JSON object, or NULL */
    struct event_flow_counts flow;
    struct addr flow_src, flow_dst; /* client and server */
    uint16_t flow_sport, flow_dport;
    struct event_abeng abeng;
};

/** One ended flow. */
struct event_flow {
    struct event_base base;
    struct event_flow_counts flow;
    uint64_t end_ns;
    const char *state;  /* "new", "established", "closed" */
    const char *reason; /* "timeout", "shutdown", "forced" */
    bool alerted;
    struct event_abeng abeng;
};

/** One packet of a session or host that a rule has tagged. */
struct event_packet {
    struct event_base base; /* app_proto is not written */
    const char *pkt_src;    /* NULL: "wire/pcap" */
    const void *data;
    size_t len;
    uint32_t linktype; /* as libpcap numbers them */
};

/**
 * Records of a lane that will never come: either the numbers `first` to `last`, which the collector
 * counts by position, or (first 0) `lost` ones that never got a number.
 */
struct event_gap {
    uint64_t time_ns, first, last, lost;
    const char *epoch; /* of the numbers, NULL: this one */
    const char *why;   /* one word: "shed", "disk_full", "disk_error", "ring_full" */
    struct event_abeng abeng;
};

/** The first record of a lane in an epoch. */
struct event_epoch {
    uint64_t time_ns;
    const char *previous; /* the epoch before, NULL when there was none */
    uint64_t last;        /* its last number in this lane, 0 when it had none */
    struct event_abeng abeng;
};

/** Append an alert as one line, without a newline. Sets `out->bad` when longer than its maximum. */
void event_alert_write(struct buf *out, const struct event_alert *a);

/** Append a flow record likewise. */
void event_flow_write(struct buf *out, const struct event_flow *f);

/** Append a tagged packet likewise. */
void event_packet_write(struct buf *out, const struct event_packet *p);

/** Append a gap record likewise. */
void event_gap_write(struct buf *out, const struct event_gap *g);

/** Append an epoch record likewise. */
void event_epoch_write(struct buf *out, const struct event_epoch *e);

/** Append a heartbeat likewise. */
void event_heartbeat_write(struct buf *out, uint64_t time_ns, const struct event_abeng *abeng);

/** Append another's line of `len` bytes (event_scan took it, no `abeng`) with ours last. */
void event_foreign_write(struct buf *out, const char *line, size_t len,
                         const struct event_abeng *abeng);

/** EVE's name of an IP protocol ("TCP", "IPv6-ICMP"), NULL when it has none. Static. */
const char *event_proto_name(uint8_t proto);

/** The protocol of a name or a decimal number of `len` bytes, or ABENG_ENOENT. */
int event_proto_find(const char *name, size_t len);

/** Texts of a record, each a run of the line's bytes: strings without quotes, still escaped. */
enum event_text {
    EVENT_TEXT_TIMESTAMP,
    EVENT_TEXT_TYPE,
    EVENT_TEXT_SIGNATURE,
    EVENT_TEXT_CATEGORY,
    EVENT_TEXT_ACTION,
    EVENT_TEXT_TARGET_IP, /* alert.target.ip */
    EVENT_TEXT_METADATA,  /* alert.metadata, a JSON object */
    EVENT_TEXT_APP_PROTO,
    EVENT_TEXT_DIRECTION,
    EVENT_TEXT_IN_IFACE,
    EVENT_TEXT_FLOW_START,
    EVENT_TEXT_HTTP_HOSTNAME,
    EVENT_TEXT_HTTP_URL,
    EVENT_TEXT_HTTP_USER_AGENT,
    EVENT_TEXT_HTTP_METHOD,
    EVENT_TEXT_TLS_SNI,
    EVENT_TEXT_TLS_SUBJECT,
    EVENT_TEXT_TLS_JA3,    /* tls.ja3.hash */
    EVENT_TEXT_DNS_RRNAME, /* of the first query, answer or the record itself */
    EVENT_TEXT_NDPI,       /* ndpi, a JSON object */
    EVENT_TEXT_NDPI_PROTO,
    EVENT_TEXT_NDPI_CATEGORY,
    EVENT_TEXT_NDPI_RISK, /* a JSON array */
    EVENT_TEXT_NDPI_JA3,
    EVENT_TEXT_EPOCH, /* abeng.* from here on */
    EVENT_TEXT_LANE,
    EVENT_TEXT_RULESET,
    EVENT_TEXT_FEED,
    EVENT_TEXT_HOME,
    EVENT_TEXT_SOURCE,         /* abeng.source.file */
    EVENT_TEXT_WHY,            /* gap */
    EVENT_TEXT_PREVIOUS_EPOCH, /* epoch */
    EVENT_TEXTS,
};

/** Where a text stands in the line. */
struct event_span {
    uint32_t at;
    uint32_t len;
    bool there; /* an empty string is there too */
};

/** A record as scanned. Numbers that are not there are 0. */
struct event {
    enum event_type type;
    uint64_t time_ns;
    uint64_t flow_id, tx_id, pcap_cnt;
    uint64_t flow_start_ns;
    uint64_t packets[2], bytes[2]; /* flow.*, to the server first */
    struct addr src, dst;
    bool has_src, has_dst, beyond, alerted;
    uint16_t sport, dport;
    int proto; /* IP protocol; -1: not there, or a name we do not know */
    uint32_t gid, sid, rev;
    uint8_t severity; /* 1 worst to 255; 0: not there */
    uint8_t target;   /* whose address alert.target.ip is: 1 src, 2 dst, 0 not said */
    uint64_t seq;     /* abeng.seq */
    uint64_t source_offset; /* abeng.source.offset */
    uint64_t gap_first, gap_last, gap_lost; /* gap: see struct event_gap */
    uint64_t previous_last;                 /* epoch */
    struct event_span text[EVENT_TEXTS];
};

/**
 * Check and take one line (`len` bytes, no newline). Strict JSON (RFC 8259), valid UTF-8, at most
 * EVENT_LINE_MAX bytes and EVENT_DEPTH_MAX levels, no field that we take twice in one object, the
 * fields we take of the right type. `timestamp` and `event_type` must be there, an alert needs
 * alert.signature_id too, gap and epoch records their lane. 0, or ABENG_EFORMAT or ABENG_ELIMIT
 * with one line in `reason` that names field and place. About a microsecond for a kilobyte;
 * allocates nothing; any thread.
 */
int event_scan(const char *line, size_t len, struct event *out, char *reason, size_t reason_len);

/**
 * Append a string's span unescaped (UTF-8; a NUL may be among it). 0, or ABENG_EFORMAT for bytes
 * that event_scan has not seen.
 */
int event_unescape(struct buf *out, const char *text, size_t len);

#endif
