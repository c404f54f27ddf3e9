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
    { "limit", SIG_THRESHOLD_LIMIT },
    { "threshold", SIG_THRESHOLD_THRESHOLD },
    { "both", SIG_THRESHOLD_BOTH },
    { NULL, 0 },
};

/* Those of threshold; detection_filter has the last two alone. */
static const struct word tracks[] = {
    { "by_both", SIG_TRACK_PAIR },
    { "by_rule", SIG_TRACK_RULE },
    { "by_src", SIG_TRACK_SRC },
    { "by_dst", SIG_TRACK_DST },
    { NULL, 0 },
};

static bool pick(const struct word *words, struct text t, uint8_t *out)
{
    for (; words->text; words++) {
        if (text_is(t, words->text)) {
            *out = words->value;
            return true;
        }
    }
    return false;
}

enum option { OPTION_TYPE = 1, OPTION_TRACK = 2, OPTION_COUNT = 4, OPTION_SECONDS = 8 };

static bool number(struct text t, uint32_t *out)
{
    uint64_t n;
    bool ok = t.len && t.at[0] >= '0' && t.at[0] <= '9' && text_u64(t, UINT32_MAX, &n) == 0;
    if (ok)
        *out = (uint32_t)n;
    return ok;
}

/* One option; which, or 0 when it can't be read. */
static unsigned option(struct text t, const struct word *track_words, struct sig_threshold *out)
{
    struct text word = t;
    if (text_skip(&word, "type "))
        return pick(types, text_trim(word), &out->type) ? OPTION_TYPE : 0;
    if (text_skip(&word, "track "))
        return pick(track_words, text_trim(word), &out->track) ? OPTION_TRACK : 0;
    if (text_skip(&word, "count "))
        return number(text_trim(word), &out->count) ? OPTION_COUNT : 0;
    if (text_skip(&word, "seconds "))
        return number(text_trim(word), &out->seconds) ? OPTION_SECONDS : 0;
    return 0;
}

/* A value ends at the blank behind it where nothing more is read. */
static struct text first_words(struct text t)
{
    struct text word = t, key;
    t = text_trim(t);
    word = t;
    if (!text_cut(&word, ' ', &key))
        return t;
    word = text_trim(word);
    size_t n = 0;
    while (n < word.len && word.at[n] != ' ')
        n++;
    return (struct text){ t.at, (size_t)(word.at + n - t.at) };
}

/* Each of the options `wanted` once, in any order. What stands behind the last one is not read
 * where `loose`, as in the reference. */
static int read_all(struct draft *d, const char *keyword, struct text value, unsigned wanted,
                    bool loose, struct sig_threshold *out)
{
    const struct word *track_words = loose ? tracks : tracks + 2;
    unsigned seen = 0;
    struct text t;
    while ((!loose || seen != wanted) && text_cut(&value, ',', &t)) {
        unsigned which = option(t, track_words, out);
        if (!which && loose)
            which = option(first_words(t), track_words, out);
        if (!which || (seen & which) || !(wanted & which))
            return draft_refuse(d, "%s: '%.*s' is not understood, or stands there twice", keyword,
                                (int)(t.len < 40 ? t.len : 40), t.at);
        seen |= which;
    }
    if (seen != wanted)
        return draft_refuse(d, "%s: track, count and seconds%s are all needed", keyword,
                            wanted & OPTION_TYPE ? ", and type," : "");
    return 0;
}

static int parse_threshold(struct draft *d, struct text value)
{
    if (d->rule.threshold.type)
        return draft_refuse(d, "threshold twice in one rule");
    return read_all(d, "threshold", value,
                    OPTION_TYPE | OPTION_TRACK | OPTION_COUNT | OPTION_SECONDS, true,
                    &d->rule.threshold);
}

static int parse_detection_filter(struct draft *d, struct text value)
{
    if (d->rule.filter.type)
        return draft_refuse(d, "detection_filter twice in one rule");
    d->rule.filter.type = SIG_THRESHOLD_DETECTION_FILTER;
    int rc = read_all(d, "detection_filter", value, OPTION_TRACK | OPTION_COUNT | OPTION_SECONDS,
                      false, &d->rule.filter);
    if (!rc && (!d->rule.filter.count || !d->rule.filter.seconds))
        rc = draft_refuse(d, "detection_filter: count and seconds are 1 or more");
    return rc;
}

const struct sig_keyword keywords_threshold[] = {
    { "threshold", parse_threshold, 0, NULL },
    { "detection_filter", parse_detection_filter, 0, NULL },
    { NULL, NULL, 0, NULL },
};
