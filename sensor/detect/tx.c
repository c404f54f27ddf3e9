/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: each buffer scanned when it is whole, half matched rules kept until the rest has
 * come. */
#include "config.h"

#include <string.h>

#include "common/slab.h"
#include "sensor/detect/scan.h"
#include "sensor/detect/state.h"
#include "sensor/detect/window.h"

/* Windows of one body that one packet can release. */
#define WINDOWS_MAX 64
/* First size of a transaction's list of entries. */
#define ENTRIES_FIRST 4

/* LIST_BEYOND: yes, where the reference engine does not look. */
enum list_result { LIST_YES, LIST_BEYOND, LIST_PENDING, LIST_FAILED };

/* ---- what is kept ---------------------------------------------------------------------------- */

static void state_free(struct detect_thread *t, struct app_tx *tx, unsigned dir)
{
    struct detect_tx *state = tx->detect[dir];
    if (!state)
        return;
    slab_free(t->slab, state->entries, state->cap * sizeof(*state->entries));
    window_free_all(&state->windows, t->slab);
    slab_free(t->slab, state, sizeof(*state));
    tx->detect[dir] = NULL;
}

void detect_tx_free(void *thread, struct app_tx *tx)
{
    state_free(thread, tx, SIG_DIR_TOSERVER);
    state_free(thread, tx, SIG_DIR_TOCLIENT);
}

/* State of the transaction at hand, of the rule set in force; NULL when there is none. */
static struct detect_tx *state_get(struct detect_job *job)
{
    struct detect_tx *state = job->tx->detect[job->in->dir];
    if (state && state->generation != job->t->generation) {
        state_free(job->t, job->tx, job->in->dir);
        state = NULL;
    }
    return state;
}

static struct detect_tx *state_make(struct detect_job *job)
{
    struct detect_tx *state = state_get(job);
    if (state)
        return state;
    state = slab_try_zalloc(job->t->slab, sizeof(*state));
    if (!state) {
        counter_add(job->t->counters, DETECT_COUNT_NO_MEMORY, 1);
        return NULL;
    }
    state->generation = job->t->generation;
    job->tx->detect[job->in->dir] = state;
    return state;
}

