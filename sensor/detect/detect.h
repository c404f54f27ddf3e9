/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Detection: which rules a packet, a chunk of a stream or a transaction matches.
 *
 * The way of a rule set: the loader (build.h) groups a parsed set, chooses fast patterns, compiles
 * Hyperscan databases and lays everything into one *image*: flat, position-independent (offsets, no
 * pointers), in a memfd that is then sealed. The engine maps it read-only and shares it between
 * workers (detect_ruleset_map); the same bytes are what the disk cache holds.
 *
 * The way of a packet: detect_run is called once for each packet of a flow, after stream and app
 * have taken it, with what became new. It runs, in Suricata's order (anchors 2.3, 2.4, 2.7, 2.11):
 * IP-only rules on the first packet of a direction, then packet and stream rules, then transaction
 * rules for each updated transaction. Sieves, Hyperscan where patterns are many and name tables
 * find candidates, programs confirm them exactly. Hits are returned sorted by rule order; what
 * flows share (threshold, xbits, suppress, the cap of 15) is decided by the sequencer
 * (sensor/alert), not here. Flowbits live here, in the flow's slot.
 */
#ifndef SENSOR_DETECT_H
#define SENSOR_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"
#include "signatures/ruleset.h"

struct addr;
struct app_ctx;
struct app_tx;
struct dataset;
struct flow;
struct packet;
struct slab;
struct stream_ctx;
struct stream_result;
struct detect_ruleset;
struct detect_thread;

/** Most hits that one packet can give; more are counted and dropped, lowest order kept. */
#define DETECT_HITS_MAX 256

/** A rule as the later stages see it: views into the image, valid while the rule set is held. */
struct detect_rule {
    uint32_t sid, gid, rev;
    uint32_t order; /* load-time order; smaller runs first */
    uint32_t priority;
    uint8_t action; /* enum sig_action */
    uint8_t target;
    bool noalert, rated; /* rated: the sequencer's: a rate_filter has changed the action */
    struct sig_threshold threshold, filter;
    const char *msg, *category;
    const char *metadata, *references; /* JSON text or NULL */
    const struct sig_op *post_ops;     /* SIG_OP_TAG among them, for the sequencer */
    uint32_t post_count;
    const struct sig_op *shared_ops;   /* xbits and hostbits to ask and change, by the sequencer */
    uint32_t shared_count;
};

/** One hit. */
struct detect_hit {
    uint32_t rule;     /* index for detect_rule_get */
    struct app_tx *tx; /* the transaction it matched on, or NULL */
    uint64_t tx_id;
    bool stream; /* matched in reassembled bytes (EVE: stream) */
    bool beyond; /* the reference engine does not look there (profile abeng) */
};

/** Most tags of a flow, and of a packet, as in Suricata. */
#define DETECT_TAGS_MAX 50

/** A rule's tag that a packet may belong to. */
struct detect_tag {
    uint32_t gid, sid, count;
    uint8_t of, metric; /* enum sig_tag_of: the packet's flow, source or destination; _metric */
};

/** What a packet of `len` bytes takes of a tag: itself, its bytes, or nothing but time. */
static inline uint32_t detect_tag_use(uint8_t metric, uint32_t len)
{
    return metric == SIG_TAG_PACKETS ? 1 : metric == SIG_TAG_BYTES ? len : 0;
}

/** Whether a tag of `count` is over: more is used up, or more seconds are over since `from_s`. */
static inline bool detect_tag_over(uint8_t metric, uint32_t count, uint64_t used, uint64_t from_s,
                                   uint64_t now_s)
{
    return metric == SIG_TAG_SECONDS ? now_s > from_s && now_s - from_s > count : used > count;
}

/** What detect_run looks at. */
struct detect_input {
    const struct packet *packet; /* PACKET_F_PSEUDO at a flow's end */
    struct flow *flow;           /* NULL: no flow */
    unsigned dir;
    bool fresh_direction;            /* first packet of this direction of the flow */
    const struct stream_result *tcp; /* NULL unless TCP with flow */
    struct stream_ctx *streams;
    struct app_ctx *apps;
    uint32_t app_events; /* bits of enum app_detection_event seen on it */
};

/** What it found. */
struct detect_output {
    struct detect_hit hits[DETECT_HITS_MAX];
    uint32_t count;
    bool passed; /* a pass rule matched: hits behind it were dropped */
    struct detect_tag tags[DETECT_TAGS_MAX];
    uint32_t tag_count;
};

