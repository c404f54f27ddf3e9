/* SPDX-License-Identifier: Apache-2.0 */
/** What the files that build an image share: the image being made, rule by rule. */
#ifndef SENSOR_DETECT_BUILDER_H
#define SENSOR_DETECT_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "sensor/detect/image.h"
#include "sensor/detect/fastpattern.h"
#include "sensor/detect/intern.h"
#include "signatures/ruleset.h"

/** A rule of the image: a sig, or one half of a `<>` one. */
struct build_rule {
    const struct sig *sig;
    bool reversed;
    bool scanned[2]; /* a pattern leads to it in this direction */
    uint64_t apps;   /* APP_TX: protocols it can match in, bits 1 << enum sig_app */
};

/** A pattern or name and a rule it leads to. */
struct build_pair {
    uint32_t pattern, rule;
};

/** Bytes of a buffer that a pattern has to lie in, whatever rule it leads to. */
struct build_window {
    uint32_t from, to;
};

/** One engine being filled. */
struct build_engine {
    uint16_t spec;
    uint8_t dir;
    uint8_t step; /* enum image_step, known when all patterns are there */
    bool listed;  /* patterns shorter than a gram are so few that they are compared in turn */
    bool laned;   /* those that have a gram but are none of the many are few enough for lanes */
    bool whole;   /* of a port: it has the body patterns of any port too */
    uint64_t taken; /* of a port: protocols whose body patterns it has, bits 1 << enum sig_app */
    uint32_t within; /* of bodies: slot of the engine of files, which has its patterns too */
    uint64_t apps;
    struct intern patterns; /* runs of pattern_bytes: a flag byte (nocase), then the bytes */
    struct buf pattern_bytes;
    struct buf pattern_pairs; /* struct build_pair */
    struct buf windows;       /* struct build_window, by pattern */
    struct intern names;      /* runs of name_bytes, lower case */
    struct buf name_bytes;
    struct buf name_pairs;
    struct buf name_windows;
    char *dbs[IMAGE_TIERS]; /* serialised */
    size_t db_lens[IMAGE_TIERS];
    char *error; /* Hyperscan's words */
};

/** How a pattern is looked for. */
enum build_way {
    BUILD_WAY_HEAD,    /* at its fixed places */
    BUILD_WAY_FEW,     /* by lanes and its gram */
    BUILD_WAY_LISTED,  /* compared at each place that lanes let through */
    BUILD_WAY_MANY,    /* by its grams; Hyperscan knows it too */
    BUILD_WAY_SCANNED, /* by Hyperscan, always */
};

/** Slots of engines: one for each spec and direction, those of payloads for any port and by
 * protocol; those of ports are appended. */
#define BUILD_SLOT_PAYLOADS (IMAGE_SPECS_MAX * 2)
#define BUILD_SLOT_PORTS                                                                           \
    (BUILD_SLOT_PAYLOADS + IMAGE_CLASSES * 2 * IMAGE_PAYLOADS * (1 + SIG_APP_COUNT))

/** Ports of a class and direction: where the rules that apply change. */
struct build_ports {
    uint32_t *edges; /* ascending, the first is 0 */
    uint32_t count;
    uint32_t (*slots)[IMAGE_PAYLOADS]; /* engines by edge, or IMAGE_NONE */
};

struct rarity;
struct build_lanes;

struct builder {
    struct sig_ruleset *set;
    struct image_header header;
    struct buf sections[IMAGE_SECTIONS];
    struct build_rule *rules;
    uint32_t rule_count;
    struct intern strings, ranges, ports_known, sets, members, regexes;
    struct buf regex_keys;
    struct build_engine **engines; /* by slot; NULL: no pattern */
    uint32_t *engine_index;        /* by slot: in IMAGE_ENGINES, or IMAGE_NONE */
    uint32_t engine_count;
    struct build_ports ports[IMAGE_CLASSES][2];
    struct rarity *rarity;     /* of all patterns, once they are there */
    struct build_lanes *lanes; /* likewise */
    struct intern port_sets;   /* which rules an engine of ports is for: one each */
    struct buf port_set_bytes;
};

