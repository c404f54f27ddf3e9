/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bytes from the slab. */
#include "config.h"
#include "sensor/app/bytes.h"

#define FIRST_BYTES 64

bool app_bytes_reserve(struct slab *slab, struct app_bytes *b, uint32_t more)
{
    if (more > SLAB_BLOCK_MAX - b->len)
        return false;
    uint32_t need = b->len + more;
    if (need <= b->cap)
        return true;
    uint32_t least = b->cap ? 2 * b->cap : FIRST_BYTES; /* what grows once grows again */
    if (least > SLAB_BLOCK_MAX)
        least = SLAB_BLOCK_MAX;
    uint32_t cap = (uint32_t)slab_round(need < least ? least : need);
    uint8_t *data = slab_try_realloc(slab, b->data, b->cap, cap);
    if (!data)
        return false;
    b->data = data;
    b->cap = cap;
    return true;
}

bool app_bytes_add(struct slab *slab, struct app_bytes *b, const void *bytes, uint32_t len)
{
    if (!app_bytes_reserve(slab, b, len))
        return false;
    if (len > 0)
        memcpy(b->data + b->len, bytes, len);
    b->len += len;
    return true;
}

bool app_bytes_text(struct slab *slab, struct app_bytes *b, const char *text)
{
    return app_bytes_add(slab, b, text, (uint32_t)strlen(text));
}

void app_bytes_shift(struct app_bytes *b, uint32_t len)
{
    if (len >= b->len) {
        b->len = 0;
    } else if (len > 0) {
        memmove(b->data, b->data + len, b->len - len);
        b->len -= len;
    }
}

void app_bytes_free(struct slab *slab, struct app_bytes *b)
{
    slab_free(slab, b->data, b->cap);
    *b = (struct app_bytes){ NULL, 0, 0 };
}

bool app_window_next(const struct app_window *w, uint32_t have, uint32_t inspected, bool done,
                     uint32_t *offset)
{
    *offset = 0;
    if (have == inspected || (have < w->limit && have < w->first && !done))
        return false;
    if (inspected > w->first) {
        uint32_t fresh = have - inspected;
        uint32_t back = fresh < w->window ? w->window - fresh : w->window / 4;
        *offset = inspected > back ? inspected - back : 0;
    }
    return true;
}
