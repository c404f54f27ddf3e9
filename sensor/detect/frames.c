/* SPDX-License-Identifier: Apache-2.0 */
/* Rules over frames: each looks at each frame of its kind once, whole or as it comes. They are few
 * where there are any, so nothing is scanned first. */
#include "config.h"

#include <string.h>

#include "sensor/detect/state.h"

/* Whether all lists of the rule speak of this frame, in this direction, and hold. */
static bool lists_match(struct detect_job *job, const struct image_rule *rule, unsigned kind,
                        const struct app_view *view)
{
    const struct sig_list *list = job->set->lists + rule->lists.first;
    memset(job->t->confirm.vars, 0, rule->vars * sizeof(job->t->confirm.vars[0]));
    job->t->confirm.capture_count = 0;
    job->t->transforms.used = 0;
    for (uint32_t i = 0; i < rule->lists.count; i++, list++) {
        const struct sig_bufspec *spec = &job->set->specs[list->spec];
        struct app_view seen = *view;
        if (spec->frame != kind || !(list->dirs & 1u << job->in->dir))
            return false;
        if (spec->transform_count > 0 && !detect_transform(job, spec, &seen))
            return false;
        if (confirm_run(&job->t->confirm, job->set->ops + list->first, list->count, &seen) !=
            CONFIRM_YES)
            return false;
    }
    return true;
}

/* Some piece between gaps matches. */
static bool frame_match(struct detect_job *job, const struct image_rule *rule,
                        const struct app_frame *frame, unsigned kind)
{
    struct app_view view;
    for (unsigned i = 0; app_frame_piece(frame, i, &view); i++) {
        if (view.len > 0 && lists_match(job, rule, kind, &view))
            return true;
    }
    return false;
}

static void frame_look(struct detect_job *job, const struct app_frame *frame, unsigned kind)
{
    const struct image_header *h = job->set->image.header;
    const uint32_t *rules = job->set->members + h->fr_first;
    for (uint32_t i = 0; i < h->fr_count; i++) {
        const struct image_rule *rule = &job->set->rules[rules[i]];
        if (detect_header_match(job, rule) && detect_packet_ops_match(job, rule) &&
            frame_match(job, rule, frame, kind))
            detect_hit_add(job, rules[i], NULL, false);
    }
}

void detect_frames_run(struct detect_job *job)
{
    const struct detect_input *in = job->in;
    const struct app_frame *frame = NULL;
    unsigned kind = 0;
    while (job->set->image.header->fr_count > 0 &&
           (frame = app_frame_next(in->flow, in->dir, frame, &kind)))
        frame_look(job, frame, kind);
    app_frames_advance(in->apps, in->flow, in->dir);
}

uint64_t detect_ruleset_frames(const struct detect_ruleset *set)
{
    const struct image_header *h = set->image.header;
    uint64_t frames = 0;
    for (uint32_t i = 0; i < h->fr_count; i++) {
        const struct image_rule *rule = &set->rules[set->members[h->fr_first + i]];
        for (uint32_t k = 0; k < rule->lists.count; k++)
            frames |= UINT64_C(1) << set->specs[set->lists[rule->lists.first + k].spec].frame % 64;
    }
    return frames;
}
