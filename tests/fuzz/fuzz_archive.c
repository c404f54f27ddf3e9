/* SPDX-License-Identifier: Apache-2.0 */
/* A file of the archive: blocks in order, and those behind damage; none leaves the bytes. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "collector/archive/block.h"
#include "common/buf.h"
#include "common/cursor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_block(const struct block *b, const uint8_t *data, size_t size)
{
    struct buf raw;

    if (b->size > size || b->frame < data || b->frame + b->head.frame > data + size)
        abort();
    buf_init(&raw, 1u << 20);
    if (block_open(b, &raw) == 0 && raw.len != b->head.raw)
        abort();
    buf_free(&raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor c = cursor_make(data, size);
    struct block b;

    while (block_read(&c, &b) > 0)
        check_block(&b, data, size);
    while (block_find(&c, &b))
        check_block(&b, data, size);
    if (cursor_left(&c))
        abort();
    return 0;
}
