/* SPDX-License-Identifier: Apache-2.0 */
/* String search for confirmation: libc's where case counts, first-and-last-byte blocks where it
 * does not. */
#include "config.h"

#include "sensor/detect/search.h"

#include <string.h>

bool search_equal(const uint8_t *a, const uint8_t *b, uint32_t len, bool nocase)
{
    if (!nocase)
        return memcmp(a, b, len) == 0;
    for (uint32_t i = 0; i < len; i++) {
        if (search_lower(a[i]) != b[i])
            return false;
    }
    return true;
}

/* Sixteen bytes at a time as the compiler's vectors: the same code serves SSE2 and NEON. */
struct lanes {
    uint8_t __attribute__((vector_size(16))) v;
};

static struct lanes lanes_lower(const uint8_t *at)
{
    struct lanes l;
    memcpy(&l.v, at, sizeof(l.v));
    l.v |= (l.v - 'A' < 26) & 0x20;
    return l;
}

/* Whether a lane of `a` is `x` where that of `b` is `y`. */
static bool lanes_any(struct lanes a, uint8_t x, struct lanes b, uint8_t y)
{
    struct lanes both;
    uint64_t halves[2];
    both.v = (a.v == x) & (b.v == y);
    memcpy(halves, &both.v, sizeof(halves));
    return (halves[0] | halves[1]) != 0;
}

/* The first match among the `count` starts at `at`, or NULL. */
static const uint8_t *find_from(const uint8_t *at, uint32_t count, const uint8_t *needle,
                                uint32_t needle_len)
{
    for (uint32_t i = 0; i < count; i++) {
        if (search_lower(at[i]) == needle[0] && search_equal(at + i, needle, needle_len, true))
            return at + i;
    }
    return NULL;
}

static const uint8_t *find_nocase(const uint8_t *hay, uint32_t len, const uint8_t *needle,
                                  uint32_t needle_len)
{
    uint32_t starts = len - needle_len + 1, i = 0;
    uint8_t first = needle[0], last = needle[needle_len - 1];
    for (; i + sizeof(struct lanes) <= starts; i += sizeof(struct lanes)) {
        if (!lanes_any(lanes_lower(hay + i), first, lanes_lower(hay + i + needle_len - 1), last))
            continue;
        const uint8_t *found = find_from(hay + i, sizeof(struct lanes), needle, needle_len);
        if (found)
            return found;
    }
    return find_from(hay + i, starts - i, needle, needle_len);
}

const uint8_t *search_find(const uint8_t *hay, uint32_t len, const uint8_t *needle,
                           uint32_t needle_len, bool nocase)
{
    if (needle_len == 0)
        return hay;
    if (needle_len > len)
        return NULL;
    if (!nocase)
        return memmem(hay, len, needle, needle_len);
    return find_nocase(hay, len, needle, needle_len);
}
