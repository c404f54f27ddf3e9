/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A rule being read. Keywords (keyword/…) append instructions to its lists; when the line is
 * through, draft_finish (check.c) judges the whole as Suricata 7.0.10 does and puts it into the
 * rule set. One draft is reused for all rules.
 *
 * Lists: the payload, one for each named buffer with its transforms, the packet list and the post
 * list. A sticky buffer makes its list the current one; a legacy modifier (http_uri;) moves the
 * last content into its buffer's list.
 */
#ifndef SIGNATURES_DRAFT_H
#define SIGNATURES_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include "signatures/names.h"
#include "signatures/ruleset.h"
#include "signatures/text.h"

struct buf;
struct sig_parser;

/**
 * Buffer lists a rule may have, byte variables, instructions. ET's largest rule has 11 lists and
 * some 90 instructions.
 */
#define DRAFT_LISTS_MAX 64
#define DRAFT_VARS_MAX  16
#define DRAFT_OPS_MAX   1024

/** Length of a refusal's text. */
#define DRAFT_REASON_MAX 320

/* Lists that are no buffer lists. */
#define DRAFT_PAYLOAD 0u /* always lists[0] */
#define DRAFT_PACKET  0xfffeu
#define DRAFT_POST    0xfffdu

/* What keywords have said beyond their instructions. */
#define DRAFT_SID        (1u << 0)
#define DRAFT_REV        (1u << 1)
#define DRAFT_GID        (1u << 2)
#define DRAFT_MSG        (1u << 3)
#define DRAFT_PRIORITY   (1u << 4)
#define DRAFT_FLOW       (1u << 5) /* flow: was given */
#define DRAFT_FLOW_MATCH (1u << 6) /* … with more than a direction */
/* a keyword that looks at single packets (dsize, flags, ttl …) */
#define DRAFT_PACKET_ONLY  (1u << 7)
#define DRAFT_STREAM_ONLY  (1u << 8) /* tcp-stream or only_stream */
#define DRAFT_DSIZE        (1u << 9)
#define DRAFT_STICKY       (1u << 10) /* a sticky buffer is in force */
#define DRAFT_BASE64       (1u << 11) /* base64_data: no other buffer may follow */
#define DRAFT_APP_OPS      (1u << 12) /* app-layer events or numbers: inspected with transactions */
#define DRAFT_FAST_PATTERN (1u << 13)
#define DRAFT_CLASSTYPE    (1u << 14)
#define DRAFT_PREFILTER    (1u << 16)
#define DRAFT_IP_PROTO     (1u << 18) /* ip_proto with a protocol by itself */
#define DRAFT_APP_PROTO    (1u << 19) /* app-layer-protocol of one protocol */
#define DRAFT_OPENED       (1u << 17) /* a sticky buffer was named and no test has followed yet */

struct draft_op {
    struct sig_op op;
    uint16_t list; /* index into lists, or DRAFT_PACKET, DRAFT_POST */
};

struct draft_list {
    enum sig_buffer buffer;
    uint8_t frame; /* enum sig_frame, of SIG_BUF_FRAME */
    uint8_t transform_count;
    uint8_t transforms[SIG_TRANSFORMS_MAX];
    struct sig_bytes arguments[SIG_TRANSFORMS_MAX];
    uint32_t count; /* instructions in it */
};

struct draft {
    struct sig_parser *parser;
    struct sig_ruleset *set;
    struct sig rule;
    uint32_t said; /* DRAFT_* */
    bool negated;  /* the value had a leading '!' (keywords that allow it) */
    bool quoted;   /* … and quotes */
    /* the last keyword that made a test, and whether `prefilter` may stand behind it */
    const char *last_test;
    bool last_prefilters;
    struct draft_op *ops;
    uint32_t op_count, op_cap;
    struct draft_list lists[DRAFT_LISTS_MAX];
    uint32_t list_count;
    uint32_t current; /* list that contents go to */
    struct text vars[DRAFT_VARS_MAX];
    struct buf *references; /* JSON being made; empty without any */
    struct buf *metadata;   /* "key value, key value" as written, all metadata keywords joined */
    char reason[DRAFT_REASON_MAX];
};

/** Make ready for a new rule; memory is kept. */
void draft_reset(struct draft *d);

/**
 * Say why the rule can't be loaded. Returns ABENG_EFORMAT, so that `return draft_refuse(…)` ends
 * a keyword.
 */
int draft_refuse(struct draft *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * Append an instruction to a list. Returns it (valid until the next append), or NULL when
 * DRAFT_OPS_MAX is reached (the reason is set). Instructions on the payload or a buffer go to
 * `d->current`.
 */
struct sig_op *draft_op_add(struct draft *d, uint32_t list, enum sig_op_kind kind);

/** Last instruction of `kind` (in any buffer list), NULL when there is none. */
struct draft_op *draft_op_last(struct draft *d, enum sig_op_kind kind);

/** Whether a list has an instruction of `kind`. */
bool draft_has_op(const struct draft *d, uint32_t list, enum sig_op_kind kind);

/**
 * Move an instruction to the end of a list; it becomes the last of the draft. Returns its new
 * place.
 */
struct draft_op *draft_op_move(struct draft *d, struct draft_op *op, uint32_t list);

/**
 * Make the list of `buffer` the current one, as the reference does: an old list is taken up again
 * unless the buffer is multi-instance. Claims the buffer's protocol. 0, or refused.
 */
int draft_buffer_open(struct draft *d, enum sig_buffer buffer);

/**
 * The list of `buffer` without transforms for a legacy modifier; `list` receives its index. 0, or
 * refused.
 */
int draft_buffer_find(struct draft *d, enum sig_buffer buffer, uint32_t *list);

/** A list over a frame (enum sig_frame) becomes the current one. 0, or refused. */
int draft_frame_open(struct draft *d, unsigned frame);

/** A new list of `buffer`, which does not become the current one. 0, or refused. */
int draft_list_add(struct draft *d, enum sig_buffer buffer, uint32_t *list);

/** A new list of the current buffer, which had tests already, for transforms. 0, or refused. */
int draft_buffer_again(struct draft *d);

/** Back to the payload (pkt_data). 0, or refused. */
int draft_buffer_reset(struct draft *d);

/**
 * The rule needs this application protocol; refused when it is another's. SIG_APP_ANY_HTTP covers
 * both versions.
 */
int draft_app_claim(struct draft *d, enum sig_app app);

/** Append bytes to the set's blob, with a NUL behind them that is not counted. */
struct sig_bytes draft_blob_add(struct draft *d, const void *bytes, size_t len);

/** Index of a byte variable, -1 when no keyword has made it. */
int draft_var_find(struct draft *d, struct text name);

/** Make a byte variable (or find it); -1 when DRAFT_VARS_MAX is reached (the reason is set). */
int draft_var_make(struct draft *d, struct text name);

/**
 * A number or a byte variable: sets `*value` to either and adds `flag` to `*flags` for a
 * variable. 0, or refused.
 */
int draft_number_or_var(struct draft *d, struct text t, uint64_t max, uint32_t flag,
                        uint32_t *flags, int32_t *value);

/**
 * Judge the whole rule, set its kind and directions, and append it to the set. 0, or refused.
 * (check.c)
 */
int draft_finish(struct draft *d);

#endif
