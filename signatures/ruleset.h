/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A rule set as the loader holds it: every rule parsed, checked and lowered.
 *
 * The way of a rule: a line is cut by the lexer (lex.h), its header and options read (parse.h),
 * each option given to its keyword's table entry (keyword/…), which checks it and appends
 * instructions (program.h) to the list of the buffer it speaks of. When the line is through, the
 * rule as a whole is checked as Suricata 7.0.10 checks it (what it refuses is refused here, with
 * the reason) and its kind is set. sensor/detect then builds an image from the set; nothing here
 * is seen by the packet path. One thread uses a set; everything it points to lives in its arena
 * until it is freed.
 */
#ifndef SIGNATURES_RULESET_H
#define SIGNATURES_RULESET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "signatures/buffer.h"
#include "signatures/program.h"

struct arena;

enum sig_action { SIG_ACTION_PASS, SIG_ACTION_DROP, SIG_ACTION_REJECT, SIG_ACTION_ALERT };

/** What `alert X` names below the application. */
enum sig_proto {
    SIG_PROTO_IP,
    SIG_PROTO_TCP,
    SIG_PROTO_TCP_PKT,
    SIG_PROTO_TCP_STREAM,
    SIG_PROTO_UDP,
    SIG_PROTO_ICMP, /* v4 and v6 */
    SIG_PROTO_ICMPV4,
    SIG_PROTO_ICMPV6,
    SIG_PROTO_SCTP,
    SIG_PROTO_IPV4,
    SIG_PROTO_IPV6,
    SIG_PROTO_PKTHDR, /* any packet, decoder events */
};

/** When a rule runs: anchors 2.3 (detect-engine-build.c, SignatureSetType). */
enum sig_kind {
    SIG_KIND_IP_ONLY,
    SIG_KIND_LIKE_IP_ONLY,
    SIG_KIND_PD_ONLY,
    SIG_KIND_DE_ONLY,
    SIG_KIND_PKT,
    SIG_KIND_PKT_STREAM,
    SIG_KIND_STREAM,
    SIG_KIND_APPLAYER,
    SIG_KIND_APP_TX,
    SIG_KIND_FRAME,
};

/** An inclusive range of addresses; IPv4 mapped as in common/addr.h. */
struct sig_addr_range {
    struct addr low, high;
};

/** Addresses after variables and negation are worked out: sorted, disjoint. */
struct sig_addrs {
    bool any;
    bool negated; /* the text held a negation (LIKE_IP_ONLY) */
    uint32_t count;
    const struct sig_addr_range *ranges;
};

/** An inclusive range of ports. */
struct sig_port_range {
    uint16_t low, high;
};

/** Ports after variables and negation are worked out: sorted, disjoint. */
struct sig_ports {
    bool any;
    uint32_t count;
    const struct sig_port_range *ranges;
};

/* `flow:` and friends. */
#define SIG_FLOW_TOSERVER        (1u << 0)
#define SIG_FLOW_TOCLIENT        (1u << 1)
#define SIG_FLOW_ESTABLISHED     (1u << 2)
#define SIG_FLOW_NOT_ESTABLISHED (1u << 3)
#define SIG_FLOW_STATELESS       (1u << 4)
#define SIG_FLOW_ONLY_STREAM     (1u << 5)
#define SIG_FLOW_NO_STREAM       (1u << 6)
#define SIG_FLOW_ONLY_FRAG       (1u << 7)
#define SIG_FLOW_NO_FRAG         (1u << 8)

enum sig_transform_kind {
    SIG_TR_NONE,
    SIG_TR_TO_LOWERCASE,
    SIG_TR_TO_UPPERCASE,
    SIG_TR_COMPRESS_WHITESPACE,
    SIG_TR_STRIP_WHITESPACE,
    SIG_TR_DOTPREFIX,
    SIG_TR_HEADER_LOWERCASE,
    SIG_TR_STRIP_PSEUDO_HEADERS,
    SIG_TR_TO_MD5,
    SIG_TR_TO_SHA1,
    SIG_TR_TO_SHA256,
    SIG_TR_URL_DECODE,
    SIG_TR_XOR,
    SIG_TR_PCREXFORM,
};
#define SIG_TRANSFORMS_MAX 8

/**
 * A buffer as rules see it: a named one and what is done to it. Interned: rules name it by index.
 * Index 0 is PAYLOAD.
 */
struct sig_bufspec {
    enum sig_buffer buffer;
    uint8_t frame; /* enum sig_frame, of SIG_BUF_FRAME */
    uint8_t transform_count;
    uint8_t transforms[SIG_TRANSFORMS_MAX];         /* enum sig_transform_kind */
    struct sig_bytes arguments[SIG_TRANSFORMS_MAX]; /* xor key, regex */
};

/** Instructions over one buffer (or one instance of a multi-instance one). */
struct sig_list {
    uint16_t spec;         /* index of the sig_bufspec */
    uint8_t dirs;          /* SIG_DIRS_* in which this list applies */
    uint32_t first, count; /* in the rule set's ops */
};

