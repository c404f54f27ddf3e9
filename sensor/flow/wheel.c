/* SPDX-License-Identifier: Apache-2.0 */
/* The wheel of flows by deadline, and the two small orders of those whose second has come. */
#include "config.h"

#include "sensor/flow/wheel.h"

#include <stdlib.h>

#include "common/pages.h"
#include "common/prefetch.h"
#include "sensor/flow/flow.h"
#include "sensor/flow/key.h"
#include "sensor/flow/private.h"

#define SECOND_NS 1000000000ull
#define CHILDREN  4
#define PART_BITS 8 /* of an id */
#define PARTS     (1u << PART_BITS)

/* Where a flow is filed, in the upper half of FLOW_PRIVATE_AT; the lower is its place there. */
enum place { PLACE_SLOT, PLACE_DUE, PLACE_LATE };

static void set_place(struct flow *f, enum place place, uint32_t at)
{
    f->private_[FLOW_PRIVATE_AT] = (uint64_t)place << 32 | at;
}

static struct flow *link_of(const struct flow *f, enum flow_private which)
{
    return (struct flow *)(uintptr_t)f->private_[which];
}

static void set_link(struct flow *f, enum flow_private which, const struct flow *to)
{
    f->private_[which] = (uintptr_t)to;
}

void flow_wheel_init(struct flow_wheel *w, uint32_t cap,
                     uint64_t (*deadline)(const void *arg, const struct flow *f), const void *arg)
{
    *w = (struct flow_wheel){ .next_ns = UINT64_MAX, .cap = cap, .deadline = deadline, .arg = arg };
    w->due = pages_alloc(cap * sizeof(*w->due), "flows that are due");
    w->late = pages_alloc(cap * sizeof(*w->late), "flows that are due");
}

void flow_wheel_clear(struct flow_wheel *w)
{
    pages_free(w->due, w->cap * sizeof(*w->due));
    pages_free(w->late, w->cap * sizeof(*w->late));
    w->due = w->late = NULL;
}

static bool before(const struct flow_due *a, const struct flow_due *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->id < b->id;
}

/* ---- late: a heap, four children to a node ---- */

static void late_put(struct flow_wheel *w, uint32_t at, struct flow_due e)
{
    w->late[at] = e;
    set_place(e.flow, PLACE_LATE, at);
}

static void late_rise(struct flow_wheel *w, uint32_t at)
{
    struct flow_due e = w->late[at];
    while (at > 0 && before(&e, &w->late[(at - 1) / CHILDREN])) {
        late_put(w, at, w->late[(at - 1) / CHILDREN]);
        at = (at - 1) / CHILDREN;
    }
    late_put(w, at, e);
}

/* The child of `at` that comes first; `at` itself without any. */
static uint32_t first_child(const struct flow_due *heap, uint32_t count, uint32_t at)
{
    uint64_t first = (uint64_t)at * CHILDREN + 1;
    if (first >= count)
        return at;
    uint32_t best = (uint32_t)first;
    for (uint32_t i = best + 1; i < count && i < first + CHILDREN; i++) {
        if (before(&heap[i], &heap[best]))
            best = i;
    }
    return best;
}

static void late_sink(struct flow_wheel *w, uint32_t at)
{
    struct flow_due e = w->late[at];
    for (uint32_t child; (child = first_child(w->late, w->late_count, at)) != at &&
                         before(&w->late[child], &e);) {
        late_put(w, at, w->late[child]);
        at = child;
    }
    late_put(w, at, e);
}

static void late_remove(struct flow_wheel *w, uint32_t at)
{
    struct flow_due last = w->late[--w->late_count];
    if (at == w->late_count)
        return;
    late_put(w, at, last);
    late_rise(w, at);
    late_sink(w, (uint32_t)last.flow->private_[FLOW_PRIVATE_AT]);
}

/* ---- due: sorted once ---- */

static uint32_t part_of(const struct flow_due *due)
{
    uint64_t part = due->id >> (FLOW_KEY_ID_BITS - PART_BITS);
    return part < PARTS ? (uint32_t)part : PARTS - 1;
}

/* Heap order with the last at the top, from `at` down. */
static void due_sink(struct flow_due *due, uint32_t count, uint32_t at)
{
    struct flow_due e = due[at];
    for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && before(&due[child], &due[child + 1]))
            child++;
        if (!before(&e, &due[child]))
            break;
        due[at] = due[child];
    }
    due[at] = e;
}

static void due_swap(struct flow_due *a, struct flow_due *b)
{
    struct flow_due c = *a;
    *a = *b;
    *b = c;
}

