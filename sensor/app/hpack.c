/* SPDX-License-Identifier: Apache-2.0 */
/* HPACK (RFC 7541), decoding only. */
#include "config.h"
#include "sensor/app/hpack.h"

/** What an entry costs beside its bytes (RFC 7541 4.1). */
#define ENTRY_COST 32u
/** Longest Huffman code (RFC 7541 appendix B). */
#define CODE_MAX 30
/** The symbol that ends a string and must not stand in one. */
#define CODE_END 256
/** Bytes of an integer behind its prefix that fit into 64 bits. */
#define INTEGER_MAX 9

/* clang-format off */
/** RFC 7541 appendix A, from index 1 on. */
static const struct {
    const char *name, *value;
} fixed[] = {
    { ":authority", "" }, { ":method", "GET" }, { ":method", "POST" }, { ":path", "/" },
    { ":path", "/index.html" }, { ":scheme", "http" }, { ":scheme", "https" },
    { ":status", "200" }, { ":status", "204" }, { ":status", "206" }, { ":status", "304" },
    { ":status", "400" }, { ":status", "404" }, { ":status", "500" }, { "accept-charset", "" },
    { "accept-encoding", "gzip, deflate" }, { "accept-language", "" }, { "accept-ranges", "" },
    { "accept", "" }, { "access-control-allow-origin", "" }, { "age", "" }, { "allow", "" },
    { "authorization", "" }, { "cache-control", "" }, { "content-disposition", "" },
    { "content-encoding", "" }, { "content-language", "" }, { "content-length", "" },
    { "content-location", "" }, { "content-range", "" }, { "content-type", "" }, { "cookie", "" },
    { "date", "" }, { "etag", "" }, { "expect", "" }, { "expires", "" }, { "from", "" },
    { "host", "" }, { "if-match", "" }, { "if-modified-since", "" }, { "if-none-match", "" },
    { "if-range", "" }, { "if-unmodified-since", "" }, { "last-modified", "" }, { "link", "" },
    { "location", "" }, { "max-forwards", "" }, { "proxy-authenticate", "" },
    { "proxy-authorization", "" }, { "range", "" }, { "referer", "" }, { "refresh", "" },
    { "retry-after", "" }, { "server", "" }, { "set-cookie", "" },
    { "strict-transport-security", "" }, { "transfer-encoding", "" }, { "user-agent", "" },
    { "vary", "" }, { "via", "" }, { "www-authenticate", "" },
};

/** How many Huffman codes have each length (RFC 7541 appendix B; the code is canonical). */
static const uint8_t code_counts[CODE_MAX + 1] = {
    0, 0, 0, 0, 0, 10, 26, 32, 6, 0, 5, 3, 2, 6, 2, 3, 0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19,
    29, 0, 4,
};

/** The symbols of these codes, shortest and smallest first. */
static const uint16_t code_symbols[] = {
    48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57,
    61, 65, 95, 98, 100, 102, 103, 104, 108, 109, 110, 112, 114, 117, 58, 66, 67, 68, 69, 70, 71,
    72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89, 106, 107, 113, 118, 119,
    120, 121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40, 41, 63, 39, 43, 124, 35, 62, 0, 36, 64, 91,
    93, 126, 94, 125, 60, 96, 123, 92, 195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161,
    167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154, 156,
    160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232, 233, 1,
    135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174,
    175, 180, 182, 183, 188, 191, 197, 231, 239, 9, 142, 144, 145, 148, 159, 171, 206, 215, 225,
    236, 237, 199, 207, 234, 235, 192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242,
    243, 255, 203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252,
    253, 254, 2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28,
    29, 30, 31, 127, 220, 249, 10, 13, 22, 256,
};
/* clang-format on */

#define FIXED_COUNT (sizeof(fixed) / sizeof(fixed[0]))

/** Where an entry's name begins, counted over all text there ever was, and its lengths. */
struct entry {
    uint64_t at;
    uint32_t name, value;
};

/* ---- Huffman ------------------------------------------------------------------------------- */

/** Walks the code tree; -1 inside a code, else the symbol that this bit completes, or CODE_END. */
struct code_walk {
    uint32_t code, first, index;
    unsigned len;
};

