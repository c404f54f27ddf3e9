/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The image: a rule set as flat bytes, written by build.c, mapped by ruleset.c. A header names
 * sections; each is an array of one of the structs below; everything points by index into a
 * section. image_check looks at every index once, so that the packet path need look at none. Native
 * byte order: an image never leaves the machine type it was built on.
 */
#ifndef SENSOR_DETECT_IMAGE_H
#define SENSOR_DETECT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "sensor/detect/image_engine.h"
#include "sensor/detect/lanes.h"
#include "signatures/ruleset.h"

#define IMAGE_MAGIC        "ABENGIMG"
#define IMAGE_VERSION      18
#define IMAGE_VERSION_TEXT "18"
#define IMAGE_NAME_MAX     64
#define IMAGE_SIZE_MAX     ((size_t)1 << 30)
#define IMAGE_RULES_MAX    (1u << 18)
#define IMAGE_LISTS_MAX    32u  /* of one rule */
#define IMAGE_SPECS_MAX    128u /* distinct buffers with their transforms */
#define IMAGE_NAME_LEN_MAX 255u /* suffixes that the name tables hold */
#define IMAGE_NONE         UINT32_MAX

enum image_section {
    IMAGE_RULES,    /* struct image_rule, by order */
    IMAGE_LISTS,    /* struct sig_list; `first` in IMAGE_OPS */
    IMAGE_OPS,      /* struct sig_op */
    IMAGE_BLOB,     /* bytes: contents, regexes, xor keys */
    IMAGE_STRINGS,  /* NUL-ended texts; the first is "" */
    IMAGE_SPECS,    /* struct sig_bufspec */
    IMAGE_SETS,     /* struct image_span: in IMAGE_RANGES or IMAGE_PORTS; index 0 is any */
    IMAGE_RANGES,   /* struct sig_addr_range */
    IMAGE_PORTS,    /* struct sig_port_range */
    IMAGE_MEMBERS,  /* uint32_t: lists of rules, or of engines */
    IMAGE_ENGINES,  /* struct image_engine */
    IMAGE_PATTERNS, /* struct image_span in IMAGE_MEMBERS: the rules of a pattern */
    IMAGE_NAMES,    /* struct image_name */
    IMAGE_SLOTS,    /* uint32_t: hash slots of the name tables, index in IMAGE_NAMES + 1, 0: free */
    IMAGE_DATABASES,  /* bytes: serialised Hyperscan databases */
    IMAGE_PLANS,      /* struct image_plan, SIG_APP_COUNT * 2 */
    IMAGE_PORTMAPS,   /* struct image_portmap, IMAGE_CLASSES * 2 */
    IMAGE_PORT_EDGES, /* struct image_port_edge */
    IMAGE_IPMAPS,     /* struct image_ipmap, 2: by source, by destination */
    IMAGE_IP_EDGES,   /* struct image_ip_edge */
    IMAGE_REGEXES,    /* struct image_regex */
    IMAGE_SUPPRESS,   /* struct image_suppress */
    IMAGE_BITS,       /* uint64_t: hashes of the names of flowbits, then of flowints */
    IMAGE_SIEVE_BITS, /* uint32_t: filters of the sieves (stride.h) */
    IMAGE_GRAMS,      /* struct image_gram */
    IMAGE_GRAM_SLOTS, /* struct image_gram_slot: tables of grams */
    IMAGE_PLACES,     /* struct image_place */
    IMAGE_LANES,      /* struct image_lanes */
    IMAGE_DATASETS,   /* struct image_dataset */
    IMAGE_SECTIONS,
};

struct image_extent {
    uint64_t at;    /* from the image's start, 64-byte aligned */
    uint32_t count; /* elements */
    uint32_t size;  /* of one */
};

struct image_header {
    char magic[8];
    uint32_t version;
    uint32_t loaded; /* rules as the set counts them (`<>` once) */
    uint64_t len;    /* of the whole image */
    char name[IMAGE_NAME_MAX];
    uint32_t flowbits, flowints; /* parts of IMAGE_BITS */
    uint32_t de_first, de_count; /* decoder-event rules, in IMAGE_MEMBERS */
    uint32_t pd_first, pd_count; /* app-layer-protocol rules */
    uint32_t fr_first, fr_count; /* rules over frames */
    uint32_t ip_first, ip_count; /* IP-only rules for any address */
    struct image_extent sections[IMAGE_SECTIONS];
};

/** Addresses for which a rule is silent. */
struct image_suppress {
    uint32_t track; /* enum sig_track */
    uint32_t addrs; /* in IMAGE_SETS */
};

#define IMAGE_RULE_NOALERT (1u << 0)
#define IMAGE_RULE_PACKET  (1u << 1) /* wants packet payloads */
#define IMAGE_RULE_STREAM  (1u << 2) /* wants stream chunks */
#define IMAGE_RULE_PAYLOAD (1u << 3) /* has a list over SIG_BUF_PAYLOAD */
#define IMAGE_RULE_SEAM    (1u << 4) /* holds in any window of a stream that it holds in */
#define IMAGE_RULE_SENT    (1u << 5) /* found by a packet's property: wants one that was sent */
#define IMAGE_RULE_FILES   (1u << 6) /* asks of each file anew: its size or digest */
#define IMAGE_RULE_BYPASS  (1u << 7) /* its flow is not looked at any more */
#define IMAGE_RULE_STORE   8         /* from this bit on: the three of SIG_STORE_* */
#define IMAGE_RULE_AGAIN   (1u << 11) /* its contents are all negated: see tx.c */

