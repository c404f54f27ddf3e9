/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever stands in a buffer is found: patterns of all lengths, anywhere and at fixed places, of
 * both cases, against a search that looks at every byte. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/buf.h"
#include "common/slab.h"
#include "sensor/detect/build.h"
#include "sensor/detect/lanes.h"
#include "sensor/detect/scan.h"
#include "sensor/detect/search.h"
#include "sensor/detect/sieve.h"
#include "sensor/detect/state.h"
#include "sensor/detect/window.h"
#include "signatures/parse.h"

#define PATTERNS   700
#define LEN_MAX    24
#define BUFFERS    4000
#define BUFFER_MAX 300

/* A pattern as the test knows it. */
struct known {
    uint8_t bytes[LEN_MAX];
    uint32_t len, from, to; /* window; to UINT32_MAX: anywhere */
    bool nocase;
};

/* The buffers that the patterns are for: one for each step; of one byte at least, and so that every
 * pattern has a gram. */
struct kind {
    const char *protocol, *keyword;
    enum sig_buffer buffer;
    uint8_t dir, step, least;
    uint32_t patterns;
};

static const struct kind kinds[] = {
    { "tcp", "", SIG_BUF_PAYLOAD, SIG_DIR_TOSERVER, IMAGE_STEP_NONE, 1, 400 },
    { "http", "http.uri; ", SIG_BUF_HTTP_URI, SIG_DIR_TOSERVER, IMAGE_STEP_ONE, 1, PATTERNS },
    { "http", "file.data; ", SIG_BUF_FILE_DATA, SIG_DIR_TOCLIENT, IMAGE_STEP_FOUR, 1, PATTERNS },
    { "tcp", "", SIG_BUF_PAYLOAD, SIG_DIR_TOSERVER, IMAGE_STEP_NONE, SIEVE_GRAM, 400 },
    { "http", "file.data; ", SIG_BUF_FILE_DATA, SIG_DIR_TOCLIENT, IMAGE_STEP_FOUR, SIEVE_GRAM,
      PATTERNS },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct bench {
    const struct kind *kind;
    struct known known[PATTERNS];
    struct detect_ruleset *set;
    struct detect_thread *thread;
    struct slab *slab;
    struct counter_block counters;
    uint32_t engine, state;
};

/* The same numbers on each run. */
static uint32_t dice(struct bench *b, uint32_t sides)
{
    b->state = b->state * 1664525u + 1013904223u;
    return (b->state >> 8) % sides;
}

/* Few distinct bytes, so that patterns overlap and nearly match. */
static uint8_t letter(struct bench *b)
{
    static const uint8_t few[] = { 'a', 'A', 'b', 'B', 0x00, 0xff, ' ', '@', '`', 'z' };
    return dice(b, 4) ? few[dice(b, sizeof(few))] : (uint8_t)dice(b, 256);
}

static void know(struct bench *b, struct known *k, struct buf *rules, uint32_t number)
{
    uint32_t len = b->kind->least + dice(b, LEN_MAX + 1 - b->kind->least);
    *k = (struct known){ .len = len, .to = UINT32_MAX, .nocase = dice(b, 2) };
    buf_printf(rules, "alert %s any any -> any any (%s%scontent:\"|", b->kind->protocol,
               b->kind->dir == SIG_DIR_TOCLIENT ? "flow:to_client; " : "", b->kind->keyword);
    for (uint32_t i = 0; i < k->len; i++) {
        k->bytes[i] = letter(b);
        buf_printf(rules, "%02x ", k->bytes[i]);
        if (k->nocase)
            k->bytes[i] = search_lower(k->bytes[i]);
    }
    buf_printf(rules, "|\"; %s", k->nocase ? "nocase; " : "");
    if (dice(b, 3) == 0) {
        k->from = dice(b, 40);
        k->to = k->from + k->len + dice(b, 8);
        buf_printf(rules, "offset:%u; depth:%u; ", k->from, k->to - k->from);
    }
    buf_printf(rules, "sid:%u;)\n", number + 1);
}

/* The engine of the kind's buffer that holds the patterns without ports. */
static uint32_t engine_find(const struct bench *b)
{
    for (uint32_t i = 0; i < b->set->engine_count; i++) {
        const struct image_engine *e = &b->set->engines[i];
        if (b->set->specs[e->spec].buffer == b->kind->buffer && e->dir == b->kind->dir &&
            e->pattern_count > b->kind->patterns / 2)
            return i;
    }
    fail_msg("%s: no engine", b->kind->protocol);
    return 0;
}

static struct detect_ruleset *rules_map(const struct buf *rules)
{
    char reason[256] = "";
    struct sig_parser *parser = sig_parser_create();
    sig_parser_read_rules(parser, (const char *)rules->data, rules->len, "test");
    struct sig_ruleset *set = sig_parser_finish(parser);
    int fd = memfd_create("rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(detect_image_build(set, "test", fd, reason, sizeof(reason)), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    struct detect_ruleset *mapped = detect_ruleset_map(fd, reason, sizeof(reason));
    assert_non_null(mapped);
    sig_ruleset_free(set);
    sig_parser_free(parser);
    close(fd);
    return mapped;
}

static void bench_open(struct bench *b, const struct kind *kind)
{
    struct buf rules;
    *b = (struct bench){ .kind = kind, .state = 7 };
    buf_init(&rules, 1u << 20);
    for (uint32_t i = 0; i < kind->patterns; i++)
        know(b, &b->known[i], &rules, i);
    b->set = rules_map(&rules);
    b->slab = slab_create(1u << 24);
    b->counters = counter_block_create(detect_counters);
    b->thread = detect_thread_create(b->set, b->slab, &b->counters);
    b->engine = engine_find(b);
    assert_int_equal(b->set->engines[b->engine].step, kind->step);
    buf_free(&rules);
}

static int setup(void **state)
{
    struct bench *all = calloc(KINDS, sizeof(*all));
    for (size_t i = 0; i < KINDS; i++)
        bench_open(&all[i], &kinds[i]);
    *state = all;
    return 0;
}

static int teardown(void **state)
{
    struct bench *all = *state;
    for (size_t i = 0; i < KINDS; i++) {
        detect_thread_free(all[i].thread);
        detect_ruleset_drop(all[i].set);
        counter_block_free(&all[i].counters);
        slab_free_all(all[i].slab);
    }
    free(all);
    return 0;
}

static bool stands(const struct known *k, const uint8_t *data, uint32_t len)
{
    for (uint32_t at = k->from; at + k->len <= len && at + k->len <= k->to; at++) {
        if (search_equal(data + at, k->bytes, k->len, k->nocase))
            return true;
    }
    return false;
}

static bool is_candidate(const struct bench *b, uint32_t sid)
{
    for (uint32_t i = 0; i < b->set->rule_count; i++) {
        if (b->set->rules[i].sid == sid)
            return b->thread->candidates.words[i / 64] >> i % 64 & 1;
    }
    return false;
}

static void clear(struct bench *b)
{
    uint32_t rule;
    while (candidates_take(&b->thread->candidates, &rule))
        continue;
}

/* Noise, with a pattern laid in somewhere, its case changed. */
static uint32_t fill(struct bench *b, uint8_t *data)
{
    uint32_t len = 1 + dice(b, BUFFER_MAX);
    const struct known *k = &b->known[dice(b, b->kind->patterns)];
    for (uint32_t i = 0; i < len; i++)
        data[i] = letter(b);
    if (k->len > len)
        return len;
    uint32_t at = dice(b, 2) && k->from + k->len <= len ? k->from : dice(b, len - k->len + 1);
    memcpy(data + at, k->bytes, k->len);
    for (uint32_t i = 0; k->nocase && i < k->len; i++) {
        if (data[at + i] >= 'a' && data[at + i] <= 'z' && dice(b, 2))
            data[at + i] ^= 0x20;
    }
    return len;
}

static void nothing_missed(struct bench *b)
{
    uint32_t stood = 0;
    for (unsigned n = 0; n < BUFFERS; n++) {
        uint8_t *data = malloc(BUFFER_MAX); /* so that a read behind it is seen */
        uint32_t len = fill(b, data);
        data = realloc(data, len);
        detect_scan(b->thread, b->engine, &(struct app_view){ .data = data, .len = len });
        for (uint32_t i = 0; i < b->kind->patterns; i++) {
            if (!stands(&b->known[i], data, len))
                continue;
            stood++;
            if (!is_candidate(b, i + 1))
                fail_msg("%sbuffer %u: pattern %u of %u bytes is missed", b->kind->keyword, n, i,
                         b->known[i].len);
        }
        clear(b);
        free(data);
    }
    assert_true(stood > BUFFERS / 2);
}

static void nothing_is_missed(void **state)
{
    for (size_t i = 0; i < KINDS; i++)
        nothing_missed((struct bench *)*state + i);
}

/* A later window of a growing buffer has places of its own: none may be taken for the buffer's. */
static void later_windows_miss_nothing(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < KINDS; i++, b++) {
        const struct known *k = b->known;
        while (k->to == UINT32_MAX || k->from + k->len > 20)
            k++;
        uint8_t data[LEN_MAX];
        memcpy(data, k->bytes, k->len);
        detect_scan(b->thread, b->engine,
                    &(struct app_view){ .data = data, .len = k->len, .offset = k->from });
        assert_true(is_candidate(b, (uint32_t)(k - b->known) + 1));
        clear(b);
    }
}

/* ---- windows --------------------------------------------------------------------------------- */

#define BODY_MAX   6000
#define WINDOW_MAX 900

/* Noise of all bytes with a pattern every hundred of them or, densely, of the patterns' bytes. */
static void body_fill(struct bench *b, uint8_t *body, bool dense)
{
    for (uint32_t i = 0; i < BODY_MAX; i++)
        body[i] = dense ? letter(b) : (uint8_t)dice(b, 256);
    for (uint32_t at = 0; at + LEN_MAX + 100 < BODY_MAX; at += LEN_MAX + dice(b, 100)) {
        const struct known *k = &b->known[dice(b, b->kind->patterns)];
        memcpy(body + at, k->bytes, k->len);
    }
}

/* The candidates of one look at the view, taken away; and how many bytes were searched. */
static uint64_t looked(struct bench *b, struct window *w, const struct app_view *view,
                       uint64_t *candidates, size_t words)
{
    uint64_t bytes = counter_read(&b->counters, DETECT_COUNT_SCAN_BYTES);
    if (w)
        window_scan(b->thread, w, view);
    else
        detect_scan(b->thread, b->engine, view);
    memcpy(candidates, b->thread->candidates.words, words * sizeof(*candidates));
    clear(b);
    return counter_read(&b->counters, DETECT_COUNT_SCAN_BYTES) - bytes;
}

/* As a body grows each of its windows has the same candidates, searched whole or from where the
 * last one ended. */
static void windows_same(struct bench *b, bool dense, uint64_t bytes[2])
{
    size_t words = (b->set->rule_count + 63) / 64;
    uint64_t *whole = calloc(words, sizeof(*whole)), *fresh = calloc(words, sizeof(*fresh));
    uint8_t *body = malloc(BODY_MAX);
    struct window *list = NULL, *w = window_get(&list, b->engine, b->slab);
    assert_non_null(w);
    assert_ptr_equal(window_get(&list, b->engine, b->slab), w);
    body_fill(b, body, dense);
    for (uint32_t have = 0, from = 0; have < BODY_MAX;) {
        have += 1 + dice(b, 200);
        have = have < BODY_MAX ? have : BODY_MAX;
        if (have > WINDOW_MAX && have - WINDOW_MAX > from)
            from = have - WINDOW_MAX + dice(b, 40) * (dice(b, 20) == 0 ? 25 : 1);
        if (from >= have)
            continue;
        uint8_t *bytes_there = malloc(have - from); /* so that a read behind it is seen */
        memcpy(bytes_there, body + from, have - from);
        const struct app_view view = { bytes_there, have - from, from, have == BODY_MAX };
        bytes[0] += looked(b, NULL, &view, whole, words);
        bytes[1] += looked(b, w, &view, fresh, words);
        assert_memory_equal(fresh, whole, words * sizeof(*whole));
        free(bytes_there);
    }
    window_free_all(&list, b->slab);
    free(body);
    free(whole);
    free(fresh);
}

static void windows_find_the_same(void **state)
{
    struct bench *b = *state;
    for (size_t i = 0; i < KINDS; i++, b++) {
        uint64_t sparse[2] = { 0 }, dense[2] = { 0 };
        for (unsigned n = 0; n < 40; n++) {
            windows_same(b, false, sparse);
            windows_same(b, true, dense);
        }
        assert_true(dense[1] <= dense[0]);
        /* what Hyperscan always looks for is searched whole */
        bool scanned = b->set->engines[b->engine].databases & 1u << IMAGE_TIER_SHORT;
        assert_int_equal(scanned, b->kind->least < SIEVE_GRAM);
        assert_true(scanned || sparse[1] * 2 < sparse[0]);
    }
}

static void noise_ruled_out(struct bench *b)
{
    uint64_t scans = counter_read(&b->counters, DETECT_COUNT_SCANS);
    uint64_t sieved = counter_read(&b->counters, DETECT_COUNT_SIEVED);
    for (unsigned n = 0; n < 1000; n++) {
        uint8_t data[BUFFER_MAX];
        for (unsigned i = 0; i < sizeof(data); i++)
            data[i] = (uint8_t)dice(b, 256);
        detect_scan(b->thread, b->engine, &(struct app_view){ .data = data, .len = sizeof(data) });
        clear(b);
    }
    scans = counter_read(&b->counters, DETECT_COUNT_SCANS) - scans;
    sieved = counter_read(&b->counters, DETECT_COUNT_SIEVED) - sieved;
    assert_int_equal(scans, 1000);
    assert_true(sieved > 990);
}

static void most_noise_is_ruled_out(void **state)
{
    for (size_t i = 0; i < KINDS; i++)
        noise_ruled_out((struct bench *)*state + i);
}

/* ---- lanes ----------------------------------------------------------------------------------- */

/* Most buffers are as short as packets, some longer than one look. */
#define LOOKS_MAX (2 * LANES_SPAN)

struct seen {
    uint64_t places[LOOKS_MAX / 64 + 1];
};

static uint32_t look_length(struct bench *b)
{
    return 1 + dice(b, dice(b, 64) == 0 ? LOOKS_MAX : BUFFER_MAX);
}

static void see(struct seen *seen, enum lanes_way way, const struct image_lanes *lanes,
                const uint8_t *data, uint32_t len)
{
    uint64_t marks[LANES_MARKS];
    uint32_t count;
    for (uint32_t at = 0; at < len; at += 64 * count) {
        count = lanes_mark_as(way, lanes, data, len, at, marks);
        assert_in_range(count, 1, LANES_MARKS);
        memcpy(&seen->places[at / 64], marks, count * sizeof(marks[0]));
    }
}

/* What halves of mixes let through, place by place. */
static void see_halves(struct seen *seen, const struct image_lanes *lanes, const uint8_t *data,
                       uint32_t len)
{
    for (uint32_t at = 0; at < len; at++) {
        bool passed = false;
        for (unsigned plane = 0; plane < lanes->half_planes; plane++) {
            uint8_t buckets = UINT8_MAX;
            for (uint32_t pair = 0; pair < LANES_PAIRS; pair++) {
                uint8_t a = at + pair < len ? data[at + pair] : LANES_FOLD;
                uint8_t c = at + pair + 1 < len ? data[at + pair + 1] : LANES_FOLD;
                uint8_t mix = lanes_mix(a, c);
                buckets &= lanes->upper[plane][pair][lanes_upper(mix)] &
                           lanes->lower[plane][pair][lanes_lower(mix)];
            }
            passed |= buckets != 0;
        }
        for (uint32_t i = 0; i < lanes->two_count; i++) {
            uint8_t next = at + 1 < len ? data[at + 1] : LANES_FOLD;
            passed |= (data[at] | LANES_FOLD) == lanes->twos[i][0] &&
                      (next | LANES_FOLD) == lanes->twos[i][1];
        }
        seen->places[at / 64] |= (uint64_t)passed << at % 64;
    }
}

static void fill_table(struct bench *b, void *table, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)table)[i] = (uint8_t)(dice(b, 256) & dice(b, 256));
}

