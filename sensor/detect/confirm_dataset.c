/* SPDX-License-Identifier: Apache-2.0 */
/* dataset and datarep: a binary search in a table (signatures/lists.h). */
#include <string.h>

#include "common/counter.h"
#include "sensor/detect/confirm_bytes.h"
#include "sensor/detect/counters.h"
#include "sensor/detect/dataset.h"

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

/* An IPv4 address among those of both versions. */
static const uint8_t *as_key(const struct confirm_run_state *r, const struct sig_op *op,
                             uint8_t mapped[16], uint32_t *len)
{
    *len = r->len;
    if (op->u.set.key_len != 16 || r->len != 4)
        return r->data;
    memset(mapped, 0, 10);
    memset(mapped + 10, 0xff, 2);
    memcpy(mapped + 12, r->data, 4);
    *len = 16;
    return mapped;
}

static bool find(const struct confirm_run_state *r, const struct sig_op *op, uint32_t *value)
{
    uint8_t mapped[16];
    uint32_t len, low = 0,
                  high = op->u.set.table.len / (op->u.set.key_len ? op->u.set.key_len + 4u : 12);
    const uint8_t *key = as_key(r, op, mapped, &len);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct key k = key_at(r->c->blob, op, middle);
        int c = key_compare(&k, key, len);
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

/* A set that rules change. */
static bool shared_run(const struct confirm_run_state *r, const struct sig_op *op)
{
    struct dataset *d = r->c->datasets[op->resolved - 1];
    uint8_t mapped[16];
    uint32_t len;
    const uint8_t *key = as_key(r, op, mapped, &len);
    bool fits = len > 0 && (!op->u.set.key_len || op->u.set.key_len == len);
    if (op->u.set.command == SIG_SET_HAS)
        return len > 0 && (fits && dataset_has(d, key, len)) != ((op->flags & SIG_F_NEGATED) != 0);
    /* the reference asks for IPv4 addresses among both versions, and does not put them there */
    if (!fits || len != r->len)
        return false;
    if (op->u.set.command == SIG_SET_REMOVE)
        return dataset_remove(d, key, len);
    enum dataset_added added = dataset_add(d, key, len);
    if (added == DATASET_FULL)
        counter_add(r->c->counters, DETECT_COUNT_DATASET_FULL, 1);
    return added == DATASET_NEW;
}

bool confirm_dataset(const struct confirm_run_state *r, const struct sig_op *op)
{
    uint32_t value = 0;
    if (op->resolved)
        return shared_run(r, op);
    if (r->len == 0)
        return false;
    bool there = find(r, op, &value);
    if (!op->u.set.by_value)
        return there != ((op->flags & SIG_F_NEGATED) != 0);
    struct sig_op number = { .u.number = { .a = op->u.set.value, .compare = op->u.set.compare } };
    return there && confirm_number(&number, value);
}
