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

void measure_print(const struct measure_result *r)
{
    printf("{\"alerts\":%zu,\"folded\":%.5f,\"ari\":%.4f,\"tier1_missed\":%zu,"
           "\"campaign_precision\":%.4f,\"campaign_recall\":%.4f,\"alerts_per_s\":%.0f,"
           "\"queue_ms_p99\":%.1f,\"bytes_per_signal\":%.0f}\n",
           r->alerts, r->folded, r->ari, r->tier1_missed, r->campaign_precision, r->campaign_recall,
           r->alerts_per_s, r->queue_ms_p99, r->bytes_per_signal);
}
