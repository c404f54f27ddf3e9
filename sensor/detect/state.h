/* SPDX-License-Identifier: Apache-2.0 */
/** What the packet path shares: a mapped rule set, a worker's scratch, what flows and transactions
 * keep. */
#ifndef SENSOR_DETECT_STATE_H
#define SENSOR_DETECT_STATE_H

#include "sensor/app/app.h"
#include "sensor/decode/packet.h"
#include "sensor/detect/candidates.h"
#include "sensor/detect/confirm.h"
#include "sensor/detect/counters.h"
#include "sensor/detect/detect.h"
#include "sensor/detect/image.h"
#include "sensor/detect/limits.h"
#include "sensor/detect/profile.h"
#include "sensor/detect/transform.h"
#include "sensor/flow/flow.h"
#include "sensor/stream/stream.h"

struct dataset;
struct detect_var;
struct detect_flow_tag;
struct hs_database;
struct hs_scratch;

/** A mapped rule set; read-only but for its holds, which are atomic. */
struct detect_ruleset {
    int holds;
    void *map;
    struct image image;
    const struct image_rule *rules;
    const struct sig_list *lists;
    const struct sig_op *ops;
    const uint8_t *blob;
    const char *strings;
    const struct sig_bufspec *specs;
    const struct image_span *sets;
    const struct sig_addr_range *ranges;
    const struct sig_port_range *ports;
    const uint32_t *members;
    const struct image_engine *engines;
    const struct image_span *patterns;
    const struct image_name *names;
    const uint32_t *slots;
    const struct image_plan *plans;
    const struct image_portmap *portmaps;
    const struct image_suppress *suppress;
    const struct image_port_edge *port_edges;
    const struct image_ipmap *ipmaps;
    const struct image_ip_edge *ip_edges;
    const uint64_t *bits;
    const uint32_t *sieve_bits;
    const struct image_gram *grams;
    const struct image_gram_slot *gram_slots;
    const struct image_place *places;
    const struct image_lanes *lanes;
    uint32_t rule_count, spec_count, engine_count;
    struct hs_database **databases; /* by engine and tier, NULL without one */
    struct hs_scratch *scratch;     /* to clone */
    struct regex_set *regexes;
    const struct image_dataset *dataset_defs;
    struct dataset **datasets; /* by number; NULL where no rule changes it */
    uint32_t dataset_count;
    struct detect_cost *profiles[DETECT_PROFILE_WORKERS]; /* NULL: not begun */
    struct tag_hosts *hosts;                              /* that are tagged */
    unsigned profile_count;
};

/** A flowint. */
struct detect_int {
    uint64_t name; /* hash */
    uint32_t value;
};

/** What is kept on a flow, from its second packet of a direction on or when a rule wants to. */
struct detect_flow {
    uint64_t generation; /* the thread's, when `edge` and `always` were found */
    const struct image_port_edge *edge[2];
    union {
        uint32_t few[DETECT_ALWAYS_FEW];
        uint32_t *many; /* more than that */
    } always[2];        /* rules without pattern whose header this flow fulfils */
    uint32_t always_count[2];
    bool resolved[2];
    uint16_t bit_count, int_count, bit_cap, int_cap, tag_count, tag_cap;
    uint64_t *bits; /* hashes of the names of set flowbits */
    struct detect_int *ints;
    struct detect_var *vars;     /* what regexes captured: vars.c */
    struct detect_flow_tag *tags; /* tag.c */
    struct detect_seam *seam[2]; /* ends of the last chunks, profile abeng alone */
};

/** A rule on a transaction: which of its lists have matched. */
struct detect_entry {
    uint32_t rule;
    uint32_t matched; /* bit by list */
    uint8_t state;    /* enum detect_entry_state */
    bool beyond;      /* one of them where the reference engine does not look */
};

enum detect_entry_state { DETECT_ENTRY_PENDING, DETECT_ENTRY_FAILED, DETECT_ENTRY_DONE };

/** What is kept on a transaction and direction until it is done. */
struct detect_tx {
    uint64_t generation;
    uint64_t scanned[IMAGE_SPECS_MAX / 64]; /* specs whose whole buffers were scanned */
    uint32_t count, cap, files;   /* files: of the transaction, when it was looked at last */
    struct detect_entry *entries; /* sorted by rule */
    struct window *windows;       /* of bodies that grow (window.h) */
};

/** A buffer as it was last fetched, in an epoch of the thread. */
struct detect_fetched {
    uint64_t epoch;
    bool there;
    struct app_view view;
};

/** A worker's scratch. */
struct detect_thread {
    struct detect_ruleset *set;
    uint64_t generation; /* counts the sets this worker has had: tells of which things kept are */
    struct slab *slab;
    struct counter_block *counters;
    struct hs_scratch *scratch;
    struct confirm confirm;
    struct candidates candidates;
    uint64_t epoch;
    struct detect_fetched fetched[IMAGE_SPECS_MAX];
    struct transform_room transforms;
    struct detect_profile profile;
    uint32_t packet_vars; /* of the packet at hand */
    struct confirm_capture packet_var[CONFIRM_CAPTURES_MAX];
    bool beyond;        /* look also where the reference engine does not */
    uint8_t *seam_room; /* NULL: seams of chunks are not looked at */
};