static int code_step(struct code_walk *w, unsigned bit)
{
    w->code |= bit;
    w->len++;
    uint32_t count = code_counts[w->len];
    if (w->code - w->first < count) {
        int symbol = code_symbols[w->index + (w->code - w->first)];
        *w = (struct code_walk){ 0 };
        return symbol;
    }
    if (w->len == CODE_MAX)
        return CODE_END;
    w->index += count;
    w->first = (w->first + count) << 1;
    w->code <<= 1;
    return -1;
}

bool hpack_huffman(struct slab *slab, const uint8_t *data, uint32_t len, struct app_bytes *out)
{
    struct code_walk walk = { 0 };
    /* The shortest code has five bits. */
    if (len > SLAB_BLOCK_MAX / 2 || !app_bytes_reserve(slab, out, len * 8 / 5 + 1))
        return false;
    for (uint32_t i = 0; i < len; i++)
        for (unsigned bit = 8; bit-- > 0;) {
            int symbol = code_step(&walk, data[i] >> bit & 1);
            if (symbol == CODE_END)
                return true;
            if (symbol >= 0)
                out->data[out->len++] = (uint8_t)symbol;
        }
    return true;
}

/* ---- the table ----------------------------------------------------------------------------- */

static uint32_t table_count(const struct hpack *h)
{
    return h->entries.len / (uint32_t)sizeof(struct entry) - h->first;
}

static const struct entry *table_entries(const struct hpack *h)
{
    return (const struct entry *)(const void *)h->entries.data + h->first;
}

/** Drop the oldest entries until `size` bytes are left at most. */
static void table_evict(struct hpack *h, uint32_t size)
{
    while (h->size > size && table_count(h) > 0) {
        const struct entry *e = table_entries(h);
        h->size -= ENTRY_COST + e->name + e->value;
        h->gone += e->name + e->value;
        h->first++;
    }
}

/** Give the room of evicted entries back once it is the larger part. */
static void table_compact(struct hpack *h)
{
    if (h->gone > HPACK_TABLE_MAX) {
        app_bytes_shift(&h->text, h->gone);
        h->base += h->gone;
        h->gone = 0;
    }
    if (h->first > HPACK_TABLE_MAX / ENTRY_COST) {
        app_bytes_shift(&h->entries, h->first * (uint32_t)sizeof(struct entry));
        h->first = 0;
    }
}

/**
 * Append an entry. Without memory for it later ones would be read wrongly: the table is emptied. A
 * name from the table itself stays valid.
 */
static void table_add(struct hpack *h, struct slab *slab, struct hpack_field *f)
{
    struct entry e = { h->base + h->text.len, f->name_len, f->value_len };
    uint64_t cost = (uint64_t)ENTRY_COST + f->name_len + f->value_len;
    uint8_t *old = h->text.data;
    bool inside = old && f->name >= old && f->name < old + h->text.len;
    size_t at = inside ? (size_t)(f->name - old) : 0;
    bool room = cost <= h->max && app_bytes_reserve(slab, &h->text, e.name + e.value);
    if (inside)
        f->name = h->text.data + at;
    if (!room || !app_bytes_add(slab, &h->entries, &e, sizeof(e))) {
        table_evict(h, 0);
        return;
    }
    (void)app_bytes_add(slab, &h->text, f->name, e.name);
    (void)app_bytes_add(slab, &h->text, f->value, e.value);
    h->size += (uint32_t)cost;
    table_evict(h, h->max);
}

void hpack_limit(struct hpack *h, uint64_t max)
{
    h->max = max < HPACK_TABLE_MAX ? (uint32_t)max : HPACK_TABLE_MAX;
    table_evict(h, h->max);
}

/** Entry number `index` of both tables (RFC 7541 2.3.3); false when there is none. */
static bool table_find(const struct hpack *h, uint64_t index, struct hpack_field *out)
{
    uint32_t count = table_count(h);
    if (index == 0 || index > FIXED_COUNT + count)
        return false;
    if (index <= FIXED_COUNT) {
        out->name = (const uint8_t *)fixed[index - 1].name;
        out->value = (const uint8_t *)fixed[index - 1].value;
        out->name_len = (uint32_t)strlen(fixed[index - 1].name);
        out->value_len = (uint32_t)strlen(fixed[index - 1].value);
        return true;
    }
    /* The newest has the lowest number. */
    const struct entry *e = table_entries(h) + (count - (uint32_t)(index - FIXED_COUNT));
    out->name = h->text.data + (e->at - h->base);
    out->value = out->name + e->name;
    out->name_len = e->name;
    out->value_len = e->value;
    return true;
}