/** Append elements to a section; returns the index of the first. */
uint32_t builder_put(struct builder *b, enum image_section s, const void *elements, uint32_t count);

/** What lanes are made with: how often traffic has each index, as a settled model says. */
struct build_lanes *build_lanes_create(const struct rarity *r);

/** Free. NULL is allowed. */
void build_lanes_free(struct build_lanes *l);

/** A filter (lanes.h) of grams and of patterns shorter than one; returns its number. */
uint32_t builder_lanes(struct builder *b, const struct image_gram *grams, uint32_t count,
                       const struct image_gram *shorts, uint32_t short_count);

/** A list of rules or engines, kept once. */
struct image_span builder_members(struct builder *b, const uint32_t *members, uint32_t count);

/** Whether a packet of `cls` can fulfil the rule's protocol, and its `ip_proto`. */
bool builder_in_class(const struct builder *b, const struct sig *sig, enum image_class cls);

/** Slot in builder.engines of a transaction's buffer. */
uint32_t builder_slot_tx(uint16_t spec, unsigned dir);

/** Slot of a payload: of rules for any port, or of those of protocol `app`. */
uint32_t builder_slot_payload(enum image_class cls, unsigned dir, enum image_payload payload,
                              enum sig_app app);

/** The engine of a slot, made when it is not there. */
struct build_engine *builder_engine_open(struct builder *b, uint32_t slot, uint16_t spec,
                                         unsigned dir);

/** Give a pattern that leads to `rule` to an engine; `named`: it may go into a table of names. */
void builder_engine_add(struct build_engine *e, const struct fastpattern *p, bool named,
                        uint32_t rule);

/** Give all patterns of `from` that may stand anywhere to `to`, unless `to` has none of its own:
 * then false. */
bool builder_engine_complete(struct build_engine *to, const struct build_engine *from);

/** The same, but where more would have to be looked for than lanes find, and short ones than are
 * compared in turn, nothing is given: false. */
bool builder_engine_take(const struct builder *b, struct build_engine *to,
                         const struct build_engine *from);

/** Whether at most `most` patterns of `e` may stand anywhere, none of them shorter than a gram. */
bool builder_engine_is_small(const struct build_engine *e, uint32_t most);

/** The ports that choose a rule in direction `dir`: the server's. */
const struct sig_ports *builder_ports(const struct build_rule *r, unsigned dir);

/** Whether packets of `cls` have ports. */
bool builder_has_ports(enum image_class cls);

/** Whether the rule is run on packets or chunks of a stream. */
bool builder_is_packet_kind(const struct sig *sig);

/** Which payloads a rule's pattern is looked for in: bits 1 << enum image_payload. */
unsigned builder_payloads(const struct sig *sig, enum image_class cls);

/** Choose each rule's pattern and give it to its engines (build_engines.c). */
void builder_patterns(struct builder *b);

/** Give the patterns of rules that name ports to engines of those ports (build_ports.c). */
void builder_port_patterns(struct builder *b);

/** Give the patterns of bodies to the engines of files, which see the same bytes
 * (build_engines.c). */
void builder_bodies_join(struct builder *b);

/** How a pattern is looked for, once all are there. */
enum build_way builder_way(const struct build_engine *e, uint32_t pattern);

/** Fill the sieves and places of `out` (build_sieve.c). */
void builder_sieves(struct builder *b, const struct build_engine *e, struct image_engine *out);

/** Compile the engines and lay them into the image. 0, or ABENG_ERR with `reason`. */
int builder_engines(struct builder *b, char *reason, size_t reason_len);

/** Free them. */
void builder_engines_close(struct builder *b);

/** Lay the port maps into the image (build_ports.c). */
void builder_portmaps(struct builder *b);

/** Plans of the protocols, address maps, lists of the rare kinds (build_groups.c). */
void builder_groups(struct builder *b);

/** A growing list of numbers. Zeroed: empty; `all` is freed by its owner. */
struct numbers {
    uint32_t *all;
    uint32_t count, cap;
};

/** Append a number. */
void numbers_add(struct numbers *n, uint32_t value);

/** Sort them, each once. */
void numbers_sort(struct numbers *n);

#endif
