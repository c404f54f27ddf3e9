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
#include "sensor/detect/search.h"
#include "sensor/detect/sieve.h"
#include "sensor/detect/state.h"
#include "signatures/parse.h"

#define PATTERNS   400
#define LEN_MAX    24
#define BUFFERS    4000
#define BUFFER_MAX 300

/* A pattern as the test knows it. */
struct known {
    uint8_t bytes[LEN_MAX];
    uint32_t len, from, to; /* window; to UINT32_MAX: anywhere */
    bool nocase;
};

struct bench {
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
    *k = (struct known){ .len = 1 + dice(b, LEN_MAX), .to = UINT32_MAX, .nocase = dice(b, 2) };
    buf_printf(rules, "alert tcp any any -> any any (content:\"|");
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

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct buf rules;
    char reason[256] = "";
    b->state = 7;
    buf_init(&rules, 1u << 20);
    for (uint32_t i = 0; i < PATTERNS; i++)
        know(b, &b->known[i], &rules, i);
    struct sig_parser *parser = sig_parser_create();
    sig_parser_read_rules(parser, (const char *)rules.data, rules.len, "test");
    struct sig_ruleset *set = sig_parser_finish(parser);
    int fd = memfd_create("rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(detect_image_build(set, "test", fd, reason, sizeof(reason)), 0);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    b->set = detect_ruleset_map(fd, reason, sizeof(reason));
    assert_non_null(b->set);
    b->slab = slab_create(1u << 24);
    b->counters = counter_block_create(detect_counters);
    b->thread = detect_thread_create(b->set, b->slab, &b->counters);
    b->engine = b->set->portmaps[IMAGE_CLASS_TCP * 2u].engines[IMAGE_PAYLOAD_STREAM];
    assert_int_not_equal(b->engine, IMAGE_NONE);
    sig_ruleset_free(set);
    sig_parser_free(parser);
    buf_free(&rules);
    close(fd);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    detect_thread_free(b->thread);
    detect_ruleset_drop(b->set);
    counter_block_free(&b->counters);
    slab_free_all(b->slab);
    free(b);
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
    uint32_t hint = 0, rule;
    while (candidates_take(&b->thread->candidates, &hint, &rule))
        continue;
}

/* Noise, with a pattern laid in somewhere, its case changed. */
static uint32_t fill(struct bench *b, uint8_t *data)
{
    uint32_t len = 1 + dice(b, BUFFER_MAX);
    const struct known *k = &b->known[dice(b, PATTERNS)];
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

static void nothing_is_missed(void **state)
{
    struct bench *b = *state;
    uint32_t stood = 0;
    for (unsigned n = 0; n < BUFFERS; n++) {
        uint8_t *data = malloc(BUFFER_MAX); /* so that a read behind it is seen */
        uint32_t len = fill(b, data);
        data = realloc(data, len);
        detect_scan(b->thread, b->engine, &(struct app_view){ .data = data, .len = len });
        for (uint32_t i = 0; i < PATTERNS; i++) {
            if (!stands(&b->known[i], data, len))
                continue;
            stood++;
            if (!is_candidate(b, i + 1))
                fail_msg("buffer %u: pattern %u of %u bytes is missed", n, i, b->known[i].len);
        }
        clear(b);
        free(data);
    }
    assert_true(stood > BUFFERS / 2);
}

/* A later window of a growing buffer has places of its own: none may be taken for the buffer's. */
static void later_windows_miss_nothing(void **state)
{
    struct bench *b = *state;
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

static void most_noise_is_ruled_out(void **state)
{
    struct bench *b = *state;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_missed),
        cmocka_unit_test(later_windows_miss_nothing),
        cmocka_unit_test(most_noise_is_ruled_out),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
