/* SPDX-License-Identifier: Apache-2.0 */
/* A sensor's batch: lines to records and back; spans never leave the bytes they came from. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ingest/ingest.h"
#include "collector/ingest/record.h"
#include "common/buf.h"
#include "common/cursor.h"
#include "common/xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_spans(const struct record *r, size_t size)
{
    if (!record_has(r, RECORD_LINE, size))
        abort();
    for (int i = 0; i < RECORD_SPANS; i++) {
        if (r->spans[i].len && !record_has(r, (enum record_span)i, size))
            abort();
    }
}

/* What the stream gives back is what the scan found. */
static void check_packing(const struct record *list, struct record *back, unsigned count)
{
    struct buf b;

    buf_init(&b, (size_t)UINT8_MAX * RECORD_PACK_MAX);
    record_pack(&b, list, count);
    struct cursor c = cursor_make(b.data, b.len);
    if (b.bad || record_unpack(&c, back, count) != 0 || memcmp(list, back, count * sizeof(*list)))
        abort();
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record *list, *back;
    struct ingest_tally tally;
    char reason[320];

    if (size < 1)
        return 0;
    list = xcalloc(data[0] + 1u, sizeof(*list));
    back = xcalloc(data[0] + 1u, sizeof(*back));
    struct cursor c = cursor_make(data + 1, size - 1);
    (void)record_unpack(&c, back, data[0]);
    if (ingest_scan(data + 1, size - 1, data[0], list, reason, sizeof(reason)) == 0) {
        for (unsigned i = 0; i < data[0]; i++)
            check_spans(&list[i], size - 1);
        check_packing(list, back, data[0]);
        ingest_count(list, data[0], data + 1, 1, &tally);
    }
    free(list);
    free(back);
    return 0;
}