/** Counter names of this stage, ended by a NULL name. */
extern const struct counter_def detect_counters[];

/**
 * Map a sealed image (from detect_image_build or the cache) and make what can't be mapped (PCRE2
 * with JIT, Hyperscan databases). The descriptor stays the caller's. Checks seals, version, lengths
 * and every offset once, so that the packet path need not. NULL with `reason` otherwise.
 */
struct detect_ruleset *detect_ruleset_map(int image_fd, char *reason, size_t reason_len);

/** Hold it once more; atomic. */
struct detect_ruleset *detect_ruleset_hold(struct detect_ruleset *set);

/** Let go; the last one frees. NULL is allowed. */
void detect_ruleset_drop(struct detect_ruleset *set);

/**
 * Datasets that rules change keep their values over a reload: those of `before` that have the same
 * name and kind take the place of `set`'s own, and what its lists begin with is put in. Before the
 * set is used.
 */
void detect_ruleset_keep_datasets(struct detect_ruleset *set, const struct detect_ruleset *before);

/** Datasets of the set, for detect_ruleset_dataset. */
uint32_t detect_ruleset_datasets(const struct detect_ruleset *set);

/**
 * Dataset `i`, NULL when no rule changes it; the name of the file that it is saved in ("": none),
 * and whether it is read from there at the start.
 */
struct dataset *detect_ruleset_dataset(const struct detect_ruleset *set, uint32_t i,
                                       const char **save, bool *has_state);

/** Name of the set (content hash and version, as alerts carry it), rules in it. */
const char *detect_ruleset_name(const struct detect_ruleset *set, uint32_t *rules);

/** Frames that some rule looks into, bits 1 << enum sig_frame, for app_frames_want. */
uint64_t detect_ruleset_frames(const struct detect_ruleset *set);

/**
 * Digests of files that some rule looks up (filemd5, filesha1, filesha256), bits 1 << enum
 * app_digest_kind, for app_sums_want.
 */
uint8_t detect_ruleset_sums(const struct detect_ruleset *set);

/** What the later stages need of rule `index`. */
void detect_rule_get(const struct detect_ruleset *set, uint32_t index, struct detect_rule *out);

/** Of the rules that become candidates so many come to one that is timed, on average. */
#define DETECT_PROFILE_EVERY 64u

/** What a rule has cost all workers since the set came into force. */
struct detect_rule_cost {
    uint64_t checks;  /* times that it was looked at, estimated from the samples */
    uint64_t ticks;   /* of common/ticks.h, estimated likewise */
    uint64_t matches; /* times that it matched, each counted */
};

/** Read the cost of rule `index`. Any thread that holds the set. */
void detect_rule_cost(const struct detect_ruleset *set, uint32_t index,
                      struct detect_rule_cost *out);

/** Which files rule `index` keeps: SIG_STORE_*. */
uint8_t detect_rule_store(const struct detect_ruleset *set, uint32_t index);

/** Whether local policy silences rule `index` for a packet from `src` to `dst`. */
bool detect_rule_suppressed(const struct detect_ruleset *set, uint32_t index,
                            const struct addr *src, const struct addr *dst);

/** Scratch of one worker for `set`; memory from `slab`. NULL when memory is out. */
struct detect_thread *detect_thread_create(struct detect_ruleset *set, struct slab *slab,
                                           struct counter_block *counters);

/**
 * Go over to another set at a burst's edge; flows re-derive their group and bits lazily, by name.
 * Returns 0 or ABENG_ENOMEM (the old set stays).
 */
int detect_thread_swap(struct detect_thread *t, struct detect_ruleset *set);

/**
 * Look also where the reference engine does not: over the seams of a stream's chunks, into bodies
 * that it leaves packed (profile abeng). Before the first packet.
 */
void detect_thread_go_beyond(struct detect_thread *t);

/** Detect. `out` is filled anew. */
void detect_run(struct detect_thread *t, const struct detect_input *in, struct detect_output *out);

/** Free what detection keeps on a transaction (app_conf.tx_free; `thread` is the argument). */
void detect_tx_free(void *thread, struct app_tx *tx);

/** Forget a flow's detection state and empty its slot. */
void detect_flow_free(struct detect_thread *t, struct flow *f);

/** Free. NULL is allowed. */
void detect_thread_free(struct detect_thread *t);

#endif
