/* SPDX-License-Identifier: Apache-2.0 */
/* Measuring against the truth. */
#include "config.h"
#include "tests/bench/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/state.h"
#include "common/xalloc.h"
#include "tests/bench/days.h"

/* One alert's two labels. */
struct pair {
    uint64_t truth, made;
};

static int by_truth(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->truth < y->truth ? -1 : x->truth > y->truth;
}

static int by_made(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->made < y->made ? -1 : x->made > y->made;
}

static int by_both(const void *a, const void *b)
{
    int d = by_truth(a, b);
    return d ? d : by_made(a, b);
}

/* Sum of n choose 2 over the runs of equal elements. */
static double pairs_in_runs(struct pair *p, size_t count, int (*order)(const void *, const void *))
{
    double sum = 0;
    qsort(p, count, sizeof *p, order);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && !order(&p[i], &p[end]);)
            end++;
        sum += (double)(end - i) * (double)(end - i - 1) / 2;
    }
    return sum;
}

static double adjusted_rand(struct pair *p, size_t count)
{
    double both = pairs_in_runs(p, count, by_both), truth = pairs_in_runs(p, count, by_truth);
    double made = pairs_in_runs(p, count, by_made);
    double all = (double)count * (double)(count - 1) / 2;
    double chance = truth * made / all, most = (truth + made) / 2;
    return most == chance ? 1 : (both - chance) / (most - chance);
}

static uint64_t incident_of_alert(const struct days *d, size_t i, const uint64_t *signal_of,
                                  const uint64_t *const *incident_of)
{
    uint64_t n = incident_of[d->alerts[i].state][signal_of[i]];
    return n ? (uint64_t)d->alerts[i].state << 48 | n : 0;
}

void measure_incidents(struct measure_result *r, const struct days *d, const uint64_t *signal_of,
                       const uint64_t *const *incident_of)
{
    struct pair *pairs = xcalloc(d->alert_count, sizeof *pairs);
    size_t count = 0;
    for (size_t i = 0; i < d->alert_count; i++) {
        const struct days_alert *a = &d->alerts[i];
        uint64_t made = incident_of_alert(d, i, signal_of, incident_of);
        if (!made && d->truths[a->truth].kind == DAYS_NOISE)
            continue;
        if (!made) /* waits off the queue, by itself */
            made = 1ull << 63 | (uint64_t)a->state << 48 | signal_of[i];
        pairs[count++] = (struct pair){ a->truth, made };
    }
    r->alerts = d->alert_count;
    r->folded = 1 - (double)r->incidents / (double)r->alerts;
    r->ari = adjusted_rand(pairs, count);
    free(pairs);
}

static bool on_page(const json_t *page, uint64_t incident)
{
    char id[32];
    snprintf(id, sizeof id, "%s-%llu", state_at((unsigned)(incident >> 48))->code,
             (unsigned long long)(incident & 0xffffffffffff));
    for (size_t i = 0; i < json_array_size(page); i++) {
        const json_t *row = json_array_get(page, i);
        const char *have = json_string_value(json_object_get(row, "id"));
        if (have && !strcmp(have, id))
            return json_integer_value(json_object_get(row, "tier")) == 1;
    }
    return false;
}

void measure_page(struct measure_result *r, const struct days *d, const uint64_t *signal_of,
                  const uint64_t *const *incident_of, unsigned day, const json_t *page)
{
    enum { NOT, MISSED, FOUND };
    uint64_t from = d->start_ms + day * 86400000ull;
    char *seen = xcalloc(d->truth_count, 1), *began = xcalloc(d->truth_count, 1);
    for (size_t i = 0; i < d->alert_count && d->alerts[i].time_ms < from + 86400000ull; i++) {
        uint32_t t = d->alerts[i].truth;
        bool first = !began[t];
        began[t] = 1;
        if (!d->truths[t].tier1 || (first && d->alerts[i].time_ms < from))
            continue;
        if (first)
            seen[t] = MISSED;
        uint64_t in = incident_of_alert(d, i, signal_of, incident_of);
        if (seen[t] == MISSED && in && on_page(page, in))
            seen[t] = FOUND;
    }
    for (size_t t = 0; t < d->truth_count; t++) {
        r->tier1 += seen[t] != NOT;
        r->tier1_missed += seen[t] == MISSED;
    }
    free(seen);
    free(began);
}

/* ---- campaigns ------------------------------------------------------------------------------- */

/* An incident and what it is a part of. */
struct member {
    uint64_t incident;
    uint32_t truth;
    int campaign;
};

/* Each incident with the thing that most of its alerts belong to, in order of incidents. */
static size_t members(const struct days *d, const uint64_t *signal_of,
                      const uint64_t *const *incident_of, struct member **out)
{
    struct pair *p = xcalloc(d->alert_count, sizeof *p);
    size_t count = 0, n = 0;
    for (size_t i = 0; i < d->alert_count; i++) {
        uint64_t made = incident_of_alert(d, i, signal_of, incident_of);
        if (made)
            p[count++] = (struct pair){ d->alerts[i].truth, made };
    }
    qsort(p, count, sizeof *p, by_both);
    struct member *m = xcalloc(count + 1, sizeof *m);
    size_t *most = xcalloc(count + 1, sizeof *most);
    /* Runs of equal pairs; an incident's runs are apart, so look it up among those before. */
    qsort(p, count, sizeof *p, by_made);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && p[end].made == p[i].made;)
            end++;
        qsort(p + i, end - i, sizeof *p, by_truth);
        m[n] = (struct member){ p[i].made, 0, -1 };
        for (size_t a = i, b; a < end; a = b) {
            for (b = a + 1; b < end && p[b].truth == p[a].truth;)
                b++;
            if (b - a > most[n]) {
                most[n] = b - a;
                m[n].truth = (uint32_t)p[a].truth;
            }
        }
        m[n].campaign = d->truths[m[n].truth].campaign;
        n++;
    }
    free(most);
    free(p);
    *out = m;
    return n;
}