/* Whichever way tables are read the same places pass, up to the very end of a buffer. */
static void all_ways_see_the_same(void **state)
{
    struct bench *b = *state;
    struct image_lanes lanes;
    uint64_t some = 0;
    for (unsigned n = 0; n < BUFFERS; n++) {
        uint32_t len = look_length(b);
        uint8_t *data = malloc(len);
        struct seen seen[LANES_WHOLE + 1] = { 0 }, halves = { 0 };
        for (uint32_t i = 0; i < len; i++)
            data[i] = letter(b);
        fill_table(b, lanes.tables, sizeof(lanes.tables));
        fill_table(b, lanes.upper, sizeof(lanes.upper));
        fill_table(b, lanes.lower, sizeof(lanes.lower));
        lanes.planes = 1 + dice(b, LANES_PLANES);
        lanes.two_count = dice(b, LANES_TWOS + 1);
        for (unsigned i = 0; i < LANES_TWOS * 2; i++)
            lanes.twos[i / 2][i % 2] = letter(b) | LANES_FOLD;
        lanes.half_planes = 1u << dice(b, 3);
        for (unsigned way = LANES_BYTES; way <= lanes_best(); way++)
            see(&seen[way], way, &lanes, data, len);
        see_halves(&halves, &lanes, data, len);
        for (size_t i = 0; i < sizeof(halves.places) / sizeof(halves.places[0]); i++) {
            if (lanes_best() >= LANES_HALVES)
                assert_int_equal(halves.places[i], seen[LANES_HALVES].places[i]);
            if (lanes_best() >= LANES_WHOLE)
                assert_int_equal(seen[LANES_BYTES].places[i], seen[LANES_WHOLE].places[i]);
            some |= halves.places[i] & seen[LANES_BYTES].places[i];
        }
        free(data);
    }
    assert_int_not_equal(some, 0);
    print_message("[  NOTE    ] best way here: %d of %d\n", lanes_best(), LANES_WHOLE);
}

