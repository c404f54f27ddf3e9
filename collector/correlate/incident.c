/* SPDX-License-Identifier: Apache-2.0 */
/* Incidents: the sum of their signals. */
#include "config.h"
#include "collector/correlate/incident.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/evidence.h"
#include "collector/correlate/rsit.h"
#include "common/json.h"
#include "common/xalloc.h"

/** Most rules named in an incident's evidence. */
#define INCIDENT_RULES 32

struct incident *incident_create(uint64_t number, uint64_t follows)
{
    struct incident *in = xcalloc(1, sizeof *in);
    in->number = number;
    in->follows = follows;
    return in;
}

void incident_join(struct incident *in, struct signal *s)
{
    struct signal **at = &in->signals;
    if (in->last_signal && in->last_signal->number < s->number)
        at = &in->last_signal->next;
    while (*at && (*at)->number < s->number)
        at = &(*at)->next;
    s->next = *at;
    *at = s;
    if (!s->next)
        in->last_signal = s;
    s->incident = in;
    s->described = false;
    in->signal_count++;
}

void incident_leave(struct incident *in, struct signal *s)
{
    struct signal *last = NULL;
    for (struct signal **at = &in->signals; *at;) {
        if (*at == s) {
            *at = s->next;
            in->signal_count--;
        } else {
            last = *at;
            at = &(*at)->next;
        }
    }
    in->last_signal = last;
    s->next = NULL;
    s->incident = NULL;
    s->described = false;
}

struct incident *incident_root(struct incident *in)
{
    while (in->into)
        in = in->into;
    return in;
}

static void part(struct incident *in)
{
    for (struct incident **at = &in->into->parts; *at; at = &(*at)->sibling)
        if (*at == in) {
            *at = in->sibling;
            break;
        }
    in->into = in->sibling = NULL;
}

bool incident_merge(struct incident *in, struct incident *into)
{
    if (into && incident_root(into) == in)
        return false;
    if (in->into)
        part(in);
    if (!into)
        return true;
    struct incident **at = &into->parts;
    while (*at && (*at)->number < in->number)
        at = &(*at)->sibling;
    in->sibling = *at;
    *at = in;
    in->into = into;
    return true;
}

/* The incident after `at` in the tree below `root`. */
static const struct incident *successor(const struct incident *root, const struct incident *at)
{
    if (at->parts)
        return at->parts;
    for (; at != root; at = at->into)
        if (at->sibling)
            return at->sibling;
    return NULL;
}

const struct signal *incident_next(struct incident_walk *w)
{
    w->signal = w->signal ? w->signal->next : w->at->signals;
    while (!w->signal && (w->at = successor(w->root, w->at)))
        w->signal = w->at->signals;
    return w->signal;
}

static bool leads(const struct signal *a, const struct signal *b)
{
    if (!b || a->stage != b->stage)
        return !b || a->stage > b->stage;
    return a->prior > b->prior;
}

static void add_names(struct names *to, const struct names *from)
{
    for (unsigned i = 0; i < from->count; i++)
        names_add(to, from->name[i], strlen(from->name[i]));
}

void incident_sum(struct incident *in)
{
    in->count = 0;
    in->first_ms = UINT64_MAX;
    in->last_ms = 0;
    in->lead = NULL;
    in->stages = in->probed ? 1u << STAGE_PROBE : 0;
    in->strip = (struct strip){ .last = 0 };
    names_clear(&in->sensors);
    names_clear(&in->feeds);
    struct incident_walk w = { in, in, NULL }, again = w;
    for (const struct signal *s; (s = incident_next(&w));) {
        in->count += s->count;
        in->first_ms = s->first_ms < in->first_ms ? s->first_ms : in->first_ms;
        in->last_ms = s->last_ms > in->last_ms ? s->last_ms : in->last_ms;
        in->stages |= s->stages;
        if (leads(s, in->lead))
            in->lead = s;
        add_names(&in->sensors, &s->sensors);
        add_names(&in->feeds, &s->feeds);
        if (s->strip.last > in->strip.last)
            strip_add(&in->strip, s->strip.last, 0);
    }
    for (const struct signal *s; (s = incident_next(&again));)
        for (unsigned h = 0; h < SIGNAL_HOURS; h++)
            strip_add(&in->strip, s->strip.last - (SIGNAL_HOURS - 1 - h), s->strip.count[h]);
}

enum stage incident_stage(const struct incident *in)
{
    return in->stages ? (enum stage)(31 - __builtin_clz(in->stages)) : STAGE_NONE;
}

const struct addr *incident_subject(const struct signal *s)
{
    bool ours_attacks = s->direction == DIRECTION_OUT && !s->victim_is_client;
    return s->rsit->by_attacker || ours_attacks ? &s->peer : &s->victim;
}

void incident_free(struct incident *in)
{
    if (!in)
        return;
    for (struct signal *s = in->signals, *next; s; s = next) {
        next = s->next;
        signal_free(s);
    }
    names_clear(&in->sensors);
    names_clear(&in->feeds);
    free(in);
}

static unsigned host_count(const struct incident *in)
{
    struct incident_walk w = { in, in, NULL };
    unsigned most = 0;
    for (const struct signal *s; (s = incident_next(&w));)
        most = s->host_count > most ? s->host_count : most;
    return most;
}

