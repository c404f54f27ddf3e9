/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: brotli in pieces; the first byte says how long they are. */
#include "config.h"
#include "sensor/app/unbrotli.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/slab.h"
#include "common/xalloc.h"

#define SLAB_BYTES (8u << 20)
/** As much as a body is decoded. */
#define OUT_MAX  102400u
#define OUT_STEP 4096u

/** libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t decode(struct unbrotli *u, const uint8_t *data, size_t len, bool *goes_on)
{
    uint8_t *copy = xmemdup(data, len), out[OUT_STEP];
    struct unbrotli_io io = { copy, len, out, OUT_STEP };
    enum unbrotli_status status;
    size_t made = 0;
    do {
        io.out = out;
        io.out_left = OUT_STEP;
        status = unbrotli_next(u, &io);
        made += OUT_STEP - io.out_left;
    } while (status == UNBROTLI_FULL && made < OUT_MAX);
    *goes_on = status == UNBROTLI_MORE;
    free(copy);
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slab *slab = slab_create(SLAB_BYTES);
    struct unbrotli_slots *slots = unbrotli_slots_create();
    struct unbrotli *u = unbrotli_open(slab, slots);
    size_t step = size ? data[0] + 1u : 1, made = 0;
    bool goes_on = u;
    for (size_t at = 1; goes_on && at < size && made < OUT_MAX; at += step)
        made += decode(u, data + at, step < size - at ? step : size - at, &goes_on);
    unbrotli_free(u);
    struct slab_stats stats;
    slab_stats(slab, &stats);
    if (stats.used != 0)
        abort();
    unbrotli_slots_free(slots);
    slab_free_all(slab);
    return 0;
}