static int by_incident(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    return x->incident < y->incident ? -1 : x->incident > y->incident;
}

static const struct member *member_of(const struct member *m, size_t n, const char *id)
{
    int state = strlen(id) > 3 ? state_find(id, 2) : -1;
    struct member want = { (uint64_t)state << 48 | strtoull(id + 3, NULL, 10), 0, 0 };
    return state < 0 ? NULL : bsearch(&want, m, n, sizeof *m, by_incident);
}

/* A pair of incidents that belong together, the smaller one first. */
static void add_pair(struct pair **list, size_t *count, uint64_t a, uint64_t b)
{
    if (a >> 48 == b >> 48)
        return;
    if ((*count & (*count - 1)) == 0)
        *list = xreallocarray(*list, *count ? 2 * *count : 1, sizeof **list);
    (*list)[(*count)++] = a < b ? (struct pair){ a, b } : (struct pair){ b, a };
}

static size_t unique(struct pair *p, size_t count)
{
    size_t n = 0;
    qsort(p, count, sizeof *p, by_both);
    for (size_t i = 0; i < count; i++)
        if (!n || by_both(&p[n - 1], &p[i]))
            p[n++] = p[i];
    return n;
}

static size_t made_pairs(const struct member *m, size_t n, const json_t *campaigns,
                         struct pair **out)
{
    size_t count = 0;
    for (size_t c = 0; c < json_array_size(campaigns); c++) {
        const struct member *of[4096];
        size_t k = 0;
        const json_t *states = json_object_get(json_array_get(campaigns, c), "states");
        for (size_t s = 0; s < json_array_size(states); s++) {
            const json_t *ids = json_object_get(json_array_get(states, s), "incidents");
            for (size_t i = 0; i < json_array_size(ids) && k < 4096; i++)
                if ((of[k] = member_of(m, n, json_string_value(json_array_get(ids, i)))))
                    k++;
        }
        for (size_t a = 0; a < k; a++)
            for (size_t b = a + 1; b < k; b++)
                add_pair(out, &count, of[a]->incident, of[b]->incident);
    }
    return unique(*out, count);
}

static size_t true_pairs(const struct member *m, size_t n, struct pair **out)
{
    size_t count = 0;
    for (size_t a = 0; a < n; a++)
        for (size_t b = a + 1; b < n && m[a].campaign >= 0; b++)
            if (m[a].campaign == m[b].campaign)
                add_pair(out, &count, m[a].incident, m[b].incident);
    return unique(*out, count);
}

void measure_campaigns(struct measure_result *r, const struct days *d, const uint64_t *signal_of,
                       const uint64_t *const *incident_of, const json_t *campaigns)
{
    struct member *m;
    struct pair *made = NULL, *wanted = NULL;
    size_t n = members(d, signal_of, incident_of, &m);
    size_t made_count = made_pairs(m, n, campaigns, &made);
    size_t wanted_count = true_pairs(m, n, &wanted), both = 0;
    for (size_t i = 0; i < made_count; i++)
        both += wanted && bsearch(&made[i], wanted, wanted_count, sizeof *wanted, by_both);
    r->campaign_precision = made_count ? (double)both / (double)made_count : 1;
    r->campaign_recall = wanted_count ? (double)both / (double)wanted_count : 1;
    free(made);
    free(wanted);
    free(m);
}

bool measure_leaks(json_t *projection, unsigned state)
{
    bool leaks = false;
    json_object_del(projection, "indicator");
    char *text = json_dumps(projection, JSON_COMPACT);
    for (unsigned s = 0; s < DAYS_STATES; s++) {
        char incident[8], code[8];
        snprintf(incident, sizeof incident, "\"%s-", state_at(s)->code);
        snprintf(code, sizeof code, "\"%s\"", state_at(s)->code);
        if (s != state)
            leaks |= days_names_host(text, s) || strstr(text, incident) || strstr(text, code);
    }
    free(text);
    return leaks;
}

void measure_print(const struct measure_result *r)
{
    printf("{\"alerts\":%zu,\"folded\":%.5f,\"ari\":%.4f,\"tier1_missed\":%zu,"
           "\"campaign_precision\":%.4f,\"campaign_recall\":%.4f,\"alerts_per_s\":%.0f,"
           "\"queue_ms_p99\":%.1f,\"bytes_per_signal\":%.0f}\n",
           r->alerts, r->folded, r->ari, r->tier1_missed, r->campaign_precision, r->campaign_recall,
           r->alerts_per_s, r->queue_ms_p99, r->bytes_per_signal);
}