/* Whether the place of the gram within its own pattern passes. */
static bool gram_passes(const struct bench *b, enum lanes_way way, const struct image_lanes *lanes,
                        const struct image_gram *g)
{
    struct seen seen = { 0 };
    see(&seen, way, lanes, b->set->blob + g->bytes.first, g->bytes.count);
    return seen.places[g->back / 64] >> g->back % 64 & 1;
}

/* Each gram and short pattern of the sets passes, whichever way its tables are read. */
static void all_grams_pass(void **state)
{
    for (size_t kind = 0; kind < KINDS; kind++) {
        const struct bench *b = (const struct bench *)*state + kind;
        const struct image_engine *e = &b->set->engines[b->engine];
        const struct image_lanes *lanes = &b->set->lanes[e->lanes];
        for (unsigned way = LANES_BYTES; way <= lanes_best(); way++) {
            for (uint32_t i = 0; i < e->few.slots.count; i++) {
                uint32_t slot = b->set->gram_slots[e->few.slots.first + i].gram;
                assert_true(!slot || gram_passes(b, way, lanes, &b->set->grams[slot - 1]));
            }
            for (uint32_t i = 0; i < e->short_count; i++)
                assert_true(gram_passes(b, way, lanes, &b->set->grams[e->shorts + i]));
        }
    }
}

