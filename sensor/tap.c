/* SPDX-License-Identifier: Apache-2.0 */
/* The captures of a live worker. */
#include "config.h"
#include "sensor/tap.h"

#include <poll.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/capture/capture.h"
#include "sensor/engine.h"
#include "sensor/live.h"

/* Several interfaces are asked in turn without waiting at any; all silent, the next round comes
 * after so long. */
#define ROUND_MS 5

struct tap {
    struct capture *open[ENGINE_INTERFACES_MAX]; /* NULL: not to be had, or another worker's */
    unsigned index, count, turn, newest;
};

struct tap *tap_open(const struct engine_conf *conf, unsigned index)
{
    struct tap *t = xcalloc(1, sizeof(*t));
    char reason[256];
    t->index = index;
    t->count = conf->ring_count;
    for (unsigned i = 0; i < t->count; i++) {
        if (conf->fallbacks[i]) {
            t->open[i] = index == 0 ? conf->fallbacks[i] : NULL;
            continue;
        }
        t->open[i] = capture_open_ring(conf->rings[index * t->count + i], conf->ring_names[i],
                                       reason, sizeof(reason));
        if (!t->open[i])
            log_error("capture", "%s: %s", conf->ring_names[i], reason);
    }
    return t;
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
            t->newest = i;
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
    for (unsigned i = 0; i < t->count; i++) {
        if (!t->open[i])
            continue;
        capture_counts(t->open[i], &counts);
        live_publish(board, t->index, i, &counts);
    }
}

void tap_close(struct tap *t)
{
    for (unsigned i = 0; i < t->count; i++)
        capture_close(t->open[i]);
    free(t);
}
