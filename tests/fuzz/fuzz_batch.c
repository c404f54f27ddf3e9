/* SPDX-License-Identifier: Apache-2.0 */
/* A sensor's batch: lines to records and back; spans never leave the bytes they came from. */
#include "config.h"

#include <stdlib.h>

#include "collector/ingest/ingest.h"
#include "collector/ingest/record.h"
#include "common/buf.h"
#include "common/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_spans(const struct buf *records, size_t size)
{
    struct cursor c = cursor_make(records->data, records->len);
    struct record r;

    while (cursor_left(&c)) {
        if (record_decode(&c, &r) != 0 || !record_has(&r, RECORD_LINE, size))
            abort();
        for (int i = 0; i < RECORD_SPANS; i++) {
            if (r.spans[i].len && !record_has(&r, (enum record_span)i, size))
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf records;
    struct ingest_tally tally;
    char reason[320];

    if (size < 1)
        return 0;
    buf_init(&records, 1u << 20);
    if (ingest_scan(data + 1, size - 1, data[0], &records, reason, sizeof(reason)) == 0) {
        check_spans(&records, size - 1);
        ingest_count(&records, data + 1, 0, 1, &tally);
    }
    buf_free(&records);
    return 0;
}