/* The work is bounded whatever the order was. */
static void due_heap(struct flow_due *due, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        due_sink(due, count, i);
    for (uint32_t n = count; n-- > 1;) {
        due_swap(&due[0], &due[n]);
        due_sink(due, n, 0);
    }
}

/* Put those together whose ids have the same upper bits, by these; where each part ends. */
static void due_part(struct flow_due *due, uint32_t count, uint32_t ends[PARTS])
{
    uint32_t at[PARTS] = { 0 }, from = 0;
    for (uint32_t i = 0; i < count; i++)
        at[part_of(&due[i])]++;
    for (uint32_t p = 0; p < PARTS; p++) {
        ends[p] = from + at[p];
        at[p] = from;
        from = ends[p];
    }
    for (uint32_t p = 0; p < PARTS; p++) {
        for (uint32_t to; at[p] < ends[p]; at[to]++) {
            to = part_of(&due[at[p]]);
            if (to != p)
                due_swap(&due[at[p]], &due[at[to]]);
        }
    }
}

/* In place, since the packet path allocates nothing. Of many that have one deadline, as most of a
 * second have, those whose ids have the same upper bits are sorted at a time: these stay in
 * the nearest cache. */
static void due_sort(struct flow_due *due, uint32_t count)
{
    uint32_t same = 0, ends[PARTS];
    while (same < count && due[same].deadline == due[0].deadline)
        same++;
    if (same < count || count < PARTS) {
        due_heap(due, count);
        return;
    }
    due_part(due, count, ends);
    for (uint32_t p = 0, from = 0; p < PARTS; from = ends[p++])
        due_heap(due + from, ends[p] - from);
}

/* ---- filing ---- */

static void slot_add(struct flow_wheel *w, struct flow *f, uint64_t second)
{
    uint32_t slot = (uint32_t)(second % FLOW_WHEEL_SLOTS);
    struct flow_slot_list *list = &w->slots[slot];
    set_place(f, PLACE_SLOT, slot);
    set_link(f, FLOW_PRIVATE_NEXT, NULL);
    set_link(f, FLOW_PRIVATE_PREVIOUS, list->last);
    if (list->last)
        set_link(list->last, FLOW_PRIVATE_NEXT, f);
    else
        list->first = f;
    list->last = f;
    w->busy[slot / 64] |= 1ull << slot % 64;
    if (second * SECOND_NS < w->next_ns)
        w->next_ns = second * SECOND_NS;
}

static void slot_remove(struct flow_wheel *w, struct flow *f, uint32_t slot)
{
    struct flow_slot_list *list = &w->slots[slot];
    struct flow *next = link_of(f, FLOW_PRIVATE_NEXT);
    struct flow *previous = link_of(f, FLOW_PRIVATE_PREVIOUS);
    if (next)
        set_link(next, FLOW_PRIVATE_PREVIOUS, previous);
    else
        list->last = previous;
    if (previous)
        set_link(previous, FLOW_PRIVATE_NEXT, next);
    else
        list->first = next;
    if (!list->first)
        w->busy[slot / 64] &= ~(1ull << slot % 64);
}

static void file(struct flow_wheel *w, struct flow *f, uint64_t deadline)
{
    uint64_t second = deadline / SECOND_NS;
    f->private_[FLOW_PRIVATE_ARMED] = deadline;
    if (second > w->second) {
        uint64_t last = w->second + FLOW_WHEEL_SLOTS - 1;
        slot_add(w, f, second < last ? second : last);
        return;
    }
    w->late[w->late_count] = (struct flow_due){ deadline, f->id, f };
    late_rise(w, w->late_count++);
    if (deadline < w->next_ns)
        w->next_ns = deadline;
}

static void unfile(struct flow_wheel *w, struct flow *f)
{
    uint64_t at = f->private_[FLOW_PRIVATE_AT];
    switch ((enum place)(at >> 32)) {
    case PLACE_SLOT:
        slot_remove(w, f, (uint32_t)at);
        break;
    case PLACE_DUE:
        w->due[(uint32_t)at].flow = NULL;
        break;
    case PLACE_LATE:
        late_remove(w, (uint32_t)at);
        break;
    }
}

bool flow_wheel_add(struct flow_wheel *w, struct flow *f)
{
    if (w->count == w->cap)
        return false;
    if (!w->count && f->last_ns / SECOND_NS > w->second)
        w->second = f->last_ns / SECOND_NS; /* nothing lies between */
    w->count++;
    file(w, f, w->deadline(w->arg, f));
    return true;
}

void flow_wheel_move(struct flow_wheel *w, struct flow *f)
{
    unfile(w, f);
    file(w, f, w->deadline(w->arg, f));
}

void flow_wheel_remove(struct flow_wheel *w, struct flow *f)
{
    unfile(w, f);
    w->count--;
}

