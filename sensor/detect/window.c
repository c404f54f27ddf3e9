/* SPDX-License-Identifier: Apache-2.0 */
/* What was found in a body's last window. */
#include "config.h"
#include "sensor/detect/window.h"

#include "common/slab.h"
#include "sensor/detect/scan.h"
#include "sensor/detect/sieve.h"
#include "sensor/detect/state.h"

/* Patterns that are kept; pages that have more are searched anew. */
#define FOUND_MAX 24

struct found {
    uint64_t at;
    uint32_t pattern;
};

struct window {
    struct window *next;
    uint64_t end; /* of what was searched, in the body */
    uint32_t engine;
    bool whole; /* not all that was found is kept */
    uint32_t count;
    struct found found[FOUND_MAX];
};

struct window *window_get(struct window **list, uint32_t engine, struct slab *slab)
{
    struct window *w = *list;
    while (w && w->engine != engine)
        w = w->next;
    if (w)
        return w;
    w = slab_try_zalloc(slab, sizeof(*w));
    if (!w)
        return NULL;
    w->engine = engine;
    w->next = *list;
    *list = w;
    return w;
}

void window_free_all(struct window **list, struct slab *slab)
{
    while (*list) {
        struct window *w = *list;
        *list = w->next;
        slab_free(slab, w, sizeof(*w));
    }
}

bool window_take(struct window *w, uint32_t pattern, uint64_t at, uint32_t len)
{
    if (at + len <= w->end)
        return false;
    if (w->count < FOUND_MAX)
        w->found[w->count++] = (struct found){ at, pattern };
    else
        w->whole = true;
    return true;
}

/* What was found before and is in the view: candidates. Where the search goes on, in the view. */
static uint32_t found_again(struct detect_thread *t, struct window *w, const struct app_view *view)
{
    const struct image_engine *e = &t->set->engines[w->engine];
    uint64_t end = view->offset + view->len;
    if (w->whole || w->end < view->offset || w->end > end) {
        w->end = view->offset;
        w->count = 0;
        w->whole = false;
        return 0;
    }
    uint32_t kept = 0, old = (uint32_t)(w->end - view->offset);
    for (uint32_t i = 0; i < w->count; i++) {
        if (w->found[i].at < view->offset)
            continue;
        detect_candidates_add(t, t->set->patterns[e->pattern_first + w->found[i].pattern]);
        w->found[kept++] = w->found[i];
    }
    w->count = kept;
    return old > e->longest ? old - e->longest : 0;
}

void window_scan(struct detect_thread *t, struct window *w, const struct app_view *view)
{
    uint32_t from = found_again(t, w, view);
    struct app_view rest = { view->data + from, view->len - from, view->offset + from, view->end };
    detect_scan_heads(t, w->engine, view);
    w->whole = !detect_scan_window(t, w->engine, &rest, w) || w->whole;
    w->end = view->offset + view->len;
}