/** One call of detect_run. */
struct detect_job {
    struct detect_thread *t;
    const struct detect_ruleset *set;
    const struct detect_input *in;
    struct detect_output *out;
    const struct detect_flow *flow; /* all zero as long as nothing is kept; NULL without flow */
    enum image_class cls;
    enum sig_app app;
    bool established;
    const struct image_port_edge *edge;
    bool grouped;                  /* the flow's edge and list are this packet's */
    bool hidden;                   /* the flow's payload is ciphertext by now */
    bool payload;                  /* the packet's payload may be looked at */
    bool stream_ready;             /* a chunk is due, if only of what nobody acknowledged yet */
    struct app_view chunk;         /* of the stream; len 0: none */
    uint64_t chunk_at;             /* its place in the stream */
    uint32_t seam_tail, seam_head; /* bytes of the seam at hand before and behind it */
    struct app_tx *tx;             /* the transaction at hand, or NULL */
    bool body_open;                /* a body window was looked at and is not the last */
};

/** What is kept on flow `f`: nothing, at first. */
const struct detect_flow *detect_flow_get(const struct flow *f);

/** The same of the job's flow to change it, made when it is not there; NULL without flow or when
 * memory is out. The job's view of it is renewed. */
struct detect_flow *detect_flow_make(struct detect_job *job);

/** Whether port edge and rules without pattern are found for `dir`, of the rule set in force. */
static inline bool detect_flow_is_resolved(const struct detect_thread *t,
                                           const struct detect_flow *d, unsigned dir)
{
    return d->generation == t->generation && d->resolved[dir];
}

/** The port edge of the packet at hand. */
const struct image_port_edge *detect_edge_find(const struct detect_job *job);

/** Find port edge and rules without pattern for `dir`, to be kept for its next packets. False for
 * its first one, for many flows have no other, and when memory is out. */
bool detect_flow_resolve(struct detect_job *job, unsigned dir);

/** Run an instruction that changes a flowbit or flowint. */
void detect_bit_change(struct detect_job *job, const struct sig_op *op);

/** Whether a flowbit or flowint condition holds. */
bool detect_bit_test(const struct detect_job *job, const struct sig_op *op);

/** Whether packet and flow fulfil the rule's header: protocol, direction, addresses, ports, flow
 * keyword, application. */
bool detect_header_match(const struct detect_job *job, const struct image_rule *rule);

/** The part that is the same for all packets of a flow's direction: protocol, addresses, ports. */
bool detect_header_match_static(const struct detect_job *job, const struct image_rule *rule);

/** Whether the instructions on packet, flow and state hold. */
bool detect_packet_ops_match(struct detect_job *job, const struct image_rule *rule);

/** Header buffers of the packet (ipv4.hdr …); false when it has no such header. */
bool detect_packet_buffer(const struct packet *p, enum sig_buffer buffer, struct app_view *out);

/** The rule matched: run its post instructions, keep the hit. */
void detect_hit_add(struct detect_job *job, uint32_t rule, struct app_tx *tx, bool stream);

/** The same where the reference engine does not look (`tx` NULL: over a seam of chunks): keep the
 * hit, marked, and change nothing. */
void detect_hit_beyond(struct detect_job *job, uint32_t rule, struct app_tx *tx);

/** Look over the seam before the job's chunk, and keep the chunk's end. */
void detect_seam_run(struct detect_job *job);

/** Give back what is kept for seams. */
void detect_seam_free(struct detect_thread *t, struct detect_flow *f);

/** Take the candidates in their order, `run` each for the job, and count them. */
static inline void detect_candidates_run(struct detect_job *job,
                                         void (*run)(struct detect_job *job, uint32_t rule))
{
    uint32_t rule;
    uint64_t count = 0;
    while (candidates_take(&job->t->candidates, &rule)) {
        count++;
        if (--job->t->profile.left)
            run(job, rule);
        else
            detect_profile_sample(job, rule, run);
    }
    if (count)
        counter_add(job->t->counters, DETECT_COUNT_CANDIDATES, count);
}

/** Scan bytes of the stream with its engines. */
void detect_scan_stream(struct detect_job *job, const struct app_view *view);

/** Fetch instance `index` of a buffer of the transaction at hand, transforms done; false: none. */
bool detect_fetch(struct detect_job *job, uint16_t spec, uint32_t index, struct app_view *out);

/** Do a buffer's transforms to `view`; false when there is no room for what they make (tx.c). */
bool detect_transform(struct detect_job *job, const struct sig_bufspec *spec,
                      struct app_view *view);

/** Frames of the flow in the packet's direction (frames.c). */
void detect_frames_run(struct detect_job *job);

/** Transactions of the flow in the packet's direction (tx.c). */
void detect_tx_run(struct detect_job *job);

/** Of a passed flow: nothing is looked at, all counts as inspected. */
void detect_tx_skip(struct detect_job *job);

#endif
