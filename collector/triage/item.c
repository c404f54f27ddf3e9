/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing one incident. */
#include "config.h"
#include "collector/triage/item.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/correlate/rsit.h"
#include "collector/store/store.h"
#include "common/buf.h"
#include "common/json.h"
#include "common/state.h"
#include "common/xalloc.h"

/** Most text of one incident that searches look in. */
#define TEXT_MAX 4096

static const char *text_of(const struct store_reply *fields, const char *name)
{
    return store_reply_text(store_reply_field(fields, name), NULL);
}

static uint64_t number_of(const struct store_reply *fields, const char *name)
{
    int64_t n = store_reply_int(store_reply_field(fields, name));
    return n < 0 ? 0 : (uint64_t)n;
}

static void read_head(struct head *h, int status, const struct store_reply *f)
{
    h->status = (enum status)status;
    h->version = number_of(f, "version");
    h->dver = number_of(f, "dver");
    h->tier = (unsigned)number_of(f, "tier");
    h->clock = sla_find(text_of(f, "clock"));
    h->deadline_ms = number_of(f, "deadline_ms");
    h->opened_ms = number_of(f, "opened_ms");
    h->claimed_ms = number_of(f, "claimed_ms");
    h->waiting_ms = number_of(f, "waiting_ms");
    h->on_evidence = *text_of(f, "waiting_on") != 0;
    h->left_ms = number_of(f, "left_ms");
    h->ended_ms = number_of(f, "ended_ms");
    h->merged_into = number_of(f, "merged_into");
    snprintf(h->claimed_by, sizeof h->claimed_by, "%s", text_of(f, "claimed_by"));
    snprintf(h->outcome, sizeof h->outcome, "%s", text_of(f, "outcome"));
    snprintf(h->tlp, sizeof h->tlp, "%s", text_of(f, "tlp"));
    snprintf(h->victim, sizeof h->victim, "%s", text_of(f, "victim"));
    snprintf(h->undo, sizeof h->undo, "%s", text_of(f, "undo"));
    h->rsit = rsit_find(text_of(f, "rsit"));
}

/* ---- what searches look in ------------------------------------------------------------------- */

static void add_word(struct buf *b, const char *word)
{
    for (; word && *word; word++)
        buf_byte(b, (uint8_t)tolower((unsigned char)*word));
    buf_byte(b, ' ');
}

static void add_member(struct buf *b, const json_t *root, const char *key)
{
    add_word(b, json_string_value(json_object_get(root, key)));
}

static void add_array(struct buf *b, const json_t *root, const char *key)
{
    const json_t *array = json_object_get(root, key);
    for (size_t i = 0; i < json_array_size(array); i++)
        add_word(b, json_string_value(json_array_get(array, i)));
}

static char *taken(struct buf *b)
{
    char *text = xstrdup(buf_str(b));
    buf_clear(b);
    buf_byte(b, ' ');
    return text;
}

static void read_texts(struct item *it, const json_t *root, const struct store_reply *f)
{
    char id[32];
    struct buf b;
    buf_init(&b, TEXT_MAX);
    buf_byte(&b, ' ');
    add_member(&b, root, "title");
    it->rules = taken(&b);
    add_array(&b, root, "rules");
    it->sids = taken(&b);
    add_member(&b, root, "victim");
    add_member(&b, root, "peer");
    add_member(&b, root, "subject");
    add_word(&b, it->head.victim);
    it->hosts = taken(&b);
    add_array(&b, root, "sensors");
    it->sensors = taken(&b);
    snprintf(id, sizeof id, "%s-%llu", state_at(it->state)->code, (unsigned long long)it->number);
    add_word(&b, id);
    buf_printf(&b, "%s%s%s", it->rules, it->hosts, it->sensors);
    add_array(&b, root, "names");
    add_member(&b, json_object_get(root, "rsit"), "class");
    add_member(&b, json_object_get(root, "rsit"), "type");
    add_word(&b, it->head.claimed_by);
    add_word(&b, text_of(f, "reason"));
    add_word(&b, text_of(f, "last_note"));
    it->text = taken(&b);
    buf_free(&b);
}