/* ---- strides --------------------------------------------------------------------------------- */

#define FILTER_WORDS 64

/* Every way marks the fourth places that the filter has, and no other. */
static void all_ways_mark_the_same(void **state)
{
    struct bench *b = *state;
    uint32_t bits[FILTER_WORDS], some = 0;
    struct stride_filter filter = { bits, stride_shift(FILTER_WORDS) };
    for (unsigned n = 0; n < BUFFERS; n++) {
        uint32_t count = 1 + dice(b, 3);
        uint8_t *data = malloc(count * STRIDE_SPAN); /* so that a read behind it is seen */
        for (size_t i = 0; i < FILTER_WORDS; i++)
            bits[i] = dice(b, 1u << 16) << 16 | dice(b, 1u << 16);
        for (uint32_t i = 0; i < count * STRIDE_SPAN; i++)
            data[i] = letter(b);
        for (unsigned way = LANES_BYTES; way <= lanes_best(); way++) {
            uint16_t marks[STRIDE_MARKS];
            stride_mark_as(way, &filter, data, count, marks);
            for (uint32_t at = 0; at < count * STRIDE_SPAN; at += STRIDE) {
                uint32_t gram;
                memcpy(&gram, data + at, sizeof(gram));
                bool has = stride_has(&filter, gram | (uint32_t)SIEVE_FOLD);
                assert_int_equal(marks[at / STRIDE_SPAN] >> at % STRIDE_SPAN / STRIDE & 1, has);
                some += has;
            }
        }
        free(data);
    }
    assert_int_not_equal(some, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_missed),
        cmocka_unit_test(later_windows_miss_nothing),
        cmocka_unit_test(windows_find_the_same),
        cmocka_unit_test(most_noise_is_ruled_out),
        cmocka_unit_test(all_ways_see_the_same),
        cmocka_unit_test(all_grams_pass),
        cmocka_unit_test(all_ways_mark_the_same),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
