/* SPDX-License-Identifier: Apache-2.0 */
/* Sightings, campaigns, projections. */
#include "config.h"
#include "collector/correlate/region.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/classify.h"
#include "collector/correlate/evidence.h"
#include "collector/correlate/rsit.h"
#include "collector/correlate/table.h"
#include "common/err.h"
#include "common/json.h"
#include "common/xalloc.h"

/** An indicator is good enough from this prior on (percent), or in two stages. */
#define PRIOR_DOMAIN 25
#define PRIOR_IP     50

/* What one signal of a state contributes. */
struct share {
    uint64_t signal, incident, count;
};

/* One state's part. */
struct part {
    uint64_t first_ms, last_ms;
    unsigned stages, prior;
    const struct rsit *rsit; /* of the furthest stage seen */
    bool released, more;
    struct share *shares; /* by signal number */
    size_t count;
};

struct region {
    struct table *campaigns; /* by id */
    struct campaign **dirty;
    size_t dirty_count, dirty_room;
};

struct region *region_create(void)
{
    struct region *r = xcalloc(1, sizeof *r);
    r->campaigns = table_create();
    return r;
}

static void campaign_free(struct campaign *c)
{
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        if (c->parts[s])
            free(c->parts[s]->shares);
        free(c->parts[s]);
    }
    free(c);
}

void region_free(struct region *r)
{
    size_t at = 0;
    if (!r)
        return;
    for (struct campaign *c; (c = table_next(r->campaigns, &at));)
        campaign_free(c);
    table_free(r->campaigns);
    free(r->dirty);
    free(r);
}

struct campaign *region_find(const struct region *r, const char *id)
{
    return table_find(r->campaigns, id);
}

static void touch(struct region *r, struct campaign *c)
{
    if (c->dirty)
        return;
    c->dirty = true;
    if (r->dirty_count == r->dirty_room) {
        r->dirty_room = r->dirty_room ? 2 * r->dirty_room : 64;
        r->dirty = xreallocarray(r->dirty, r->dirty_room, sizeof *r->dirty);
    }
    r->dirty[r->dirty_count++] = c;
}

static struct campaign *campaign_for(struct region *r, const struct indicator *i)
{
    char id[INDICATOR_ID_MAX];
    indicator_id(i, id);
    struct campaign *c = table_find(r->campaigns, id);
    if (c)
        return c;
    c = xcalloc(1, sizeof *c);
    c->indicator = *i;
    memcpy(c->id, id, sizeof c->id);
    table_put(r->campaigns, id, c);
    return c;
}

static struct part *part_for(struct campaign *c, unsigned state)
{
    if (!c->parts[state]) {
        c->parts[state] = xcalloc(1, sizeof *c->parts[state]);
        c->parts[state]->first_ms = UINT64_MAX;
        c->states |= 1u << state;
    }
    return c->parts[state];
}

/* The share of a signal, where there is room for it. */
static struct share *share_for(struct part *p, uint64_t signal)
{
    size_t at = 0;
    while (at < p->count && p->shares[at].signal < signal)
        at++;
    if (at < p->count && p->shares[at].signal == signal)
        return &p->shares[at];
    if (p->count == REGION_SIGNALS) {
        p->more = true;
        return NULL;
    }
    p->shares = xreallocarray(p->shares, p->count + 1, sizeof *p->shares);
    memmove(p->shares + at + 1, p->shares + at, (p->count - at) * sizeof *p->shares);
    p->count++;
    p->shares[at] = (struct share){ signal, 0, 0 };
    return &p->shares[at];
}

/* Some two states saw it within the window. */
static bool together(const struct campaign *c)
{
    for (unsigned a = 0; a < STATE_COUNT; a++)
        for (unsigned b = a + 1; b < STATE_COUNT; b++) {
            const struct part *p = c->parts[a], *q = c->parts[b];
            if (!p || !q)
                continue;
            uint64_t later = p->first_ms > q->first_ms ? p->first_ms : q->first_ms;
            uint64_t earlier = p->last_ms < q->last_ms ? p->last_ms : q->last_ms;
            if (later <= earlier + REGION_WINDOW_MS)
                return true;
        }
    return false;
}

static bool good_enough(const struct campaign *c)
{
    unsigned prior = 0, stages = 0;
    for (unsigned s = 0; s < STATE_COUNT; s++)
        if (c->parts[s]) {
            prior = c->parts[s]->prior > prior ? c->parts[s]->prior : prior;
            stages |= c->parts[s]->stages >> 1;
        }
    return prior >= (c->indicator.type == INDICATOR_DOMAIN ? PRIOR_DOMAIN : PRIOR_IP) ||
           __builtin_popcount(stages) > 1;
}

