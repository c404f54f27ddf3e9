/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profile abeng: what straddles two chunks of a stream. The reference looks at each chunk by itself
 * and misses it; here the end of a chunk is kept, and looked at once more together with the head of
 * the next. Only rules whose tests hold in a window as in the whole stream (IMAGE_RULE_SEAM) are
 * run, only for what neither side holds alone, and they change no state: every alert of the other
 * profile is given all the same.
 */
#include "config.h"

#include <string.h>

#include "common/slab.h"
#include "common/xalloc.h"
#include "sensor/detect/scan.h"
#include "sensor/detect/state.h"

/** Bytes kept of a chunk's end, and looked at of the next one's head. */
#define SEAM_MAX 4096u

struct detect_seam {
    uint64_t end; /* position in the stream behind the last byte */
    uint32_t len;
    uint8_t bytes[SEAM_MAX];
};

void detect_thread_go_beyond(struct detect_thread *t)
{
    t->beyond = true;
    if (!t->seam_room)
        t->seam_room = xmalloc(2 * SEAM_MAX);
}

void detect_seam_free(struct detect_thread *t, struct detect_flow *f)
{
    for (unsigned dir = 0; dir < 2; dir++) {
        slab_free(t->slab, f->seam[dir], sizeof(*f->seam[dir]));
        f->seam[dir] = NULL;
    }
}

static bool lists_match(struct detect_job *job, const struct image_rule *rule, const uint8_t *data,
                        uint32_t len)
{
    struct app_view view = { .data = data, .len = len, .end = true };
    const struct sig_list *list = job->set->lists + rule->lists.first;
    memset(job->t->confirm.vars, 0, rule->vars * sizeof(job->t->confirm.vars[0]));
    job->t->confirm.capture_count = 0;
    for (uint32_t i = 0; i < rule->lists.count; i++, list++) {
        if (confirm_run(&job->t->confirm, job->set->ops + list->first, list->count, &view) !=
            CONFIRM_YES)
            return false;
    }
    return true;
}

static void seam_rule_run(struct detect_job *job, uint32_t index)
{
    const struct image_rule *rule = &job->set->rules[index];
    const uint8_t *room = job->t->seam_room;
    uint32_t tail = job->seam_tail, head = job->seam_head;
    if (!(rule->flags & IMAGE_RULE_SEAM) || rule->flow & SIG_FLOW_NO_STREAM)
        return;
    if (!detect_header_match(job, rule) || !detect_packet_ops_match(job, rule))
        return;
    if (lists_match(job, rule, room, tail + head) && !lists_match(job, rule, room, tail) &&
        !lists_match(job, rule, room + tail, head))
        detect_hit_beyond(job, index, NULL);
}

static void seam_look(struct detect_job *job, const struct detect_seam *seam)
{
    uint8_t *room = job->t->seam_room;
    job->seam_tail = seam->len;
    job->seam_head = job->chunk.len < SEAM_MAX ? job->chunk.len : SEAM_MAX;
    memcpy(room, seam->bytes, seam->len);
    memcpy(room + seam->len, job->chunk.data, job->seam_head);
    struct app_view view = { .data = room, .len = seam->len + job->seam_head, .end = true };
    detect_scan_stream(job, &view);
    detect_candidates_run(job, seam_rule_run);
}

/* Append the chunk to what is kept, which is its end. */
static void seam_keep(struct detect_seam *seam, const struct app_view *chunk, uint64_t at)
{
    uint32_t take = chunk->len < SEAM_MAX ? chunk->len : SEAM_MAX;
    uint32_t old = seam->end == at ? seam->len : 0;
    if (old > SEAM_MAX - take)
        old = SEAM_MAX - take;
    memmove(seam->bytes, seam->bytes + seam->len - old, old);
    memcpy(seam->bytes + old, chunk->data + chunk->len - take, take);
    seam->len = old + take;
    seam->end = at + chunk->len;
}

void detect_seam_run(struct detect_job *job)
{
    struct detect_flow *flow = job->edge->flags & IMAGE_PORT_STREAM ? detect_flow_make(job) : NULL;
    if (!flow)
        return;
    struct detect_seam *seam = flow->seam[job->in->dir];
    if (seam && seam->len && seam->end == job->chunk_at)
        seam_look(job, seam);
    if (!seam)
        seam = flow->seam[job->in->dir] = slab_try_zalloc(job->t->slab, sizeof(*seam));
    if (!seam) {
        counter_add(job->t->counters, DETECT_COUNT_NO_MEMORY, 1);
        return;
    }
    seam_keep(seam, &job->chunk, job->chunk_at);
}
