/* SPDX-License-Identifier: Apache-2.0 */
/* dataset and datarep: a binary search in a table (signatures/lists.h). */
#include <string.h>

#include "sensor/detect/confirm_bytes.h"

/* Key `at` of the table, and its value. */
struct key {
    const uint8_t *bytes;
    uint32_t len, value;
};

static struct key key_at(const uint8_t *blob, const struct sig_op *op, uint32_t at)
{
    const uint8_t *table = blob + op->u.set.table.at;
    struct key k = { NULL, op->u.set.key_len, 0 };
    if (k.len) {
        k.bytes = table + (size_t)at * (k.len + 4);
        memcpy(&k.value, k.bytes + k.len, 4);
        return k;
    }
    uint32_t entry[3];
    memcpy(entry, table + (size_t)at * sizeof(entry), sizeof(entry));
    return (struct key){ blob + entry[0], entry[1], entry[2] };
}

static int key_compare(const struct key *k, const uint8_t *data, uint32_t len)
{
    uint32_t n = k->len < len ? k->len : len;
    int c = n ? memcmp(k->bytes, data, n) : 0;
    return c ? c : (k->len > len) - (k->len < len);
}

static bool find(const struct confirm_run_state *r, const struct sig_op *op, uint32_t *value)
{
    uint32_t low = 0,
             high = op->u.set.table.len / (op->u.set.key_len ? op->u.set.key_len + 4u : 12);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct key k = key_at(r->c->blob, op, middle);
        int c = key_compare(&k, r->data, r->len);
        *value = k.value;
        if (c == 0)
            return true;
        if (c < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool confirm_dataset(const struct confirm_run_state *r, const struct sig_op *op)
{
    uint32_t value = 0;
    bool there = find(r, op, &value);
    if (!op->u.set.by_value)
        return there != ((op->flags & SIG_F_NEGATED) != 0);
    struct sig_op number = { .u.number = { .a = op->u.set.value, .compare = op->u.set.compare } };
    return there && confirm_number(&number, value);
}