enum sig_threshold_type {
    SIG_THRESHOLD_NONE,
    SIG_THRESHOLD_LIMIT,
    SIG_THRESHOLD_THRESHOLD,
    SIG_THRESHOLD_BOTH,
    SIG_THRESHOLD_DETECTION_FILTER,
    SIG_THRESHOLD_SUPPRESS,
    SIG_THRESHOLD_RATE, /* rate_filter of local policy */
};

/** threshold, detection_filter, rate_filter. */
struct sig_threshold {
    uint8_t type;   /* enum sig_threshold_type */
    uint8_t track;  /* enum sig_track */
    uint8_t action; /* rate_filter: enum sig_action that comes into force … */
    uint32_t count, seconds;
    uint32_t timeout; /* … for so many seconds */
};

/** Addresses for which a rule is silent. */
struct sig_suppress {
    uint8_t track; /* enum sig_track: SRC, DST, PAIR (either) */
    struct sig_addrs addrs;
};

/* Files of which directions filestore keeps; MATCH: of the one in which the rule matched. */
#define SIG_STORE_TOSERVER (1u << 0)
#define SIG_STORE_TOCLIENT (1u << 1)
#define SIG_STORE_MATCH    (1u << 2)

#define SIG_TARGET_NONE 0
#define SIG_TARGET_SRC  1
#define SIG_TARGET_DEST 2

/** One rule. */
struct sig {
    uint32_t sid, gid, rev;
    uint32_t priority; /* 1 is the most urgent */
    uint8_t action;    /* enum sig_action */
    uint8_t proto;     /* enum sig_proto */
    uint8_t app;       /* enum sig_app; SIG_APP_UNKNOWN: any */
    uint8_t kind;      /* enum sig_kind */
    uint8_t dirs;      /* SIG_DIRS_* it can match in */
    uint8_t target;    /* SIG_TARGET_* */
    bool noalert;
    uint8_t store;                         /* filestore: SIG_STORE_*; 0: none */
    bool bypass;                           /* its flow is not looked at any more */
    bool bidirectional;                    /* <>: sensor/detect makes two of it, one sid */
    bool requires_packet, requires_stream; /* anchors 2.4 point 1 */
    bool prefilter;                        /* `prefilter` keyword */
    bool packet_prefilter;                 /* … behind a test of packets */
    uint32_t flow;                         /* SIG_FLOW_* */
    struct sig_addrs src, dst;
    struct sig_ports sports, dports;
    struct sig_threshold threshold, filter;     /* threshold: and detection_filter: */
    const struct sig_suppress *const *suppress; /* of local policy */
    uint32_t suppress_count;
    const struct sig_list *lists; /* over buffers, in the order the rule names them */
    uint32_t list_count;
    uint32_t packet_first, packet_count; /* ops on packet, flow and state conditions */
    uint32_t post_first, post_count;     /* ops run when the rule matches (flowbits set, …) */
    uint8_t var_count;                   /* byte variables */
    /* place after the load-time sort (anchors 2.11); smaller runs first */
    uint32_t order;
    /* category: the classtype's description, "" without one */
    const char *msg, *classtype, *category;
    const char *metadata;   /* JSON object text for alert.metadata, or NULL */
    const char *references; /* JSON array text, or NULL */
    const char *text;       /* the whole line, as read */
    const char *file;       /* where it stands */
    uint32_t line;
};

/** What became of one rule; written for every rule, loaded or not. */
struct sig_verdict {
    const char *file;
    uint32_t line;
    uint32_t sid; /* 0 when the line has none that can be read */
    bool loaded;
    const char *reason; /* "" when loaded: else what, where in the rule, what to do */
};

/** A named set of values that rules ask for, and may change. */
struct sig_dataset {
    const char *name;
    const char *load, *save; /* names of its files, without folders; "": none */
    struct sig_bytes table;  /* what it begins with: signatures/lists.h */
    uint64_t memory;         /* bytes it may take; 0: as many as usual */
    uint8_t kind;            /* enum list_kind */
    uint8_t key_len;
    bool changes;   /* rules put values in or take them out, or it outlives a run */
    bool has_state; /* its file is the sensor's own: it is read from where it is saved */
};

/** A rule set. Made by sig_parse_* (parse.h), freed whole. */
struct sig_ruleset {
    struct arena *arena;
    struct sig *rules;
    uint32_t rule_count;
    struct sig_verdict *verdicts;
    uint32_t verdict_count;
    struct sig_op *ops;
    uint32_t op_count;
    struct sig_bufspec *specs;
    uint32_t spec_count;
    uint8_t *blob;
    uint32_t blob_len;
    const char **flowbits; /* interned names by id */
    uint32_t flowbit_count;
    const char **flowints;
    uint32_t flowint_count;
    const char **xbits; /* xbits and hostbits */
    uint32_t xbit_count;
    struct sig_dataset *datasets;
    uint32_t dataset_count;
};

#endif