struct image_rule {
    uint32_t sid, gid, rev, order, priority;
    uint8_t action, proto, app, kind, dirs, target, vars;
    uint32_t flags;          /* IMAGE_RULE_* */
    uint32_t flow;           /* SIG_FLOW_* */
    uint32_t src, dst;       /* address sets, 0: any */
    uint32_t sports, dports; /* port sets, 0: any */
    struct sig_threshold threshold, filter;
    struct image_span suppress;                   /* in IMAGE_SUPPRESS */
    struct image_span lists;                      /* in IMAGE_LISTS */
    struct image_span packet, post, shared;       /* in IMAGE_OPS */
    uint32_t msg, category, metadata, references; /* in IMAGE_STRINGS; 0 of the last two: NULL */
};

/** A name ending and the rules it leads to. */
struct image_name {
    uint64_t hash; /* image_suffix_step over its bytes, last first, lower case */
    struct sig_bytes bytes;
    struct image_span rules;
};

/** What the transactions of a protocol are scanned for in one direction. */
struct image_plan {
    struct image_span engines; /* in IMAGE_MEMBERS, by progress */
    struct image_span always;  /* rules that no pattern leads to */
};

/** Classes of packets that have port maps and payload databases of their own. */
enum image_class {
    IMAGE_CLASS_TCP,
    IMAGE_CLASS_UDP,
    IMAGE_CLASS_ICMP,
    IMAGE_CLASS_OTHER,
    IMAGE_CLASSES
};

/** What of a class and direction patterns are looked for in. */
enum image_payload { IMAGE_PAYLOAD_PACKET, IMAGE_PAYLOAD_STREAM, IMAGE_PAYLOADS };

/**
 * Packet rules of a class and direction by destination port to the server, by source port to the
 * client. Engines, in IMAGE_ENGINES or IMAGE_NONE: those of rules that name neither port nor
 * protocol here, those that name a port at the edge, those of a protocol by protocol.
 */
struct image_portmap {
    struct image_span edges;
    /* In IMAGE_MEMBERS: by the upper half of a port, and one more, how many edges begin below. */
    struct image_span halves;
    struct image_span always; /* rules without pattern for any port */
    uint32_t engines[IMAGE_PAYLOADS];
    uint32_t apps[IMAGE_PAYLOADS][SIG_APP_COUNT];
};

#define IMAGE_PORT_HALVES 257u

#define IMAGE_PORT_PACKET (1u << 0) /* some pattern looks at packets */
#define IMAGE_PORT_STREAM (1u << 1) /* some rule looks at the stream */

/** From `low` up to the next edge's. The first edge of a map is 0. */
struct image_port_edge {
    uint32_t low;
    uint32_t flags;
    struct image_span always; /* rules without pattern for this port */
    uint32_t engines[IMAGE_PAYLOADS];
};

/** Addresses at which the IP-only rules change. */
struct image_ipmap {
    struct image_span edges;
    /* In IMAGE_MEMBERS: by the upper half of an IPv4 address, and one more, how many edges begin
     * below that half's addresses. */
    struct image_span halves;
    /* In IMAGE_SIEVE_BITS: a bit by upper half, whether a rule holds at any of its addresses. Of
     * most none does, and all bits are in the nearest caches where `halves` are not. */
    struct image_span some;
};

#define IMAGE_HALVES 65537u
#define IMAGE_SOME   (IMAGE_HALVES / 32) /* words of `some` */

struct image_ip_edge {
    struct addr low;
    struct image_span rules;
};

struct image_regex {
    struct sig_bytes pattern;
    uint32_t options;
};

/** A named set of values; those that rules only ask are looked up in their table. */
struct image_dataset {
    uint64_t memory;        /* bytes; 0: as many as usual */
    uint32_t name, save;    /* in IMAGE_STRINGS; save: of its file, "": none */
    struct sig_bytes table; /* in IMAGE_BLOB: what it begins with */
    uint8_t kind, key_len;
    uint8_t changes, has_state;
};

/** An image in memory, checked. */
struct image {
    const uint8_t *bytes;
    size_t len;
    const struct image_header *header;
};

/** One more byte of a name ending, from its last to its first. */
static inline uint64_t image_suffix_step(uint64_t hash, uint8_t byte)
{
    hash = (hash ^ byte) * 0x9E3779B97F4A7C15ull;
    return hash ^ hash >> 29;
}

/** Hash of a flowbit's or flowint's name: the same in every image. */
uint64_t image_bit_hash(const char *name);

/** Section `s` of a checked image; its elements are `*count` (may be NULL). */
const void *image_section(const struct image *image, enum image_section s, uint32_t *count);

/** Size of one element of a section. */
size_t image_element_size(enum image_section s);

/**
 * Check all of it: `len` bytes at `bytes` (64-byte aligned), which may hold anything. 0 and `*out`
 * (views), or ABENG_EFORMAT with `reason`.
 */
int image_check(const void *bytes, size_t len, struct image *out, char *reason, size_t reason_len);

#endif