static void write_stages(const struct incident *in, struct json *out)
{
    json_open_array(out, "stages");
    for (int s = STAGE_PROBE; s < STAGE_COUNT; s++)
        if (in->stages & 1u << s)
            json_str(out, NULL, stage_word((enum stage)s));
    json_close_array(out);
}

static void write_reasons(const struct score *s, struct json *out)
{
    bool used[SCORE_FACTORS] = { false };
    json_open_array(out, "reasons");
    for (int n = 0; n < 2; n++) {
        int best = -1;
        for (unsigned i = 0; i < s->count; i++) {
            double w = s->factors[i].weight;
            if (!used[i] && s->factors[i].side == 'L' &&
                (best < 0 ||
                 (w < 0 ? -w : w) > (s->factors[best].weight < 0 ? -s->factors[best].weight
                                                                 : s->factors[best].weight)))
                best = (int)i;
        }
        if (best < 0)
            break;
        used[best] = true;
        json_open(out, NULL);
        json_str(out, "text", s->factors[best].text);
        json_double(out, "weight", (double)(int)(s->factors[best].weight * 100) / 100);
        json_close(out);
    }
    json_close_array(out);
}

static void write_list(const struct incident *in, const char *state, struct json *out)
{
    struct incident_walk w = { in, in, NULL };
    json_open_array(out, "signals");
    for (const struct signal *s; (s = incident_next(&w));)
        evidence_write_id(out, NULL, state, "s", s->number);
    json_close_array(out);
}

/* The rules that fired, "gid:sid": what a decision counts for or against. */
static void write_rules(const struct incident *in, struct json *out)
{
    struct incident_walk w = { in, in, NULL };
    unsigned written = 0;
    json_open_array(out, "rules");
    for (const struct signal *s; (s = incident_next(&w));)
        for (unsigned i = 0; i < s->rule_count && written < INCIDENT_RULES; i++, written++) {
            char rule[32];
            snprintf(rule, sizeof rule, "%u:%u", s->rules[i].gid, s->rules[i].sid);
            json_str(out, NULL, rule);
        }
    json_close_array(out);
}

static void write_campaigns(const struct incident *in, struct json *out)
{
    json_open_array(out, "campaigns");
    for (unsigned i = 0; i < in->campaign_count; i++)
        json_str(out, NULL, in->campaigns[i]);
    json_close_array(out);
}

static void write_merged(const struct incident *in, const char *state, struct json *out)
{
    json_open_array(out, "merged");
    for (const struct incident *p = in->parts; p; p = p->sibling)
        evidence_write_id(out, NULL, state, "", p->number);
    json_close_array(out);
}

static void write_born(const struct incident *in, struct json *out)
{
    json_bool(out, "storm", in->storm);
    json_open(out, "born");
    json_u64(out, "gid", in->born.gid);
    json_u64(out, "sid", in->born.sid);
    json_u64(out, "day", in->born.day);
    json_close(out);
}

static void read_born(const json_t *born, struct incident *in)
{
    in->born.gid = (uint32_t)evidence_read_u64(born, "gid");
    in->born.sid = (uint32_t)evidence_read_u64(born, "sid");
    in->born.day = evidence_read_u64(born, "day");
}

void incident_write(const struct incident *in, const char *state, struct json *out)
{
    const struct signal *lead = in->lead;
    unsigned hosts = host_count(in);
    json_open(out, NULL);
    evidence_write_id(out, "id", state, "", in->number);
    if (in->follows)
        evidence_write_id(out, "follows", state, "", in->follows);
    json_bool(out, "probed", in->probed);
    json_u64(out, "tier", in->score.tier);
    json_u64(out, "likelihood", in->score.likelihood);
    json_u64(out, "impact", in->score.impact);
    evidence_write_rsit(out, lead->rsit);
    json_str(out, "title", *lead->signature ? lead->signature : lead->rsit->label);
    evidence_write_addr(out, "victim", &lead->victim);
    json_str(out, "victim_role",
             hosts > 1                ? "hosts"
             : lead->victim_is_client ? "client"
                                      : "server");
    json_u64(out, "hosts", hosts);
    evidence_write_addr(out, "peer", &lead->peer);
    evidence_write_addr(out, "subject", incident_subject(lead));
    json_str(out, "direction", direction_word(lead->direction));
    write_stages(in, out);
    json_u64(out, "count", in->count);
    write_list(in, state, out);
    write_rules(in, out);
    evidence_write_names(out, "sensors", &in->sensors);
    evidence_write_names(out, "feeds", &in->feeds);
    json_time_ms(out, "first_seen", in->first_ms);
    json_time_ms(out, "last_seen", in->last_ms);
    write_reasons(&in->score, out);
    json_u64(out, "states_seen", 1 + in->other_states);
    write_campaigns(in, out);
    write_born(in, out);
    write_merged(in, state, out);
    evidence_write_strip(out, "spark", &in->strip);
    score_write(&in->score, out);
    json_close(out);
}

struct incident *incident_read(const char *json, size_t len)
{
    json_t *root = json_loadb(json, len, 0, NULL);
    uint64_t number = evidence_read_number(root, "id");
    struct incident *in = NULL;
    if (number) {
        in = incident_create(number, evidence_read_number(root, "follows"));
        in->probed = json_is_true(json_object_get(root, "probed"));
        in->storm = json_is_true(json_object_get(root, "storm"));
        read_born(json_object_get(root, "born"), in);
        in->score.tier = (unsigned)evidence_read_u64(root, "tier");
    }
    json_decref(root);
    return in;
}