/* Where the rule's entry is, or would be. */
static uint32_t entry_place(const struct detect_tx *state, uint32_t rule)
{
    uint32_t low = 0, high = state->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (state->entries[middle].rule < rule)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct detect_entry *entry_find(const struct detect_tx *state, uint32_t rule)
{
    uint32_t at = state ? entry_place(state, rule) : 0;
    return state && at < state->count && state->entries[at].rule == rule ? &state->entries[at]
                                                                         : NULL;
}

static bool entries_grow(struct detect_thread *t, struct detect_tx *state)
{
    uint32_t want = state->cap ? state->cap * 2 : ENTRIES_FIRST;
    size_t size = sizeof(*state->entries);
    if (state->count < state->cap)
        return true;
    if (want > DETECT_TX_ENTRIES_MAX) {
        counter_add(t->counters, DETECT_COUNT_TX_STATE_FULL, 1);
        return false;
    }
    void *grown = state->entries
                      ? slab_try_realloc(t->slab, state->entries, state->cap * size, want * size)
                      : slab_try_alloc(t->slab, want * size);
    if (!grown) {
        counter_add(t->counters, DETECT_COUNT_NO_MEMORY, 1);
        return false;
    }
    state->entries = grown;
    state->cap = want;
    return true;
}

static void entry_put(struct detect_job *job, const struct detect_entry *entry)
{
    struct detect_tx *state = state_make(job);
    struct detect_entry *known = entry_find(state, entry->rule);
    if (known) {
        *known = *entry;
        return;
    }
    if (!state || !entries_grow(job->t, state))
        return;
    uint32_t at = entry_place(state, entry->rule);
    memmove(&state->entries[at + 1], &state->entries[at], (state->count - at) * sizeof(*entry));
    state->entries[at] = *entry;
    state->count++;
}

/* ---- buffers --------------------------------------------------------------------------------- */

static const struct sig_buffer_def *spec_def(const struct detect_job *job, uint16_t spec)
{
    return sig_buffer_def(job->set->specs[spec].buffer);
}

bool detect_transform(struct detect_job *job, const struct sig_bufspec *spec,
                      struct app_view *view)
{
    if (transform_apply(&job->t->transforms, spec, job->set->blob, job->t->confirm.regexes, view))
        return true;
    counter_add(job->t->counters, DETECT_COUNT_TRANSFORM_FULL, 1);
    return false;
}

static bool buffer_fetch(struct detect_job *job, uint16_t spec, uint32_t index,
                         struct app_view *out)
{
    const struct detect_input *in = job->in;
    const struct sig_bufspec *s = &job->set->specs[spec];
    if (!app_tx_buffer(in->apps, in->flow, job->tx, in->dir, s->buffer, index, out))
        return false;
    if (sig_buffer_def(s->buffer)->flags & SIG_BUFFER_BODY && !out->end)
        job->body_open = true;
    return s->transform_count == 0 || detect_transform(job, s, out);
}

bool detect_fetch(struct detect_job *job, uint16_t spec, uint32_t index, struct app_view *out)
{
    struct detect_fetched *kept = &job->t->fetched[spec];
    if (index >= DETECT_INSTANCES_MAX) {
        counter_add(job->t->counters, DETECT_COUNT_INSTANCES, 1);
        return false;
    }
    if (index > 0)
        return buffer_fetch(job, spec, index, out);
    if (kept->epoch != job->t->epoch) {
        kept->there = buffer_fetch(job, spec, 0, &kept->view);
        kept->epoch = job->t->epoch;
    }
    *out = kept->view;
    return kept->there;
}

/* A new look at the transaction: what was fetched may have changed. */
static void fetched_forget(struct detect_job *job)
{
    job->t->epoch++;
    job->t->transforms.used = 0;
    job->body_open = false;
}

static bool is_growing(const struct sig_buffer_def *def)
{
    return def->flags & (SIG_BUFFER_MULTI | SIG_BUFFER_FILE | SIG_BUFFER_BODY | SIG_BUFFER_GROWS);
}

static bool has_instances(const struct sig_buffer_def *def)
{
    return def->flags & (SIG_BUFFER_MULTI | SIG_BUFFER_FILE);
}

/* Whether the transaction has gone beyond the step that brings the buffer: it will not come any
 * more. */
static bool is_past(const struct detect_job *job, const struct sig_buffer_def *def)
{
    uint8_t progress = job->tx->progress[job->in->dir];
    bool gone = progress > def->progress[job->in->dir] && !(def->flags & SIG_BUFFER_GROWS);
    return progress == SIG_PROGRESS_DONE || gone;
}

/* ---- one list of a rule ---------------------------------------------------------------------- */

static enum list_result payload_list_run(struct detect_job *job, const struct sig_list *list)
{
    const struct packet *p = job->in->packet;
    struct app_view view = job->chunk;
    if (view.len == 0 && job->payload &&
        (job->cls != IMAGE_CLASS_TCP || !job->in->tcp || !job->in->tcp->added))
        view = (struct app_view){ .data = p->payload, .len = p->payload_len, .end = true };
    if (view.len == 0)
        return LIST_PENDING;
    return confirm_run(&job->t->confirm, job->set->ops + list->first, list->count, &view) ==
                   CONFIRM_YES
               ? LIST_YES
               : LIST_PENDING;
}

static enum list_result header_list_run(struct detect_job *job, const struct sig_list *list)
{
    struct app_view view;
    if (!detect_packet_buffer(job->in->packet, job->set->specs[list->spec].buffer, &view))
        return LIST_PENDING;
    return confirm_run(&job->t->confirm, job->set->ops + list->first, list->count, &view) ==
                   CONFIRM_YES
               ? LIST_YES
               : LIST_PENDING;
}

static bool is_absence(const struct detect_job *job, const struct sig_list *list)
{
    return list->count > 0 && job->set->ops[list->first].kind == SIG_OP_ABSENT;
}

/* The byte order that the `dce` option of byte_test and its like stands for. */
static void byte_order_set(struct detect_job *job, enum sig_buffer buffer)
{
    uint64_t little = 0;
    bool known =
        buffer == SIG_BUF_DCE_STUB_DATA &&
        app_tx_number(job->in->flow, job->tx, job->in->dir, APP_NUMBER_LITTLE_ENDIAN, &little);
    job->t->confirm.little_endian = known && little;
}

/* Every instance in turn; what is not there is no match, negated or not. */
static enum list_result instances_run(struct detect_job *job, const struct sig_list *list,
                                      const struct sig_buffer_def *def, bool *there)
{
    struct app_view view;
    *there = false;
    for (uint32_t i = 0; detect_fetch(job, list->spec, i, &view); i++) {
        *there = true;
        switch (confirm_run(&job->t->confirm, job->set->ops + list->first, list->count, &view)) {
        case CONFIRM_YES:
            return LIST_YES;
        case CONFIRM_NEVER:
            if (!has_instances(def))
                return LIST_FAILED;
            break;
        case CONFIRM_NO:
            break;
        }
        if (!has_instances(def))
            break;
    }
    return LIST_PENDING;
}

/* The buffer in the reading that the reference engine does not have; false without one. */
static bool beyond_fetch(struct detect_job *job, uint16_t spec, const struct sig_buffer_def *def,
                         struct app_view *out)
{
    return job->t->beyond && def->flags & (SIG_BUFFER_BODY | SIG_BUFFER_FILE) &&
           buffer_fetch(job, spec, APP_INDEX_BEYOND, out);
}

static bool beyond_matches(struct detect_job *job, const struct sig_list *list,
                           const struct sig_buffer_def *def)
{
    struct app_view view;
    return beyond_fetch(job, list->spec, def, &view) &&
           confirm_run(&job->t->confirm, job->set->ops + list->first, list->count, &view) ==
               CONFIRM_YES;
}

static enum list_result list_run(struct detect_job *job, const struct sig_list *list)
{
    enum sig_buffer buffer = job->set->specs[list->spec].buffer;
    const struct sig_buffer_def *def = sig_buffer_def(buffer);
    bool there;
    if (buffer == SIG_BUF_PAYLOAD)
        return payload_list_run(job, list);
    if (def->flags & SIG_BUFFER_PACKET)
        return header_list_run(job, list);
    if (job->tx->progress[job->in->dir] < def->progress[job->in->dir])
        return LIST_PENDING;
    byte_order_set(job, buffer);
    enum list_result result = instances_run(job, list, def, &there);
    if (result != LIST_YES && beyond_matches(job, list, def))
        return LIST_BEYOND;
    if (result != LIST_PENDING)
        return result;
    if (!there && is_absence(job, list))
        return is_past(job, def) ? LIST_YES : LIST_PENDING;
    if (there && !is_growing(def))
        return LIST_FAILED;
    if (def->flags & SIG_BUFFER_BODY)
        return job->tx->progress[job->in->dir] == SIG_PROGRESS_DONE && !job->body_open
                   ? LIST_FAILED
                   : LIST_PENDING;
    return is_past(job, def) ? LIST_FAILED : LIST_PENDING;
}

/* ---- one rule -------------------------------------------------------------------------------- */

/* Run what has not matched yet; says whether the rule waits, failed or is through. */
static void lists_run(struct detect_job *job, const struct image_rule *rule,
                      struct detect_entry *entry)
{
    const struct sig_list *list = job->set->lists + rule->lists.first;
    bool waits = false;
    memset(job->t->confirm.vars, 0, rule->vars * sizeof(job->t->confirm.vars[0]));
    job->t->confirm.capture_count = 0;
    for (uint32_t i = 0; i < rule->lists.count; i++, list++) {
        if (entry->matched >> i & 1 || !(list->dirs & 1u << job->in->dir))
            continue;
        enum list_result result = list_run(job, list);
        if (result == LIST_FAILED) {
            entry->state = DETECT_ENTRY_FAILED;
            return;
        }
        if (result == LIST_PENDING) {
            waits = true;
            continue;
        }
        entry->matched |= 1u << i;
        entry->beyond |= result == LIST_BEYOND;
    }
    entry->state = waits ? DETECT_ENTRY_PENDING : DETECT_ENTRY_DONE;
}

/* The reference forgets that a rule has matched when its pattern's buffer is not to be scanned any
 * more. A negated pattern needs no scan: such a rule matches anew each time. */
static bool is_forgotten(const struct detect_job *job, const struct image_rule *rule)
{
    const struct sig_list *list = job->set->lists + rule->lists.first;
    if (!(rule->flags & IMAGE_RULE_AGAIN) ||
        (job->app == SIG_APP_HTTP2 && job->in->dir == SIG_DIR_TOCLIENT))
        return false; /* HTTP/2 has no state between a response and its end */
    for (uint32_t i = 0; i < rule->lists.count; i++, list++) {
        const struct sig_op *op = job->set->ops + list->first;
        for (uint32_t k = 0; k < list->count; k++, op++)
            if (op->kind == SIG_OP_CONTENT)
                return job->tx->progress[job->in->dir] >
                       spec_def(job, list->spec)->progress[job->in->dir];
    }
    return false;
}

static void rule_run(struct detect_job *job, uint32_t index)
{
    const struct image_rule *rule = &job->set->rules[index];
    const struct detect_entry *known = entry_find(state_get(job), index);
    struct detect_entry entry = { .rule = index, .state = DETECT_ENTRY_PENDING };
    if (known && known->state != DETECT_ENTRY_PENDING)
        return;
    if (known)
        entry = *known;
    else if (rule->flags & IMAGE_RULE_SENT && job->in->packet->flags & PACKET_F_PSEUDO)
        return;
    else if (!detect_header_match(job, rule) || !detect_packet_ops_match(job, rule))
        return;
    lists_run(job, rule, &entry);
    bool later = job->tx->progress[job->in->dir] != SIG_PROGRESS_DONE || job->body_open;
    bool worth = entry.state != DETECT_ENTRY_PENDING || entry.matched;
    bool forgotten = entry.state == DETECT_ENTRY_DONE && is_forgotten(job, rule);
    if (known || (later && worth && !forgotten))
        entry_put(job, &entry);
    if (entry.state == DETECT_ENTRY_DONE && entry.beyond)
        detect_hit_beyond(job, index, job->tx);
    else if (entry.state == DETECT_ENTRY_DONE)
        detect_hit_add(job, index, job->tx, false);
}

/* ---- one transaction ------------------------------------------------------------------------- */

/* Whether another engine looks at the same bytes for what may stand anywhere. */
static bool is_within(struct detect_job *job, const struct image_engine *e,
                      const struct app_view *view)
{
    struct app_view other;
    return e->within != IMAGE_NONE &&
           detect_fetch(job, job->set->engines[e->within].spec, 0, &other) &&
           other.data == view->data && other.len == view->len && other.offset == view->offset;
}

/* What is kept of the last windows of a body that grows, the first of its transaction; NULL: the
 * view is searched whole. */
static struct window *view_window(struct detect_job *job, uint32_t engine,
                                  const struct sig_buffer_def *def, uint32_t index,
                                  const struct app_view *view)
{
    const struct sig_bufspec *spec = &job->set->specs[job->set->engines[engine].spec];
    if (!(def->flags & SIG_BUFFER_BODY) || index > 0 || job->tx->files[job->in->dir] > 1 ||
        spec->transform_count > 0 || (view->offset == 0 && view->end))
        return NULL;
    struct detect_tx *state = state_make(job);
    return state ? window_get(&state->windows, engine, job->t->slab) : NULL;
}

/* Scan all instances; true when the buffer needs no second look. */
static bool spec_scan(struct detect_job *job, uint32_t engine, const struct sig_buffer_def *def)
{
    struct app_view view;
    uint16_t spec = job->set->engines[engine].spec;
    bool there = false;
    for (uint32_t i = 0; detect_fetch(job, spec, i, &view); i++) {
        there = true;
        struct window *w = NULL;
        if (is_within(job, &job->set->engines[engine], &view))
            detect_scan_heads(job->t, engine, &view);
        else if (view.len > 0 && (w = view_window(job, engine, def, i, &view)))
            window_scan(job->t, w, &view);
        else
            detect_scan(job->t, engine, &view);
        if (!has_instances(def))
            break;
    }
    if (beyond_fetch(job, spec, def, &view))
        detect_scan(job->t, engine, &view);
    if (def->flags & SIG_BUFFER_BODY)
        return false;
    return is_past(job, def) || (there && !is_growing(def));
}

static void engines_scan(struct detect_job *job, const struct image_plan *plan)
{
    const uint32_t *engines = job->set->members + plan->engines.first;
    const struct detect_tx *state = state_get(job);
    uint64_t scanned[IMAGE_SPECS_MAX / 64] = { 0 };
    if (state)
        memcpy(scanned, state->scanned, sizeof(scanned));
    for (uint32_t i = 0; i < plan->engines.count; i++) {
        uint16_t spec = job->set->engines[engines[i]].spec;
        const struct sig_buffer_def *def = spec_def(job, spec);
        if (job->tx->progress[job->in->dir] < def->progress[job->in->dir])
            break; /* by progress: the rest is not ready either */
        if (!(scanned[spec / 64] >> spec % 64 & 1) && spec_scan(job, engines[i], def))
            scanned[spec / 64] |= 1ull << spec % 64;
    }
    if (job->tx->progress[job->in->dir] == SIG_PROGRESS_DONE && !job->body_open)
        return;
    struct detect_tx *kept = state_make(job);
    if (kept)
        memcpy(kept->scanned, scanned, sizeof(scanned));
}

static void pending_add(struct detect_job *job)
{
    const struct detect_tx *state = state_get(job);
    for (uint32_t i = 0; state && i < state->count; i++) {
        if (state->entries[i].state == DETECT_ENTRY_PENDING)
            candidates_add(&job->t->candidates, state->entries[i].rule);
    }
}

/* Another file has begun: rules that ask of each one begin anew. */
static void files_look(struct detect_job *job)
{
    struct detect_tx *state = state_get(job);
    uint32_t files = job->tx->files[job->in->dir], kept = 0;
    if (!state || state->files == files)
        return;
    state->files = files;
    window_free_all(&state->windows, job->t->slab);
    for (uint32_t i = 0; i < state->count; i++) {
        if (!(job->set->rules[state->entries[i].rule].flags & IMAGE_RULE_FILES))
            state->entries[kept++] = state->entries[i];
    }
    state->count = kept;
}

static void tx_look(struct detect_job *job, const struct image_plan *plan)
{
    fetched_forget(job);
    files_look(job);
    engines_scan(job, plan);
    pending_add(job);
    detect_candidates_add(job->t, plan->always);
    detect_candidates_run(job, rule_run);
    app_tx_body_advance(job->in->apps, job->in->flow, job->tx, job->in->dir);
}

static void tx_close(struct detect_job *job, struct app_tx *tx)
{
    unsigned dir = job->in->dir;
    tx->updated[dir] = false;
    if (tx->progress[dir] != SIG_PROGRESS_DONE)
        return;
    tx->inspected[dir] = true;
    state_free(job->t, tx, dir);
}

static bool tx_is_due(const struct detect_job *job, const struct app_tx *tx)
{
    unsigned dir = job->in->dir;
    if (tx->inspected[dir])
        return false;
    return tx->updated[dir] || tx->progress[dir] == SIG_PROGRESS_DONE ||
           (tx->detect[dir] && job->chunk.len);
}

void detect_tx_run(struct detect_job *job)
{
    const struct image_plan *plan = &job->set->plans[job->app * 2u + job->in->dir];
    for (struct app_tx *tx = app_tx_first(job->in->flow); tx; tx = tx->next) {
        if (!tx_is_due(job, tx))
            continue;
        job->tx = tx;
        unsigned windows = 0;
        do {
            tx_look(job, plan);
        } while (job->body_open && tx->progress[job->in->dir] == SIG_PROGRESS_DONE &&
                 ++windows < WINDOWS_MAX);
        tx_close(job, tx);
    }
    job->tx = NULL;
}

void detect_tx_skip(struct detect_job *job)
{
    struct app_tx *tx = job->in->flow ? app_tx_first(job->in->flow) : NULL;
    for (; tx; tx = tx->next) {
        app_tx_body_advance(job->in->apps, job->in->flow, tx, job->in->dir);
        tx_close(job, tx);
    }
    if (job->in->flow)
        app_frames_advance(job->in->apps, job->in->flow, job->in->dir);
}
