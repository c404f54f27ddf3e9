/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's scratch: made and swapped here, where allocating is allowed, used by the packet
 * path. */
#include "config.h"

#include <hs.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/detect/regex.h"
#include "sensor/detect/state.h"

const struct counter_def detect_counters[] = {
    [DETECT_COUNT_SCANS] = { "detect.scans", "buffers scanned for patterns" },
    [DETECT_COUNT_SCAN_BYTES] = { "detect.scan_bytes", "bytes scanned for patterns" },
    [DETECT_COUNT_SIEVED] = { "detect.sieved", "scans that the sieve did alone" },
    [DETECT_COUNT_CANDIDATES] = { "detect.candidates", "rules looked at after a scan" },
    [DETECT_COUNT_HITS] = { "detect.hits", "rules that matched" },
    [DETECT_COUNT_HITS_DROPPED] = { "detect.hits_dropped",
                                    "hits beyond the most that one packet can give" },
    [DETECT_COUNT_NO_MEMORY] = { "detect.no_memory",
                                 "detection state not kept: the worker's memory was out" },
    [DETECT_COUNT_TX_STATE_FULL] = { "detect.tx_state_full",
                                     "half matched rules dropped from a transaction" },
    [DETECT_COUNT_BITS_FULL] = { "detect.bits_full",
                                 "flowbits or flowints beyond the most of one flow" },
    [DETECT_COUNT_TRANSFORM_FULL] = { "detect.transform_full",
                                      "buffers not looked at: no room to transform them" },
    [DETECT_COUNT_INSTANCES] = { "detect.instances",
                                 "instances of a buffer beyond those looked at" },
    [DETECT_COUNT_DATASET_FULL] = { "detect.dataset_full",
                                    "values not put into a dataset: its memory was out" },
    [DETECT_COUNT_TAGS_FULL] = { "detect.tags_full", "tags of flows and hosts beyond the most" },
    { NULL, NULL },
};

/* What hangs on the rule set, made whole before the old is let go. */
struct set_scratch {
    struct hs_scratch *scratch;
    struct regex_scratch *regexes;
    struct candidates candidates;
};

static void set_scratch_free(struct set_scratch *s)
{
    hs_free_scratch(s->scratch);
    regex_scratch_free(s->regexes);
    free(s->candidates.words);
    free(s->candidates.summary);
}

_Static_assert(IMAGE_RULES_MAX <= CANDIDATES_MAX, "each rule can be a candidate");

static int set_scratch_make(const struct detect_ruleset *set, struct set_scratch *out)
{
    uint32_t words = set->rule_count / 64 + 1;
    *out = (struct set_scratch){ 0 };
    if (set->scratch && hs_clone_scratch(set->scratch, &out->scratch) != HS_SUCCESS)
        return ABENG_ENOMEM;
    out->regexes = regex_scratch_create(set->regexes);
    out->candidates.words = calloc(words, sizeof(uint64_t));
    out->candidates.summary = calloc(words / 64 + 1, sizeof(uint64_t));
    if (out->regexes && out->candidates.words && out->candidates.summary)
        return 0;
    set_scratch_free(out);
    return ABENG_ENOMEM;
}

static void set_scratch_use(struct detect_thread *t, struct detect_ruleset *set,
                            const struct set_scratch *s)
{
    t->set = detect_ruleset_hold(set);
    detect_profile_begin(&t->profile, set);
    t->scratch = s->scratch;
    t->candidates = s->candidates;
    t->confirm.regexes = s->regexes;
    t->confirm.blob = set->blob;
    t->confirm.datasets = set->datasets;
    t->generation++;
    t->epoch++;
}

struct detect_thread *detect_thread_create(struct detect_ruleset *set, struct slab *slab,
                                           struct counter_block *counters)
{
    struct set_scratch s;
    if (set_scratch_make(set, &s) < 0)
        return NULL;
    struct detect_thread *t = xcalloc(1, sizeof(*t));
    t->slab = slab;
    t->counters = counters;
    t->confirm.counters = counters;
    t->confirm.decoded = xmalloc(CONFIRM_DECODED_MAX);
    t->transforms =
        (struct transform_room){ xmalloc(DETECT_TRANSFORM_BYTES), 0, DETECT_TRANSFORM_BYTES };
    set_scratch_use(t, set, &s);
    return t;
}

int detect_thread_swap(struct detect_thread *t, struct detect_ruleset *set)
{
    struct set_scratch fresh, old = { t->scratch, t->confirm.regexes, t->candidates };
    struct detect_ruleset *before = t->set;
    if (set_scratch_make(set, &fresh) < 0)
        return ABENG_ENOMEM;
    set_scratch_use(t, set, &fresh);
    set_scratch_free(&old);
    detect_ruleset_drop(before);
    return 0;
}

void detect_thread_free(struct detect_thread *t)
{
    if (!t)
        return;
    struct set_scratch s = { t->scratch, t->confirm.regexes, t->candidates };
    set_scratch_free(&s);
    detect_ruleset_drop(t->set);
    free(t->confirm.decoded);
    free(t->transforms.bytes);
    free(t->seam_room);
    free(t);
}
