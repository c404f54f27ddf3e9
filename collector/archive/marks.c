/* SPDX-License-Identifier: Apache-2.0 */
/* A table of lanes. */
#include "config.h"
#include "collector/archive/marks.h"

#include <stdlib.h>
#include <string.h>

#include "collector/archive/block.h"
#include "common/err.h"
#include "common/hash.h"
#include "common/json.h"
#include "common/xalloc.h"

#define SLOTS_FIRST 64u

void marks_init(struct marks *m)
{
    *m = (struct marks){ NULL, 0, 0 };
}

static void mark_free(struct mark *k)
{
    free(k->sensor);
    free(k->epoch);
    free(k->lane);
    free(k);
}

void marks_free(struct marks *m)
{
    for (size_t i = 0; i < m->slot_count; i++) {
        while (m->slots[i]) {
            struct mark *k = m->slots[i];
            m->slots[i] = k->next;
            mark_free(k);
        }
    }
    free(m->slots);
    marks_init(m);
}

static uint64_t mix_text(uint64_t h, const char *text)
{
    for (; *text; text++)
        h = hash_mix(h, (uint8_t)*text);
    return hash_mix(h, 0);
}

static size_t slot_of(const struct marks *m, const char *sensor, const char *epoch,
                      const char *lane)
{
    return mix_text(mix_text(mix_text(0, epoch), sensor), lane) & (m->slot_count - 1);
}

static void grow(struct marks *m)
{
    struct marks wide = { NULL, m->count, m->slot_count ? m->slot_count * 2 : SLOTS_FIRST };

    wide.slots = xcalloc(wide.slot_count, sizeof(*wide.slots));
    for (size_t i = 0; i < m->slot_count; i++) {
        while (m->slots[i]) {
            struct mark *k = m->slots[i];
            m->slots[i] = k->next;
            size_t to = slot_of(&wide, k->sensor, k->epoch, k->lane);
            k->next = wide.slots[to];
            wide.slots[to] = k;
        }
    }
    free(m->slots);
    *m = wide;
}

struct mark *marks_find(const struct marks *m, const char *sensor, const char *epoch,
                        const char *lane)
{
    struct mark *k = m->slot_count ? m->slots[slot_of(m, sensor, epoch, lane)] : NULL;

    while (k && (strcmp(k->epoch, epoch) != 0 || strcmp(k->lane, lane) != 0 ||
                 strcmp(k->sensor, sensor) != 0))
        k = k->next;
    return k;
}

static void note(struct marks *m, const char *sensor, const char *epoch, const char *lane,
                 const struct mark *n)
{
    struct mark *k = marks_find(m, sensor, epoch, lane);

    if (!k) {
        if (m->count >= m->slot_count)
            grow(m);
        size_t to = slot_of(m, sensor, epoch, lane);
        k = xcalloc(1, sizeof(*k));
        *k = (struct mark){ xstrdup(sensor), xstrdup(epoch), xstrdup(lane), n->first, 0, 0,
                            m->slots[to] };
        m->slots[to] = k;
        m->count++;
    }
    k->first = n->first < k->first ? n->first : k->first;
    k->last = n->last > k->last ? n->last : k->last;
    k->records += n->records;
}

void marks_note(struct marks *m, const struct block_head *h)
{
    struct mark n = { .first = h->first, .last = h->first + h->count - 1, .records = h->count };
    note(m, h->sensor, h->epoch, h->lane, &n);
}

void marks_write(const struct marks *m, struct json *out)
{
    json_open_array(out, "lanes");
    for (size_t i = 0; i < m->slot_count; i++) {
        for (const struct mark *k = m->slots[i]; k; k = k->next) {
            json_open(out, NULL);
            json_str(out, "sensor", k->sensor);
            json_str(out, "epoch", k->epoch);
            json_str(out, "lane", k->lane);
            json_u64(out, "first", k->first);
            json_u64(out, "last", k->last);
            json_u64(out, "records", k->records);
            json_close(out);
        }
    }
    json_close_array(out);
}

int marks_read(struct marks *m, const json_t *lanes)
{
    size_t i;
    json_t *item;

    json_array_foreach((json_t *)(uintptr_t)lanes, i, item)
    {
        const char *sensor = json_string_value(json_object_get(item, "sensor"));
        const char *epoch = json_string_value(json_object_get(item, "epoch"));
        const char *lane = json_string_value(json_object_get(item, "lane"));
        json_int_t first = json_integer_value(json_object_get(item, "first"));
        json_int_t last = json_integer_value(json_object_get(item, "last"));
        json_int_t records = json_integer_value(json_object_get(item, "records"));
        if (!sensor || !epoch || !lane || first < 1 || last < first || records < 1)
            return ABENG_EFORMAT;
        struct mark n = { .first = (uint64_t)first,
                          .last = (uint64_t)last,
                          .records = (uint64_t)records };
        note(m, sensor, epoch, lane, &n);
    }
    return ABENG_OK;
}
