/* SPDX-License-Identifier: Apache-2.0 */
/* The captures of a live worker. */
#include "config.h"
#include "sensor/tap.h"

#include <poll.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/blackbox.h"
#include "sensor/capture/capture.h"
#include "sensor/engine.h"
#include "sensor/live.h"

/* Several interfaces are asked in turn without waiting at any; all silent, the next round comes
 * after so long. */
#define ROUND_MS 5

struct tap {
    struct blackbox_slot *box;
    struct capture *open[ENGINE_INTERFACES_MAX]; /* NULL: not to be had, or another worker's */
    unsigned index, count, turn, newest, got;
};

struct tap *tap_open(const struct engine_conf *conf, unsigned index)
{
    struct tap *t = xcalloc(1, sizeof(*t));
    char reason[256];
    t->index = index;
    t->box = &conf->box->slots[index];
    t->count = conf->ring_count;
    for (unsigned i = 0; i < t->count; i++) {
        int ring = conf->rings[index * t->count + i];
        t->open[i] = conf->ready[index * t->count + i];
        if (!t->open[i] && ring < 0)
            continue;
        if (!t->open[i])
            t->open[i] = capture_open_ring(ring, conf->ring_names[i], reason, sizeof(reason));
        const struct blackbox_place *left = &t->box->places[i];
        if (!t->open[i])
            log_error("capture", "%s: %s", conf->ring_names[i], reason);
        else if (left->block)
            capture_resume(t->open[i], left->block, left->through, left->skip);
    }
    return t;
}

/* Where the burst stands, should it be the last of this life. */
static void note(struct tap *t, unsigned i, const struct frame *burst, unsigned n)
{
    struct blackbox_place *place = &t->box->places[i];
    t->newest = i;
    t->got = n;
    t->box->burst = burst;
    t->box->interface = i;
    place->skip = UINT32_MAX;
    if (!capture_place(t->open[i], &place->block, &place->through))
        place->block = 0;
}

void tap_done(struct tap *t)
{
    t->box->mark.through = 0;
    t->box->places[t->newest].through += t->got;
    t->box->sums.taken += t->got;
}

int tap_next(struct tap *t, struct frame *out, unsigned wait_ms)
{
    for (unsigned tries = 0; tries < t->count; tries++) {
        unsigned i = t->turn;
        t->turn = (t->turn + 1) % t->count;
        int n = t->open[i]
                    ? capture_next(t->open[i], out, CAPTURE_BURST_MAX, t->count == 1 ? wait_ms : 0)
                    : 0;
        if (n > 0) {
            note(t, i, out, (unsigned)n);
            return n;
        }
    }
    if (t->count != 1)
        poll(NULL, 0, wait_ms < ROUND_MS ? (int)wait_ms : ROUND_MS);
    return 0;
}

unsigned tap_interface(const struct tap *t)
{
    return t->newest;
}

unsigned tap_fill(const struct tap *t)
{
    return t->open[t->newest] ? capture_fill(t->open[t->newest]) : 0;
}

void tap_publish(struct tap *t, struct live_board *board)
{
    struct capture_counts counts;
    uint64_t received = 0, dropped = 0;
    for (unsigned i = 0; i < t->count; i++) {
        if (!t->open[i])
            continue;
        capture_counts(t->open[i], &counts);
        live_publish(board, t->index, i, &counts);
        received += counts.received;
        dropped += counts.kernel_drops;
    }
    t->box->sums.received = received;
    t->box->sums.dropped = dropped;
}

void tap_close(struct tap *t)
{
    for (unsigned i = 0; i < t->count; i++)
        capture_close(t->open[i]);
    free(t);
}
