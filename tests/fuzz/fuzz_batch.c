/* SPDX-License-Identifier: Apache-2.0 */
/* A sensor's batch: lines to records; spans never leave the bytes they came from. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "collector/ingest/ingest.h"
#include "collector/ingest/record.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record *list;
    struct ingest_tally tally;
    char reason[320];

    if (size < 1)
        return 0;
    list = xcalloc(data[0] + 1u, sizeof(*list));
    if (ingest_scan(data + 1, size - 1, data[0], list, reason, sizeof(reason)) == 0) {
        for (unsigned i = 0; i < data[0]; i++)
            check_spans(&list[i], size - 1);
        ingest_count(list, data[0], data + 1, 1, &tally);
    }
    free(list);
    return 0;
}
