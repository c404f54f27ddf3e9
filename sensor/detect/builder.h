/* SPDX-License-Identifier: Apache-2.0 */
/** What the files that build an image share: the image being made, rule by rule. */
#ifndef SENSOR_DETECT_BUILDER_H
#define SENSOR_DETECT_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "sensor/detect/image.h"
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
    uint64_t apps;
    struct intern patterns; /* runs of pattern_bytes: a flag byte (nocase), then the bytes */
    struct buf pattern_bytes;
    struct buf pattern_pairs; /* struct build_pair */
    struct buf windows;       /* struct build_window, by pattern */
    struct intern names;      /* runs of name_bytes, lower case */
    struct buf name_bytes;
    struct buf name_pairs;
    char *dbs[IMAGE_TIERS]; /* serialised */
    size_t db_lens[IMAGE_TIERS];
    char *error; /* Hyperscan's words */
};

/**
 * Engines: one for each spec and direction, then those of payloads by class and direction.
 */
#define BUILD_ENGINES_MAX (IMAGE_SPECS_MAX * 2 + IMAGE_CLASSES * 2 * IMAGE_PAYLOADS)

struct builder {
    struct sig_ruleset *set;
    struct image_header header;
    struct buf sections[IMAGE_SECTIONS];
    struct build_rule *rules;
    uint32_t rule_count;
    struct intern strings, ranges, ports, sets, members, regexes;
    struct buf regex_keys;
    struct build_engine engines[BUILD_ENGINES_MAX];
    uint32_t engine_index[BUILD_ENGINES_MAX]; /* in IMAGE_ENGINES, or IMAGE_NONE */
};

/** Append elements to a section; returns the index of the first. */
uint32_t builder_put(struct builder *b, enum image_section s, const void *elements, uint32_t count);

/** A list of rules or engines, kept once. */
struct image_span builder_members(struct builder *b, const uint32_t *members, uint32_t count);

/** Whether a packet of `cls` can fulfil the rule's protocol. */
bool builder_in_class(const struct sig *sig, enum image_class cls);

/** Slot in builder.engines of a transaction's buffer. */
uint32_t builder_engine_tx(uint16_t spec, unsigned dir);

/** Slot of a payload. */
uint32_t builder_engine_payload(enum image_class cls, unsigned dir, enum image_payload payload);

/** The ports that choose a rule in direction `dir`: the server's. */
const struct sig_ports *builder_ports(const struct build_rule *r, unsigned dir);

/** Whether packets of `cls` have ports. */
bool builder_has_ports(enum image_class cls);

/** Choose each rule's pattern and give it to its engines (build_engines.c). */
void builder_patterns(struct builder *b);

/** How a pattern is looked for: a tier, or IMAGE_TIERS when it has fixed places. */
enum image_tier builder_tier(const struct build_engine *e, uint32_t pattern);

/** Fill the sieves and places of `out` (build_sieve.c). */
void builder_sieves(struct builder *b, const struct build_engine *e, struct image_engine *out);

/** Compile the engines and lay them into the image. 0, or ABENG_ERR with `reason`. */
int builder_engines(struct builder *b, char *reason, size_t reason_len);

/** Plans of the protocols, port maps, address maps, lists of the rare kinds (build_groups.c). */
void builder_groups(struct builder *b);

#endif