/* ---- fields -------------------------------------------------------------------------------- */

/** RFC 7541 5.1: the rest of an integer whose prefix holds `value` of at most `most`. */
static enum hpack_status integer_read(struct cursor *c, uint64_t value, uint64_t most,
                                      uint64_t *out)
{
    *out = value;
    if (value < most)
        return HPACK_FIELD;
    for (unsigned i = 0;; i++) {
        uint8_t b = cursor_u8(c);
        if (c->bad)
            return HPACK_SHORT;
        if (i > INTEGER_MAX || (i == INTEGER_MAX && b > 1))
            return HPACK_OVERFLOW;
        uint64_t part = (uint64_t)(b & 0x7f) << (7 * i);
        if (part > UINT64_MAX - *out)
            return HPACK_OVERFLOW;
        *out += part;
        if (!(b & 0x80))
            return HPACK_FIELD;
    }
}

/** RFC 7541 5.2: a string, as it stands or in the scratch. */
static enum hpack_status string_read(struct hpack *h, struct slab *slab, struct cursor *c,
                                     const uint8_t **data, uint32_t *len)
{
    uint64_t size;
    uint8_t first = cursor_u8(c);
    enum hpack_status status = c->bad ? HPACK_SHORT : integer_read(c, first & 0x7f, 0x7f, &size);
    if (status != HPACK_FIELD)
        return status;
    const uint8_t *at = size <= cursor_left(c) ? cursor_take(c, (size_t)size) : NULL;
    if (!at)
        return HPACK_SHORT;
    *data = at;
    *len = (uint32_t)size;
    if (!(first & 0x80))
        return HPACK_FIELD;
    uint32_t begin = h->scratch.len;
    if (!hpack_huffman(slab, at, (uint32_t)size, &h->scratch))
        return HPACK_SHORT;
    *data = h->scratch.data + begin;
    *len = h->scratch.len - begin;
    return HPACK_FIELD;
}

/** RFC 7541 6.2: a literal whose name has number `index`, or follows as a string. */
static enum hpack_status literal_read(struct hpack *h, struct slab *slab, struct cursor *c,
                                      uint64_t index, struct hpack_field *out)
{
    enum hpack_status status = HPACK_FIELD;
    h->scratch.len = 0;
    if (index == 0)
        status = string_read(h, slab, c, &out->name, &out->name_len);
    else
        (void)table_find(h, index, out);
    if (status != HPACK_FIELD)
        return status;
    const uint8_t *before = h->scratch.data;
    bool inside = before && out->name == before;
    status = string_read(h, slab, c, &out->value, &out->value_len);
    if (inside) /* the scratch may have moved */
        out->name = h->scratch.data;
    return status;
}

enum hpack_status hpack_next(struct hpack *h, struct slab *slab, struct cursor *c,
                             struct hpack_field *out)
{
    static const struct hpack_field none = { (const uint8_t *)"", (const uint8_t *)"", 0, 0, 0 };
    uint64_t n = 0;
    uint8_t first = cursor_u8(c);
    *out = none;
    table_compact(h);
    uint8_t most = first & 0x80 ? 0x7f : first & 0x40 ? 0x3f : first & 0x20 ? 0x1f : 0x0f;
    enum hpack_status status = c->bad ? HPACK_SHORT : integer_read(c, first & most, most, &n);
    if (status != HPACK_FIELD)
        return status;
    if (first & 0x80)
        return table_find(h, n, out) ? HPACK_FIELD : HPACK_BAD_INDEX;
    if ((first & 0xe0) == 0x20) {
        out->size_update = n;
        hpack_limit(h, n);
        return HPACK_SIZE_UPDATE;
    }
    status = literal_read(h, slab, c, n, out);
    if (status == HPACK_FIELD && first & 0x40)
        table_add(h, slab, out);
    return status;
}

void hpack_free(struct hpack *h, struct slab *slab)
{
    app_bytes_free(slab, &h->text);
    app_bytes_free(slab, &h->entries);
    app_bytes_free(slab, &h->scratch);
}
