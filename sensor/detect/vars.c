/* SPDX-License-Identifier: Apache-2.0 */
/* What pcre's groups capture: kept when their rule has matched, on the flow or for the packet. */
#include "config.h"

#include <string.h>

#include "common/slab.h"
#include "sensor/detect/state.h"
#include "sensor/detect/vars.h"

struct detect_var {
    struct detect_var *next;
    struct confirm_capture value;
};

static const struct detect_var *flow_find(const struct detect_flow *f, uint32_t name)
{
    const struct detect_var *v = f ? f->vars : NULL;
    while (v && v->value.name != name)
        v = v->next;
    return v;
}

static void flow_keep(struct detect_job *job, const struct confirm_capture *c)
{
    unsigned count = 0;
    struct detect_flow *f = detect_flow_make(job);
    if (!f)
        return;
    struct detect_var *v = f->vars;
    for (; v && v->value.name != c->name; v = v->next)
        count++;
    if (!v && count < DETECT_VARS_MAX) {
        v = slab_try_zalloc(job->t->slab, sizeof(*v));
        if (v) {
            v->next = f->vars;
            f->vars = v;
        }
    }
    if (v)
        v->value = *c;
    else
        counter_add(job->t->counters, DETECT_COUNT_BITS_FULL, 1);
}

static void packet_keep(struct detect_thread *t, const struct confirm_capture *c)
{
    uint32_t i = 0;
    while (i < t->packet_vars && t->packet_var[i].name != c->name)
        i++;
    if (i == CONFIRM_CAPTURES_MAX)
        return;
    t->packet_var[i] = *c;
    t->packet_vars += i == t->packet_vars;
}

void detect_vars_keep(struct detect_job *job)
{
    struct confirm *c = &job->t->confirm;
    for (uint32_t i = 0; i < c->capture_count; i++) {
        if (c->captures[i].packet)
            packet_keep(job->t, &c->captures[i]);
        else
            flow_keep(job, &c->captures[i]);
    }
    c->capture_count = 0;
}

bool detect_var_test(const struct detect_job *job, const struct sig_op *op)
{
    const struct confirm_capture *value = NULL;
    if (op->u.var.packet) {
        for (uint32_t i = 0; i < job->t->packet_vars; i++)
            if (job->t->packet_var[i].name == op->u.var.name)
                value = &job->t->packet_var[i];
    } else {
        const struct detect_var *v = flow_find(job->flow, op->u.var.name);
        value = v ? &v->value : NULL;
    }
    return value && memmem(value->bytes, value->len, job->set->blob + op->u.var.bytes.at,
                           op->u.var.bytes.len);
}

void detect_vars_free(struct detect_thread *t, struct detect_flow *f)
{
    while (f->vars) {
        struct detect_var *v = f->vars;
        f->vars = v->next;
        slab_free(t->slab, v, sizeof(*v));
    }
}
