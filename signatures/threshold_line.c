/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of threshold.config. */
#include "config.h"

#include "common/err.h"
#include "signatures/policy.h"
#include "signatures/ruleset.h"

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

static const struct word tracks[] = {
    { "by_src", SIG_TRACK_SRC },     { "by_dst", SIG_TRACK_DST },   { "by_both", SIG_TRACK_PAIR },
    { "by_either", SIG_TRACK_PAIR }, { "by_rule", SIG_TRACK_RULE }, { NULL, 0 },
};

/* `log` and `sdrop` are taken and change nothing, as in Suricata 7.0.10. */
#define ACTION_NONE UINT8_MAX

static const struct word actions[] = {
    { "alert", SIG_ACTION_ALERT }, { "drop", SIG_ACTION_DROP },
    { "pass", SIG_ACTION_PASS },   { "reject", SIG_ACTION_REJECT },
    { "log", ACTION_NONE },        { "sdrop", ACTION_NONE },
    { NULL, 0 },
};

/* What a line may say besides its first word. */
struct line {
    bool gid, sid, action;
    struct text ip;
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

static bool number(struct text t, bool zero, uint32_t *out)
{
    uint64_t n;
    if (text_u64(text_trim(t), UINT32_MAX, &n) || (!n && !zero))
        return false;
    *out = (uint32_t)n;
    return true;
}

static bool option(struct text t, struct policy_threshold *out, struct line *l)
{
    if (text_skip(&t, "gen_id "))
        return l->gid = number(t, true, &out->gid);
    if (text_skip(&t, "sig_id "))
        return l->sid = number(t, true, &out->sid);
    if (text_skip(&t, "type "))
        return pick(types, text_trim(t), &out->type);
    if (text_skip(&t, "track "))
        return pick(tracks, text_trim(t), &out->track);
    if (text_skip(&t, "count "))
        return number(t, false, &out->count);
    if (text_skip(&t, "seconds "))
        return number(t, false, &out->seconds);
    if (text_skip(&t, "new_action "))
        return l->action = pick(actions, text_trim(t), &out->action);
    if (text_skip(&t, "timeout "))
        return number(t, false, &out->timeout);
    return false;
}

/* Options are divided by commas; an address list in brackets holds commas of its own and stands
 * last. */
static bool options(struct text rest, struct policy_threshold *out, struct line *l)
{
    struct text t;
    while (rest.len) {
        struct text ip = text_trim(rest);
        if (text_skip(&ip, "ip ")) {
            l->ip = text_trim(ip);
            return l->ip.len > 0;
        }
        if (!text_cut(&rest, ',', &t) || !option(t, out, l))
            return false;
    }
    return true;
}

/* The first word, and blanks behind it. */
static bool verb(struct text *t, const char *word)
{
    struct text rest = *t;
    if (!text_skip(&rest, word) || !rest.len || (rest.at[0] != ' ' && rest.at[0] != '\t'))
        return false;
    *t = text_trim(rest);
    return true;
}

int policy_threshold_read(struct text line, struct policy_threshold *out, struct text *addresses,
                          const char **why)
{
    struct line l = { .ip = { "", 0 } };
    bool suppress = verb(&line, "suppress");
    bool rate = !suppress && verb(&line, "rate_filter");
    *out = (struct policy_threshold){ 0 };
    *why = "begins with suppress, threshold, event_filter or rate_filter";
    if (!suppress && !rate && !verb(&line, "threshold") && !verb(&line, "event_filter"))
        return ABENG_EFORMAT;
    *why = "gen_id N, sig_id N, then type, track, count, seconds, ip, new_action, timeout as it "
           "needs them, with commas";
    if (!options(line, out, &l) || !l.gid || !l.sid)
        return ABENG_EFORMAT;
    *addresses = l.ip;
    if (suppress) {
        *why = "suppress wants track by_src, by_dst or by_either together with ip, or neither";
        bool whole = out->track != SIG_TRACK_NONE;
        if (whole != (l.ip.len > 0) || out->track == SIG_TRACK_RULE || out->type || out->count)
            return ABENG_EFORMAT;
        out->type = SIG_THRESHOLD_SUPPRESS;
        return 0;
    }
    *why = "track, count and seconds (threshold: type; rate_filter: new_action and timeout) are "
           "all needed";
    if (!out->track || !out->count || !out->seconds || l.ip.len)
        return ABENG_EFORMAT;
    if (rate ? !l.action || !out->timeout || out->type : !out->type || l.action || out->timeout)
        return ABENG_EFORMAT;
    if (rate && out->action != ACTION_NONE)
        out->type = SIG_THRESHOLD_RATE;
    return 0;
}
