/* SPDX-License-Identifier: Apache-2.0 */
/* POST /v1/batches. */
#include "config.h"
#include "collector/ingest/routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/auth/ca.h"
#include "collector/ingest/fresh.h"
#include "collector/ingest/ingest.h"
#include "collector/ingest/record.h"
#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "common/arena.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"
#include "common/log.h"
#include "common/state.h"
#include "common/zst.h"

#define EPOCH_DIGITS 32
/* Seconds after which a sensor comes again when the store is short. */
#define RETRY_FULL "10"
#define RETRY_AWAY "2"
/* So long a batch waits while fold and archive are behind. */
#define BEHIND_MS 250
/* An overlap is found and cut once; a lane has one sender, so twice means something is wrong. */
#define TRIES_MAX    3
#define ENTRY_FIELDS 22
#define NUMBER_TEXT  24
#define ID_TEXT      48

struct batch {
    const struct ca_identity *who;
    const char *epoch;
    const char *lane;
    char state[3];
    uint64_t first;
    uint64_t count;
    uint64_t oldest;
    uint64_t now_ns;
    const char *frame;
    size_t frame_len;
    struct fresh_batch *fresh; /* its text and records */
    const struct record *list; /* `count` of them */
    char previous[ID_TEXT], id[ID_TEXT]; /* of the stream's entries: the one before, ours */
};

/* ---- head --------------------------------------------------------------------------------- */

/* A header with a whole number in [low, 2^53): what Lua's numbers hold exactly. */
static bool number_header(struct http_request *req, const char *name, uint64_t low, uint64_t *out)
{
    const char *text = http_header(req, name);
    char *end;

    errno = 0;
    *out = text && *text >= '0' && *text <= '9' ? strtoull(text, &end, 10) : UINT64_MAX;
    if (*out != UINT64_MAX && !errno && !*end && *out >= low && *out < 1ull << 53)
        return true;
    http_problem(req, 400, "batch.header", "header %s must be a number of at least %llu", name,
                 (unsigned long long)low);
    return false;
}

static bool is_type(const struct http_request *req, const char *header, const char *want)
{
    const char *text = http_header(req, header);
    return text && strncmp(text, want, strlen(want)) == 0 &&
           (text[strlen(want)] == '\0' || text[strlen(want)] == ';');
}

static bool check_types(struct http_request *req)
{
    if (is_type(req, "Content-Type", "application/x-ndjson") &&
        is_type(req, "Content-Encoding", "zstd"))
        return true;
    http_problem(req, 415, "batch.type",
                 "a batch is Content-Type application/x-ndjson with Content-Encoding zstd");
    return false;
}

static bool check_lane(struct http_request *req, struct batch *b)
{
    b->epoch = http_header(req, "Abeng-Epoch");
    b->lane = http_header(req, "Abeng-Lane");
    if (!b->epoch || strlen(b->epoch) != EPOCH_DIGITS ||
        strspn(b->epoch, "0123456789abcdef") != EPOCH_DIGITS) {
        http_problem(req, 400, "batch.header", "header Abeng-Epoch must be %d hexadecimal digits",
                     EPOCH_DIGITS);
        return false;
    }
    if (!b->lane || ingest_lane_state(b->lane, b->state) != ABENG_OK) {
        http_problem(req, 400, "batch.header",
                     "header Abeng-Lane must be STATE.urgent or STATE.bulk with a member's code");
        return false;
    }
    if (ca_states_have(b->who->states, b->state))
        return true;
    log_warn("ingest", "sensor %s (%s) sent lane %s; its certificate names %s", b->who->id,
             http_client(req), b->lane, b->who->states);
    http_problem(req, 403, "lane.state", "this sensor's certificate does not speak for \"%s\"",
                 b->state);
    return false;
}

static bool read_head(struct http_request *req, struct batch *b)
{
    if (!check_types(req) || !check_lane(req, b) ||
        !number_header(req, "Abeng-First-Seq", 1, &b->first) ||
        !number_header(req, "Abeng-Count", 1, &b->count))
        return false;
    if (http_header(req, "Abeng-Oldest") && !number_header(req, "Abeng-Oldest", 1, &b->oldest))
        return false;
    if (b->count <= INGEST_COUNT_MAX)
        return true;
    http_problem(req, 400, "batch.count", "a batch has at most %u records", INGEST_COUNT_MAX);
    return false;
}

/* ---- body --------------------------------------------------------------------------------- */

static bool read_body(struct http_request *req, struct batch *b)
{
    struct record_room *room = fresh_room(b->fresh);
    char reason[320];

    b->frame = http_body(req, &b->frame_len);
    int err = zst_decompress(b->frame, b->frame_len, &room->text);
    if (err == ABENG_ELIMIT) {
        http_problem(req, 413, "batch.raw", "the batch is larger than %u bytes when decompressed",
                     INGEST_RAW_MAX);
        return false;
    }
    if (err) {
        http_problem(req, 400, "batch.zstd", "the body is not a whole zstd frame");
        return false;
    }
    b->list = record_room_for(room, b->count);
    err = ingest_scan(room->text.data, room->text.len, b->count, room->list, reason,
                      sizeof(reason));
    if (!err)
        return true;
    log_warn("ingest", "sensor %s, lane %s, records from %llu: %s", b->who->id, b->lane,
             (unsigned long long)b->first, reason);
    http_problem(req, 400, "batch.record", "%s", reason);
    return false;
}

