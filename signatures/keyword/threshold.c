/* SPDX-License-Identifier: Apache-2.0 */
/* threshold and detection_filter (anchors 2.11). */
#include "config.h"
#include "signatures/keyword/keyword.h"

#include "common/err.h"

struct word {
    const char *text;
    uint8_t value;
};

static const struct word types[] = {
    {"limit",      SIG_THRESHOLD_LIMIT    },
    { "threshold", SIG_THRESHOLD_THRESHOLD},
    { "both",      SIG_THRESHOLD_BOTH     },
    { NULL,        0                      },
};

static const struct word tracks[] = {
    {"by_src",   SIG_TRACK_SRC },
    { "by_dst",  SIG_TRACK_DST },
    { "by_both", SIG_TRACK_PAIR},
    { "by_rule", SIG_TRACK_RULE},
    { "by_flow", SIG_TRACK_FLOW},
    { NULL,      0             },
};

static bool pick(const struct word *words, struct text t, uint8_t *out)
{
    for (; words->text; words++) {
        if (text_is_nocase(t, words->text)) {
            *out = words->value;
            return true;
        }
    }
    return false;
}

static bool number(struct text t, uint32_t *out)
{
    uint64_t n;
    bool ok = text_u64(t, UINT32_MAX, &n) == 0 && n;
    if (ok)
        *out = (uint32_t)n;
    return ok;
}

static int option(struct draft *d, const char *keyword, struct text t, struct sig_threshold *out)
{
    struct text word = t;
    bool ok;
    if (text_skip(&word, "type "))
        ok = pick(types, text_trim(word), &out->type);
    else if (text_skip(&word, "track "))
        ok = pick(tracks, text_trim(word), &out->track);
    else if (text_skip(&word, "count "))
        ok = number(word, &out->count);
    else if (text_skip(&word, "seconds "))
        ok = number(word, &out->seconds);
    else
        ok = false;
    return ok ? 0
              : draft_refuse(d, "%s: '%.*s' is not understood", keyword,
                             (int)(t.len < 40 ? t.len : 40), t.at);
}

static int read_all(struct draft *d, const char *keyword, struct text value,
                    struct sig_threshold *out)
{
    struct text t;
    while (text_cut(&value, ',', &t)) {
        if (option(d, keyword, t, out))
            return ABENG_EFORMAT;
    }
    if (!out->type || !out->track || !out->count || !out->seconds)
        return draft_refuse(d, "%s: track, count and seconds (and type) are all needed", keyword);
    return 0;
}

static int parse_threshold(struct draft *d, struct text value)
{
    if (d->rule.threshold.type)
        return draft_refuse(d, "threshold twice in one rule");
    return read_all(d, "threshold", value, &d->rule.threshold);
}

static int parse_detection_filter(struct draft *d, struct text value)
{
    if (d->rule.filter.type)
        return draft_refuse(d, "detection_filter twice in one rule");
    d->rule.filter.type = SIG_THRESHOLD_DETECTION_FILTER;
    return read_all(d, "detection_filter", value, &d->rule.filter);
}

const struct sig_keyword keywords_threshold[] = {
    {"threshold",         parse_threshold,        0, NULL},
    { "detection_filter", parse_detection_filter, 0, NULL},
    { NULL,               NULL,                   0, NULL},
};