void region_hit(struct region *r, unsigned state, const struct hit *h)
{
    struct campaign *c = campaign_for(r, &h->indicator);
    struct part *p = part_for(c, state);
    struct share *s = share_for(p, h->signal);
    if (s) {
        s->incident = h->incident;
        s->count = h->count > s->count ? h->count : s->count;
    }
    if (!p->rsit || h->stages > p->stages)
        p->rsit = h->rsit;
    p->stages |= h->stages;
    p->prior = h->prior > p->prior ? h->prior : p->prior;
    p->first_ms = h->first_ms < p->first_ms ? h->first_ms : p->first_ms;
    p->last_ms = h->last_ms > p->last_ms ? h->last_ms : p->last_ms;
    c->first_ms = !c->first_ms || p->first_ms < c->first_ms ? p->first_ms : c->first_ms;
    c->last_ms = p->last_ms > c->last_ms ? p->last_ms : c->last_ms;
    c->joined = c->joined || (together(c) && good_enough(c));
    touch(r, c);
}

void region_release(struct region *r, unsigned state, const char *id, bool released)
{
    struct campaign *c = table_find(r->campaigns, id);
    if (!c || !c->parts[state] || c->parts[state]->released == released)
        return;
    c->parts[state]->released = released;
    touch(r, c);
}

size_t region_changes(struct region *r, struct campaign ***out)
{
    for (size_t i = 0; i < r->dirty_count; i++)
        r->dirty[i]->version++;
    *out = r->dirty;
    return r->dirty_count;
}

void region_committed(struct region *r)
{
    for (size_t i = 0; i < r->dirty_count; i++)
        r->dirty[i]->dirty = false;
    r->dirty_count = 0;
}

size_t region_expire(struct region *r, uint64_t now_ms, char (*out)[INDICATOR_ID_MAX], size_t max)
{
    size_t at = 0, n = 0;
    for (const struct campaign *c; n < max && (c = table_next(r->campaigns, &at));)
        if (!c->dirty && c->last_ms + (c->joined ? REGION_KEEP_MS : REGION_WAIT_MS) < now_ms)
            memcpy(out[n++], c->id, sizeof c->id);
    for (size_t i = 0; i < n; i++)
        campaign_free(table_remove(r->campaigns, out[i]));
    return n;
}

size_t region_count(const struct region *r)
{
    size_t at = 0, n = 0;
    for (const struct campaign *c; (c = table_next(r->campaigns, &at));)
        n += c->joined;
    return n;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* What victims may be told; by the class of the taxonomy. */
static const char *advice(const struct rsit *rsit)
{
    static const struct {
        const char *class, *text;
    } table[] = {
        { "malicious-code", "Look for other hosts that asked for this indicator, take the affected "
                            "ones off the network, keep their disks." },
        { "fraud", "Block the site, tell who entered a password to change it, look for logins from "
                   "abroad." },
        { "intrusions",
          "Treat the host as taken: isolate it, keep its memory and logs, change what it knew." },
        { "intrusion-attempts", "Check that the attacked service is patched, and its log for an "
                                "answer that it should not have given." },
        { "information-content-security",
          "Find out what left, stop the way out, keep the evidence." },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].class, rsit->class))
            return table[i].text;
    return "Look for the indicator in your own logs.";
}

static void write_indicator(const struct campaign *c, struct json *out)
{
    json_open(out, "indicator");
    json_str(out, "type", indicator_word(c->indicator.type));
    json_str(out, "value", c->indicator.value);
    json_close(out);
}

static uint64_t alerts_of(const struct part *p)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < p->count; i++)
        sum += p->shares[i].count;
    return sum;
}

static bool first_of_incident(const struct part *p, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (p->shares[k].incident == p->shares[i].incident)
            return false;
    return p->shares[i].incident != 0;
}

static unsigned incidents_of(const struct part *p)
{
    unsigned n = 0;
    for (size_t i = 0; i < p->count; i++)
        n += first_of_incident(p, i);
    return n;
}

static void write_part(const struct part *p, unsigned state, struct json *out)
{
    json_open_array(out, "incidents");
    for (size_t i = 0; i < p->count; i++)
        if (first_of_incident(p, i))
            evidence_write_id(out, NULL, state_at(state)->code, "", p->shares[i].incident);
    json_close_array(out);
    json_u64(out, "alerts", alerts_of(p));
    json_time_ms(out, "first_seen", p->first_ms);
    json_time_ms(out, "last_seen", p->last_ms);
    json_bool(out, "released", p->released);
}

/* What only region_restore needs. */
static void write_memory(const struct part *p, struct json *out)
{
    char type[128];
    snprintf(type, sizeof type, "%s/%s", p->rsit->class, p->rsit->type);
    json_u64(out, "stages", p->stages);
    json_u64(out, "prior", p->prior);
    json_str(out, "rsit", type);
    json_bool(out, "more", p->more);
    json_open_array(out, "shares");
    for (size_t i = 0; i < p->count; i++) {
        json_u64(out, NULL, p->shares[i].signal);
        json_u64(out, NULL, p->shares[i].incident);
        json_u64(out, NULL, p->shares[i].count);
    }
    json_close_array(out);
}