/* ---- the store ---------------------------------------------------------------------------- */

static struct store_arg number_arg(char text[NUMBER_TEXT], uint64_t n)
{
    return STORE_BYTES(text, (size_t)snprintf(text, NUMBER_TEXT, "%llu", (unsigned long long)n));
}

/* One try with the first `skip` records left out: the reply's two numbers, and what was made. */
static int accept_from(struct ingest *in, struct batch *b, uint64_t skip, bool *stored,
                       uint64_t *committed)
{
    const struct buf *text = &fresh_room(b->fresh)->text;
    struct ingest_tally t;
    struct store_reply *r;
    char n[14][NUMBER_TEXT];
    struct store_key keys[] = { store_key(b->state, "ing"),
                                store_key(b->state, "pos:%s", b->who->id),
                                store_key(b->state, "ledger:%s", b->who->id),
                                store_key(b->state, "hours:%s", b->who->id),
                                store_key(b->state, "tip") };
    struct store_arg key_args[] = { STORE_KEY(keys[0]), STORE_KEY(keys[1]), STORE_KEY(keys[2]),
                                    STORE_KEY(keys[3]), STORE_KEY(keys[4]) };

    ingest_count(b->list + skip, b->count - skip, text->data, b->now_ns, &t);
    struct store_arg first = number_arg(n[0], b->first + skip);
    struct store_arg count = number_arg(n[1], b->count - skip);
    struct store_arg args[] = {
        STORE_TEXT(b->epoch), STORE_TEXT(b->lane), first, count, number_arg(n[2], b->oldest),
        STORE_TEXT(t.previous), number_arg(n[3], t.previous_last),
        number_arg(n[4], b->now_ns / NS_PER_MS), number_arg(n[5], t.late), number_arg(n[6], t.lost),
        number_arg(n[10], t.shed), number_arg(n[11], t.gaps), STORE_TEXT(t.self_test ? "1" : "0"),
        /* the entry: record.h */
        STORE_TEXT("sensor"), STORE_TEXT(b->who->id), STORE_TEXT("site"), STORE_TEXT(b->who->site),
        STORE_TEXT("epoch"), STORE_TEXT(b->epoch), STORE_TEXT("lane"), STORE_TEXT(b->lane),
        STORE_TEXT("first"), first, STORE_TEXT("count"), count, STORE_TEXT("skip"),
        number_arg(n[7], skip), STORE_TEXT("recv"), number_arg(n[8], b->now_ns), STORE_TEXT("raw"),
        number_arg(n[9], text->len), STORE_TEXT("frame"), STORE_BYTES(b->frame, b->frame_len)
    };
    int err = store_call(store_conn(in->store, b->state), "abeng_accept", key_args, 5, args,
                         sizeof(args) / sizeof(args[0]), &r);
    *stored = store_reply_int(store_reply_at(r, 0)) == 1;
    if (*stored && t.self_test)
        __atomic_fetch_add(&in->self_tests, 1, __ATOMIC_RELAXED);
    *committed = (uint64_t)store_reply_int(store_reply_at(r, 1));
    snprintf(b->previous, ID_TEXT, "%s", store_reply_text(store_reply_at(r, 2), NULL));
    snprintf(b->id, ID_TEXT, "%s", store_reply_text(store_reply_at(r, 3), NULL));
    if (err && err != ABENG_EAGAIN)
        log_error("ingest", "sensor %s, lane %s: the store refused: %s %s", b->who->id, b->lane,
                  err_text(err), store_reply_text(r, NULL));
    store_reply_free(r);
    return err;
}

static enum http_done answer(struct http_request *req, unsigned status, uint64_t committed)
{
    struct json j;

    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    if (status != 200) {
        json_str(&j, "type", "about:blank");
        json_str(&j, "title", "Conflict");
        json_u64(&j, "status", status);
        json_str(&j, "detail", "the batch does not join on; send from the record after committed");
        json_str(&j, "rule", "batch.position");
    }
    json_u64(&j, "committed", committed);
    json_close(&j);
    return http_reply(req, status, status == 200 ? NULL : "application/problem+json");
}

static enum http_done answer_error(struct http_request *req, int err)
{
    if (err == ABENG_ENOMEM) {
        http_reply_header(req, "Retry-After", RETRY_FULL);
        return http_problem(req, 429, "store.memory", "the store is full; keep the records");
    }
    http_reply_header(req, "Retry-After", RETRY_AWAY);
    return http_problem(req, 503, "store.away", "the store does not answer; keep the records");
}

static enum http_done refused(struct ingest *in, enum http_done done)
{
    __atomic_fetch_add(&in->refused, 1, __ATOMIC_RELAXED);
    return done;
}

