/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the scan of a record. What it takes, jansson takes, and its spans are in the
 * line. */
#include "config.h"
#include "common/event.h"

#include <jansson.h>
#include <stdlib.h>

#include "common/buf.h"

/** libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_spans(const char *line, size_t len, const struct event *e)
{
    struct buf out;
    buf_init(&out, EVENT_LINE_MAX);
    for (unsigned i = 0; i < EVENT_TEXTS; i++) {
        const struct event_span *s = &e->text[i];
        if (!s->there)
            continue;
        if (s->at > len || s->len > len - s->at)
            abort();
        bool json = i == EVENT_TEXT_METADATA || i == EVENT_TEXT_NDPI || i == EVENT_TEXT_NDPI_RISK;
        if (!json && event_unescape(&out, line + s->at, s->len) < 0)
            abort();
    }
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event e;
    char reason[200];
    const char *line = (const char *)data;
    if (event_scan(line, size, &e, reason, sizeof(reason)) < 0)
        return 0;
    check_spans(line, size, &e);
    json_t *root = json_loadb(line, size, JSON_ALLOW_NUL, NULL);
    if (!root)
        abort();
    json_decref(root);
    return 0;
}