/* The part that got furthest: it names the campaign. */
static const struct part *leading(const struct campaign *c)
{
    const struct part *best = NULL;
    for (unsigned s = 0; s < STATE_COUNT; s++)
        if (c->parts[s] && (!best || c->parts[s]->stages > best->stages))
            best = c->parts[s];
    return best;
}

static void write_common(const struct campaign *c, const struct part *of, struct json *out)
{
    json_str(out, "id", c->id);
    json_u64(out, "version", c->version);
    write_indicator(c, out);
    json_time_ms(out, "first_seen", c->first_ms);
    json_time_ms(out, "last_seen", c->last_ms);
    evidence_write_rsit(out, of->rsit);
    json_str(out, "stage", stage_word((enum stage)(31 - __builtin_clz(of->stages | 1))));
    json_str(out, "advice", advice(of->rsit));
    json_str(out, "tlp", "amber");
}

void campaign_write(const struct campaign *c, struct json *out)
{
    json_open(out, NULL);
    write_common(c, leading(c), out);
    json_bool(out, "joined", c->joined);
    json_u64(out, "state_count", (unsigned)__builtin_popcount(c->states));
    json_open_array(out, "states");
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        if (!c->parts[s])
            continue;
        json_open(out, NULL);
        json_str(out, "state", state_at(s)->code);
        write_part(c->parts[s], s, out);
        json_str(out, "stage",
                 stage_word((enum stage)(31 - __builtin_clz(c->parts[s]->stages | 1))));
        write_memory(c->parts[s], out);
        json_close(out);
    }
    json_close_array(out);
    json_close(out);
}

static int restore_part(struct campaign *c, const json_t *root)
{
    const char *code = evidence_read_text(root, "state");
    const struct rsit *rsit = rsit_find(evidence_read_text(root, "rsit"));
    const json_t *shares = json_object_get(root, "shares");
    int state = state_find(code, strlen(code));
    if (state < 0 || !rsit)
        return ABENG_EFORMAT;
    struct part *p = part_for(c, (unsigned)state);
    p->rsit = rsit;
    p->first_ms = evidence_read_time(root, "first_seen");
    p->last_ms = evidence_read_time(root, "last_seen");
    p->stages = (unsigned)evidence_read_u64(root, "stages");
    p->prior = (unsigned)evidence_read_u64(root, "prior");
    p->released = json_is_true(json_object_get(root, "released"));
    p->more = json_is_true(json_object_get(root, "more"));
    for (size_t i = 0; i + 2 < json_array_size(shares); i += 3) {
        struct share *s = share_for(p, (uint64_t)json_integer_value(json_array_get(shares, i)));
        if (!s)
            break;
        s->incident = (uint64_t)json_integer_value(json_array_get(shares, i + 1));
        s->count = (uint64_t)json_integer_value(json_array_get(shares, i + 2));
    }
    return 0;
}

int region_restore(struct region *r, const char *json, size_t len)
{
    struct hit h = { .signal = 0 };
    json_t *root = json_loadb(json, len, 0, NULL);
    const json_t *indicator = json_object_get(root, "indicator");
    const json_t *states = json_object_get(root, "states");
    const char *value = evidence_read_text(indicator, "value");
    int err = *value && strlen(value) < INDICATOR_VALUE_MAX && json_array_size(states)
                  ? 0
                  : ABENG_EFORMAT;
    if (!err) {
        h.indicator.type =
            strcmp(evidence_read_text(indicator, "type"), "ip") ? INDICATOR_DOMAIN : INDICATOR_IP;
        evidence_copy(h.indicator.value, sizeof h.indicator.value, value);
        struct campaign *c = campaign_for(r, &h.indicator);
        c->version = evidence_read_u64(root, "version");
        c->joined = json_is_true(json_object_get(root, "joined"));
        c->first_ms = evidence_read_time(root, "first_seen");
        c->last_ms = evidence_read_time(root, "last_seen");
        for (size_t i = 0; i < json_array_size(states) && !err; i++)
            err = restore_part(c, json_array_get(states, i));
        if (err)
            campaign_free(table_remove(r->campaigns, c->id));
    }
    json_decref(root);
    return err;
}

void campaign_project(const struct campaign *c, unsigned state, struct json *out)
{
    const struct part *mine = c->parts[state];
    json_open(out, NULL);
    write_common(c, mine, out);
    json_str(out, "state", state_at(state)->code);
    json_u64(out, "other_states", (unsigned)__builtin_popcount(c->states) - 1);
    json_open(out, "mine");
    write_part(mine, state, out);
    json_close(out);
    json_open_array(out, "others");
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        const struct part *p = c->parts[s];
        if (s == state || !p || !p->released)
            continue;
        json_open(out, NULL);
        json_str(out, "state", state_at(s)->code);
        json_u64(out, "incidents", incidents_of(p));
        json_u64(out, "alerts", alerts_of(p));
        json_close(out);
    }
    json_close_array(out);
    json_close(out);
}