/* ---- what comes next ---- */

/* The first second behind w->second that has flows, UINT64_MAX when none has. */
static uint64_t next_busy(const struct flow_wheel *w)
{
    uint64_t from = w->second + 1;
    for (uint64_t ahead = 0; ahead < FLOW_WHEEL_SLOTS;) {
        uint32_t slot = (uint32_t)((from + ahead) % FLOW_WHEEL_SLOTS);
        uint64_t bits = w->busy[slot / 64] >> slot % 64;
        if (bits)
            return from + ahead + (uint64_t)__builtin_ctzll(bits);
        ahead += 64 - slot % 64;
    }
    return UINT64_MAX;
}

/* The flows of `second` come into order. Those that have seen packets since are filed again. */
static void load(struct flow_wheel *w, uint64_t second)
{
    uint32_t slot = (uint32_t)(second % FLOW_WHEEL_SLOTS);
    struct flow *f = w->slots[slot].first;
    w->slots[slot] = (struct flow_slot_list){ NULL, NULL };
    w->busy[slot / 64] &= ~(1ull << slot % 64);
    w->second = second;
    w->due_at = w->due_count = 0;
    for (struct flow *next; f; f = next) {
        next = link_of(f, FLOW_PRIVATE_NEXT);
        __builtin_prefetch(next);
        uint64_t deadline = w->deadline(w->arg, f);
        if (deadline / SECOND_NS > second)
            file(w, f, deadline);
        else
            w->due[w->due_count++] = (struct flow_due){ deadline, f->id, f };
    }
    due_sort(w->due, w->due_count);
    for (uint32_t i = 0; i < w->due_count; i++) {
        w->due[i].flow->private_[FLOW_PRIVATE_ARMED] = w->due[i].deadline;
        set_place(w->due[i].flow, PLACE_DUE, i);
    }
}

/* Flows at their end have not been looked at for long: the memory of the next ones is asked for
 * while one is worked on, of the flow itself first, then of what its stages keep. */
static void fetch_next(const struct flow_wheel *w)
{
    const struct flow *far = w->due_at + 6 < w->due_count ? w->due[w->due_at + 6].flow : NULL;
    const struct flow *near = w->due_at + 3 < w->due_count ? w->due[w->due_at + 3].flow : NULL;
    if (far)
        prefetch(far, sizeof(*far));
    for (unsigned s = 0; near && s < FLOW_SLOTS; s++)
        __builtin_prefetch(near->slot[s]);
}

/* The first flow of those in order, NULL when there is none. */
static struct flow *in_order(struct flow_wheel *w)
{
    while (w->due_at < w->due_count && !w->due[w->due_at].flow) {
        w->due_at++;
        fetch_next(w);
    }
    const struct flow_due *due = w->due_at < w->due_count ? &w->due[w->due_at] : NULL;
    if (w->late_count && (!due || before(&w->late[0], due)))
        return w->late[0].flow;
    return due ? due->flow : NULL;
}

struct flow *flow_wheel_first(struct flow_wheel *w, uint64_t now_ns, uint64_t *deadline)
{
    while (w->next_ns <= now_ns) {
        struct flow *f = in_order(w);
        if (f) {
            *deadline = w->deadline(w->arg, f);
            w->next_ns = f->private_[FLOW_PRIVATE_ARMED];
            if (*deadline == w->next_ns)
                return w->next_ns <= now_ns ? f : NULL;
            flow_wheel_move(w, f);
            continue;
        }
        uint64_t second = next_busy(w);
        w->next_ns = second == UINT64_MAX ? UINT64_MAX : second * SECOND_NS;
        if (w->next_ns <= now_ns && second != UINT64_MAX)
            load(w, second);
        else if (now_ns != UINT64_MAX && now_ns / SECOND_NS > w->second)
            w->second = now_ns / SECOND_NS;
        if (second == UINT64_MAX)
            return NULL;
    }
    return NULL;
}

struct flow *flow_wheel_oldest(struct flow_wheel *w)
{
    for (;;) {
        struct flow *f = in_order(w);
        uint64_t second = w->second;
        if (!f) {
            second = next_busy(w);
            if (second == UINT64_MAX)
                return NULL;
            f = w->slots[second % FLOW_WHEEL_SLOTS].first;
        }
        if (w->deadline(w->arg, f) / SECOND_NS <= second)
            return f;
        flow_wheel_move(w, f); /* it has seen packets since */
    }
}

struct flow *flow_wheel_behind(const struct flow *f)
{
    bool listed = f->private_[FLOW_PRIVATE_AT] >> 32 == PLACE_SLOT;
    return listed ? link_of(f, FLOW_PRIVATE_NEXT) : NULL;
}
