/* SPDX-License-Identifier: Apache-2.0 */
/* The formula: docs/API.md explains it to those who are scored by it. */
#include "config.h"
#include "collector/correlate/score.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "collector/correlate/damping.h"
#include "collector/correlate/incident.h"
#include "collector/correlate/rsit.h"
#include "collector/correlate/signal.h"
#include "common/json.h"

/** Persistence counts from two hours on. */
#define PERSIST_MS (2 * 3600000ull)

/** Decisions are weighed against a prior that is worth this many of them. */
#define PRIOR_WEIGHT 2.0

/* Evidence of strength 0..1 as log-odds: 0 is nothing, .5 three to one. */
static double odds(double strength)
{
    return log((1 + strength) / (1 - strength));
}

static void add(struct score *s, char side, const char *key, double weight, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void add(struct score *s, char side, const char *key, double weight, const char *fmt, ...)
{
    va_list ap;
    if (s->count == SCORE_FACTORS)
        return;
    struct factor *f = &s->factors[s->count++];
    f->key = key;
    f->side = side;
    f->weight = weight;
    va_start(ap, fmt);
    vsnprintf(f->text, sizeof f->text, fmt, ap);
    va_end(ap);
}

static void add_prior(struct score *s, const struct signal *lead, const struct precision *past)
{
    double real = past ? past->real : 0, wrong = past ? past->false_ : 0;
    double p = (real + PRIOR_WEIGHT * lead->prior / 100) / (real + wrong + PRIOR_WEIGHT);
    p = fmin(fmax(p, 0.02), 0.9);
    if (real + wrong > 0)
        add(s, 'L', "precision", log(p / (1 - p)), "rule %u: %u of %u decided incidents were real",
            lead->sid, past->real, past->real + past->false_);
    else
        add(s, 'L', "prior", log(p / (1 - p)),
            "alerts like this matter %u times in 100 (classification table)", lead->prior);
}

static void add_stage(struct score *s, const struct incident *in)
{
    static const struct {
        double strength;
        const char *text;
    } stages[STAGE_COUNT] = {
        [STAGE_NONE] = { 0, "" },
        [STAGE_PROBE] = { .03, "the host was probed from outside" },
        [STAGE_EXPLOIT] = { .15, "an attack was sent to the host" },
        [STAGE_ANSWER] = { .45, "the host answered its attacker" },
        [STAGE_C2] = { .55, "the host talks to a command server" },
        [STAGE_OUT] = { .60, "data leaves the host" },
    };
    enum stage top = incident_stage(in);
    if (top)
        add(s, 'L', "stage", odds(stages[top].strength), "%s", stages[top].text);
    unsigned seen = (unsigned)__builtin_popcount(in->stages >> 1);
    if (seen > 1)
        add(s, 'L', "chain", odds(.20 * (seen - 1)),
            "%u stages of an attack on the same host within 48 hours", seen);
}

static void add_weight_of_numbers(struct score *s, const struct incident *in)
{
    uint64_t span = in->last_ms - in->first_ms;
    if (in->feeds.count > 1)
        add(s, 'L', "feeds", odds(.35), "%u independent feeds name it", in->feeds.count);
    if (in->other_states)
        add(s, 'L', "states", odds(fmin(.45, .15 * in->other_states)),
            "%u other state%s saw the same indicator", in->other_states,
            in->other_states == 1 ? "" : "s");
    if (span >= PERSIST_MS && in->count > 1)
        add(s, 'L', "persistence", odds(fmin(.30, .05 * log2((double)in->count))),
            "%llu alerts over %.1f hours", (unsigned long long)in->count, (double)span / 3600000);
}

unsigned score_tier(unsigned likelihood, unsigned impact)
{
    if (likelihood >= 60)
        return impact >= 70 ? 1 : 2;
    if (likelihood >= 30)
        return impact >= 40 ? 2 : 4;
    return impact >= 70 ? 3 : 4;
}

static unsigned total(const struct score *s, char side)
{
    double sum = 0;
    for (unsigned i = 0; i < s->count; i++)
        if (s->factors[i].side == side)
            sum += s->factors[i].weight;
    double number = side == 'L' ? 100 / (1 + exp(-sum)) : fmin(fmax(sum, 0), 100);
    return (unsigned)lround(number);
}

/* Lists that hold something of the leading signal. */
static void add_damping(struct score *s, struct incident *in, const struct score_ground *on)
{
    in->damped = 0;
    for (int l = 0; l < DAMPING_LISTS; l++) {
        enum damping_list list = (enum damping_list)l;
        const char *entry = damping_find(on->damping, list, on->state, in->lead);
        if (!entry)
            continue;
        in->damped |= 1u << l;
        add(s, 'L', damping_word(list), log(damping_share(list)), "%s is on the list \"%s\"", entry,
            damping_word(list));
    }
}

/* The dearest host of all that were hit; of a scan, what is behind the scanner. */
static unsigned worst_asset(const struct incident *in, const struct assets *assets,
                            const char **class, const char **label)
{
    struct incident_walk w = { in, in, NULL };
    const struct addr *subject = incident_subject(in->lead);
    unsigned best = assets_points(assets, subject, class, label);
    if (subject != &in->lead->victim)
        return best;
    for (const struct signal *s; (s = incident_next(&w));)
        for (unsigned i = 0; i < s->host_count && s->stage == in->lead->stage; i++) {
            const char *of, *called;
            unsigned points = assets_points(assets, &s->hosts[i], &of, &called);
            if (points > best) {
                best = points;
                *class = of;
                *label = called;
            }
        }
    return best;
}

void score_incident(struct incident *in, const struct score_ground *on)
{
    struct score *out = &in->score;
    const struct signal *lead = in->lead;
    const char *class, *label;
    *out = (struct score){ .count = 0 };
    add_prior(out, lead, on->past);
    add_stage(out, in);
    if (lead->confidence)
        add(out, 'L', "confidence", lead->confidence > 0 ? .3 : -.6,
            "the rule's author is %s of it", lead->confidence > 0 ? "sure" : "not sure");
    add_weight_of_numbers(out, in);
    add_damping(out, in, on);
    unsigned points = worst_asset(in, on->assets, &class, &label);
    add(out, 'I', "asset", points, "%s%s%s", class, *label ? ": " : "", label);
    if (lead->rsit->impact)
        add(out, 'I', "type", lead->rsit->impact, "%s", lead->rsit->label);
    out->likelihood = total(out, 'L');
    out->impact = total(out, 'I');
    out->tier = score_tier(out->likelihood, out->impact);
}

void score_write(const struct score *s, struct json *out)
{
    json_open_array(out, "factors");
    for (unsigned i = 0; i < s->count; i++) {
        const char side[2] = { s->factors[i].side, '\0' };
        json_open(out, NULL);
        json_str(out, "key", s->factors[i].key);
        json_str(out, "text", s->factors[i].text);
        json_double(out, "weight", round(s->factors[i].weight * 100) / 100);
        json_str(out, "side", side);
        json_close(out);
    }
    json_close_array(out);
    json_str(out, "formula", SCORE_FORMULA);
}

const struct limits *score_limits(unsigned tier)
{
    enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };
    static const struct limits limits[] = {
        { 2 * MINUTE, 10 * MINUTE, 5 * MINUTE, 15 * MINUTE },
        { 10 * MINUTE, 30 * MINUTE, 30 * MINUTE, 2 * HOUR },
        { 30 * MINUTE, 4 * HOUR, 4 * HOUR, 24 * HOUR },
        { 0, DAY, 7 * DAY, 0 },
    };
    return &limits[tier >= 1 && tier <= 4 ? tier - 1 : 3];
}