struct item *item_read(unsigned state, uint64_t number, const struct store_reply *fields)
{
    size_t len;
    const char *evidence = store_reply_text(store_reply_field(fields, "ev"), &len);
    int status = status_find(text_of(fields, "status"));
    json_t *root = json_loadb(evidence, len, 0, NULL);
    struct item *it = NULL;
    if (root && status >= 0) {
        it = xcalloc(1, sizeof *it);
        it->state = state;
        it->number = number;
        read_head(&it->head, status, fields);
        it->evidence = xstrndup(evidence, len);
        it->reason = xstrdup(text_of(fields, "reason"));
        it->last_note = xstrdup(text_of(fields, "last_note"));
        read_texts(it, root, fields);
    }
    json_decref(root);
    return it;
}

void item_free(struct item *it)
{
    if (!it)
        return;
    free(it->evidence);
    free(it->reason);
    free(it->last_note);
    free(it->text);
    free(it->rules);
    free(it->sids);
    free(it->hosts);
    free(it->sensors);
    free(it);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

int item_compare(const struct item *a, const struct item *b)
{
    int d = compare_numbers(a->head.tier, b->head.tier);
    if (!d)
        d = compare_numbers(a->head.deadline_ms - 1,
                            b->head.deadline_ms - 1); /* none wraps to last */
    if (!d)
        d = compare_numbers(a->state, b->state);
    return d ? d : compare_numbers(a->number, b->number);
}

struct search_subject item_subject(const struct item *it)
{
    return (struct search_subject){
        &it->head, state_at(it->state)->code, it->text, it->rules, it->sids, it->hosts, it->sensors
    };
}

/* ---- the row --------------------------------------------------------------------------------- */

static void copy(struct json *out, const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text)
        json_raw(out, key, text, strlen(text));
    else
        json_nil(out, key);
    free(text);
}

static void write_text(struct json *out, const char *key, const char *text)
{
    json_str(out, key, *text ? text : NULL);
}

static void write_head(const struct item *it, struct json *out)
{
    const struct head *h = &it->head;
    char id[32];
    snprintf(id, sizeof id, "%s-%llu", state_at(it->state)->code, (unsigned long long)it->number);
    json_str(out, "id", id);
    json_u64(out, "version", h->version);
    json_str(out, "state", state_at(it->state)->code);
    json_str(out, "status", status_word(h->status));
    json_u64(out, "tier", h->tier);
    json_time_ms(out, "opened_at", h->opened_ms);
    json_time_ms(out, "deadline", h->deadline_ms);
    json_str(out, "clock", sla_word(h->clock));
    write_text(out, "claimed_by", h->claimed_by);
    json_time_ms(out, "claimed_at", h->claimed_ms);
    json_time_ms(out, "waiting_until", h->waiting_ms);
    json_str(out, "waiting_on", h->on_evidence ? "evidence" : NULL);
    json_time_ms(out, "ended_at", h->ended_ms);
    write_text(out, "outcome", h->outcome);
    write_text(out, "last_note", it->last_note);
    if (h->merged_into) {
        snprintf(id, sizeof id, "%s-%llu", state_at(it->state)->code,
                 (unsigned long long)h->merged_into);
        json_str(out, "merged_into", id);
    } else {
        json_nil(out, "merged_into");
    }
}

static void write_decided(const struct item *it, const json_t *root, struct json *out)
{
    const struct head *h = &it->head;
    if (*h->victim)
        json_str(out, "victim", h->victim);
    else
        copy(out, root, "victim");
    if (h->rsit) {
        json_open(out, "rsit");
        json_str(out, "class", h->rsit->class);
        json_str(out, "type", h->rsit->type);
        json_close(out);
    } else {
        copy(out, root, "rsit");
    }
}

void item_write(const struct item *it, bool detail, struct json *out)
{
    static const char *const row[] = { "likelihood", "impact",    "title",   "victim_role", "peer",
                                       "direction",  "stages",    "count",   "sensors",     "feeds",
                                       "first_seen", "last_seen", "reasons", "states_seen", "spark",
                                       "campaigns",  "merged",    "storm" };
    static const char *const more[] = {
        "factors", "formula", "hosts", "subject", "follows", "rules"
    };
    json_t *root = json_loads(it->evidence, 0, NULL);
    write_head(it, out);
    write_decided(it, root, out);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        copy(out, root, row[i]);
    json_u64(out, "signals", json_array_size(json_object_get(root, "signals")));
    if (detail) {
        for (size_t i = 0; i < sizeof more / sizeof *more; i++)
            copy(out, root, more[i]);
        write_text(out, "reason", it->reason);
        write_text(out, "tlp", it->head.tlp);
    }
    json_decref(root);
}