/* What was stored goes to its readers at once; the batch's memory is theirs then. */
static void pass_on(struct ingest *in, struct batch *b, unsigned state, uint64_t skip)
{
    const struct buf *text = &fresh_room(b->fresh)->text;
    const struct record_batch what = { .id = b->id,
                                       .sensor = b->who->id,
                                       .site = b->who->site,
                                       .epoch = b->epoch,
                                       .lane = b->lane,
                                       .first = b->first + skip,
                                       .count = b->count - skip,
                                       .skip = skip,
                                       .received_ns = b->now_ns,
                                       .frame = (const uint8_t *)b->frame,
                                       .frame_len = b->frame_len,
                                       .text = (const char *)text->data,
                                       .text_len = text->len,
                                       .list = b->list + skip };

    __atomic_fetch_add(&in->batches, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&in->records, what.count, __ATOMIC_RELAXED);
    fresh_put(in->fresh, state, b->fresh, &what, b->previous);
    b->fresh = NULL;
}

/* One try; what it stored is passed on before anybody stops to expect it. */
static int try_from(struct ingest *in, struct batch *b, uint64_t skip, bool *stored,
                    uint64_t *committed)
{
    unsigned state = (unsigned)state_find(b->state, 2);

    fresh_expect(in->fresh, state, true);
    int err = accept_from(in, b, skip, stored, committed);
    if (!err && *stored)
        pass_on(in, b, state, skip);
    fresh_expect(in->fresh, state, false);
    return err;
}

/*
 * A lane joins on at committed + 1; what overlaps is cut by position, what leaves a hole is
 * refused.
 */
static enum http_done store_batch(struct ingest *in, struct http_request *req, struct batch *b)
{
    uint64_t skip = 0, committed = 0;
    bool stored = false;

    for (int i = 0; i < TRIES_MAX; i++) {
        int err = try_from(in, b, skip, &stored, &committed);
        if (err)
            return refused(in, answer_error(req, err));
        if (stored || committed >= b->first + b->count - 1)
            return answer(req, 200, committed);
        if (committed < b->first)
            break;
        skip = committed + 1 - b->first;
    }
    return refused(in, answer(req, 409, committed));
}

static enum http_done take(struct ingest *in, struct http_request *req, struct batch *b)
{
    if (!read_head(req, b))
        return refused(in, HTTP_DONE);
    if (store_memory_permille(in->store) >= INGEST_MEMORY_PERMILLE) {
        http_reply_header(req, "Retry-After", RETRY_FULL);
        return refused(in, http_problem(req, 429, "store.memory",
                                        "the store is short of memory; keep the records"));
    }
    return read_body(req, b) ? store_batch(in, req, b) : refused(in, HTTP_DONE);
}

int ingest_again(struct ingest *in, const struct ingest_past *p, const void *raw, size_t len,
                 uint64_t *stored)
{
    struct ca_identity who = { .not_after_ns = 0 };
    struct batch b = { .who = &who,
                       .epoch = p->epoch,
                       .lane = p->lane,
                       .first = p->first,
                       .count = p->count,
                       .oldest = p->first,
                       .now_ns = p->received_ns,
                       .frame = p->frame,
                       .frame_len = p->frame_len,
                       .fresh = fresh_begin(NULL) };
    struct record_room *room = fresh_room(b.fresh);
    uint64_t skip = 0, committed = 0;
    bool done = false;
    char why[320];

    *stored = 0;
    snprintf(who.id, sizeof(who.id), "%s", p->sensor);
    snprintf(who.site, sizeof(who.site), "%s", p->site);
    buf_add(&room->text, raw, len);
    int err = ABENG_OK;
    if (p->count > INGEST_COUNT_MAX || ingest_lane_state(p->lane, b.state))
        err = ABENG_EFORMAT;
    b.list = record_room_for(room, err ? 0 : p->count);
    if (!err)
        err = ingest_scan(raw, len, p->count, room->list, why, sizeof(why));
    for (int i = 0; i < TRIES_MAX && !err && !done; i++) {
        b.oldest = p->first + skip;
        err = accept_from(in, &b, skip, &done, &committed);
        if (committed >= p->first + p->count - 1)
            break;
        skip = committed >= p->first ? committed + 1 - p->first : skip;
    }
    *stored = !err && done ? p->count - skip : 0;
    fresh_drop(NULL, b.fresh);
    return err;
}

enum http_done ingest_batch(struct http_request *req, void *app)
{
    struct ingest *in = app;

    /*
     * What is not handed on has to be read back and scanned twice: better a sensor waits a moment
     * than that fold and archive fall further behind.
     */
    if (fresh_behind(in->fresh) && !http_timed_out(req))
        return http_park(req, "batch", BEHIND_MS);
    struct batch b = { .who = http_session(req),
                       .now_ns = clock_now(in->clock),
                       .fresh = fresh_begin(in->fresh) };

    enum http_done done = take(in, req, &b);
    if (b.fresh)
        fresh_drop(in->fresh, b.fresh);
    return done;
}
