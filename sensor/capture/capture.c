/* SPDX-License-Identifier: Apache-2.0 */
/* The common face of all sources: counting, and handing on to the source's own functions. */
#include "config.h"

#include "sensor/capture/capture.h"

#include <stdio.h>

#include "common/err.h"
#include "sensor/capture/source.h"

void capture_init(struct capture *c, const struct capture_source *source, const char *name)
{
    c->source = source;
    c->counts = (struct capture_counts){ 0 };
    snprintf(c->name, sizeof(c->name), "%s", name ? name : "capture");
}

int capture_next(struct capture *c, struct frame *out, unsigned max, unsigned wait_ms)
{
    if (max > CAPTURE_BURST_MAX)
        max = CAPTURE_BURST_MAX;
    int got = c->source->next(c, out, max, wait_ms);
    for (int i = 0; i < got; i++)
        c->counts.bytes += out[i].len;
    if (got > 0)
        c->counts.packets += (uint64_t)got;
    return got;
}

void capture_window(struct capture *c, uint8_t *memory)
{
    c->source->window(c, memory);
}

void capture_counts(struct capture *c, struct capture_counts *out)
{
    if (c->source->refresh)
        c->source->refresh(c);
    *out = c->counts;
}

unsigned capture_fill(const struct capture *c)
{
    return c->source->fill ? c->source->fill(c) : 0;
}

bool capture_place(const struct capture *c, uint64_t *block, uint32_t *frame)
{
    return c->source->place && c->source->place(c, block, frame);
}

void capture_resume(struct capture *c, uint64_t block, uint32_t through, uint32_t skip)
{
    c->resume.block = block;
    c->resume.through = through;
    c->resume.skip = skip;
}

void capture_progress(const struct capture *c, uint64_t *done, uint64_t *all)
{
    *done = *all = 0;
    if (c->source->progress)
        c->source->progress(c, done, all);
}

void capture_close(struct capture *c)
{
    if (c)
        c->source->close(c);
}
