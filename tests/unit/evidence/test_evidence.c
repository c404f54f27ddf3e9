/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence: a flow's frames, those before the alert too, whole or not at all. */
#include "config.h"
#include "sensor/evidence/extract.h"
#include "sensor/evidence/ring.h"
#include "sensor/evidence/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/err.h"
#include "sensor/capture/capture.h"
#include "sensor/flow/flow.h"

#define RING (1u << 20)

struct bench {
    struct evidence_ring *ring;
    struct evidence_store *store;
    struct counter_block counters;
    int file; /* the one the store writes */
    unsigned files;
};

static int create(void *arg, const char *name)
{
    struct bench *b = arg;
    (void)name;
    b->files++;
    b->file = memfd_create("evidence", 0);
    return dup(b->file);
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    b->ring = evidence_ring_create(RING);
    b->counters = counter_block_create(evidence_counters);
    b->store = evidence_store_create(create, b, &b->counters);
    b->file = -1;
    *state = b;
    return sign_init() == ABENG_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    evidence_store_free(b->store);
    evidence_ring_free(b->ring);
    counter_block_free(&b->counters);
    if (b->file >= 0)
        close(b->file);
    free(b);
    return 0;
}

static void put(struct bench *b, struct flow *f, const void *bytes, uint32_t len, uint64_t ts)
{
    struct frame frame = { .data = bytes, .len = len, .wire_len = len, .ts_ns = ts, .link = 1 };
    evidence_ring_put(b->ring, f, &frame);
}

/* The capture reader is the judge of what was written. */
static struct capture *reopen(struct bench *b, const struct evidence_place *place)
{
    char reason[160], *bytes = malloc(place->length);
    assert_int_equal(pread(b->file, bytes, place->length, (off_t)place->offset), place->length);
    int fd = memfd_create("extent", 0);
    assert_int_equal(write(fd, bytes, place->length), place->length);
    free(bytes);
    struct capture *c = capture_open_file(fd, "extent", reason, sizeof(reason));
    assert_non_null(c);
    return c;
}

static void a_flow_is_written_as_a_capture(void **state)
{
    struct bench *b = *state;
    struct flow one = { .id = 1 }, other = { .id = 2 };
    struct evidence_place place;
    struct frame got[8];
    put(b, &one, "first frame", 11, 1000000001);
    put(b, &other, "not this one", 12, 1000000002);
    put(b, &one, "second", 6, 2000000003);
    assert_true(evidence_store_keep(b->store, b->ring, one.id, one.evidence_at, &place));
    assert_int_equal(place.packets, 2);
    struct capture *c = reopen(b, &place);
    assert_int_equal(capture_next(c, got, 8, 0), 2);
    assert_int_equal(got[0].len, 11);
    assert_memory_equal(got[0].data, "first frame", 11);
    assert_int_equal(got[0].ts_ns, 1000000001);
    assert_int_equal(got[0].link, 1);
    assert_memory_equal(got[1].data, "second", 6);
    assert_int_equal(got[1].ts_ns, 2000000003);
    capture_close(c);
}

static void the_same_place_is_written_once(void **state)
{
    struct bench *b = *state;
    struct flow f = { .id = 7 };
    struct evidence_place first, again, more;
    put(b, &f, "frame", 5, 1);
    assert_true(evidence_store_keep(b->store, b->ring, f.id, f.evidence_at, &first));
    assert_true(evidence_store_keep(b->store, b->ring, f.id, f.evidence_at, &again));
    assert_memory_equal(&first, &again, sizeof(first));
    put(b, &f, "frame", 5, 2);
    assert_true(evidence_store_keep(b->store, b->ring, f.id, f.evidence_at, &more));
    assert_int_equal(more.offset, first.offset + first.length);
    assert_int_equal(more.packets, 2);
    assert_int_equal(b->files, 1);
}

static void the_kernels_tag_is_put_back(void **state)
{
    struct bench *b = *state;
    static const uint8_t frame[20] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x08, 0x00, 0x45 };
    static const uint8_t want[24] = { 1,  2,  3,    4,    5,    6,    7,    8,    9,   10,
                                      11, 12, 0x81, 0x00, 0x20, 0x64, 0x08, 0x00, 0x45 };
    struct frame tagged = { .data = frame,
                            .len = 20,
                            .wire_len = 20,
                            .link = 1,
                            .vlan_tci = 0x2064,
                            .vlan_present = true };
    struct flow f = { .id = 3 };
    struct evidence_frame got;
    uint8_t bytes[EVIDENCE_FRAME_MAX];
    evidence_ring_put(b->ring, &f, &tagged);
    assert_true(evidence_ring_get(b->ring, f.evidence_at, &got, bytes));
    assert_int_equal(got.len, 24);
    assert_int_equal(got.wire_len, 24);
    assert_memory_equal(bytes, want, 24);
}

static void a_flow_keeps_its_first_bytes_alone(void **state)
{
    struct bench *b = *state;
    static uint8_t big[1400];
    struct flow f = { .id = 4 };
    struct evidence_place place;
    for (unsigned i = 0; i < 100; i++)
        put(b, &f, big, sizeof(big), i);
    assert_true(f.evidence_bytes <= EVIDENCE_FLOW_MAX);
    assert_true(evidence_store_keep(b->store, b->ring, f.id, f.evidence_at, &place));
    assert_int_equal(place.packets, EVIDENCE_FLOW_MAX / sizeof(big));
    uint64_t last = f.evidence_at;
    evidence_ring_close(&f);
    put(b, &f, "ciphertext", 10, 200);
    assert_int_equal(f.evidence_at, last);
}

static void what_was_overwritten_is_not_given_out(void **state)
{
    struct bench *b = *state;
    static uint8_t big[1400];
    struct flow old = { .id = 5 };
    struct evidence_frame got;
    struct evidence_place place;
    uint8_t bytes[EVIDENCE_FRAME_MAX];
    put(b, &old, "old", 3, 1);
    for (unsigned i = 0; i < 2 * RING / sizeof(big); i++) {
        struct flow f = { .id = 100 + i };
        put(b, &f, big, sizeof(big), i);
    }
    assert_false(evidence_ring_get(b->ring, old.evidence_at, &got, bytes));
    assert_false(evidence_store_keep(b->store, b->ring, old.id, old.evidence_at, &place));
    assert_false(evidence_ring_get(b->ring, 0, &got, bytes));
    assert_false(evidence_ring_get(b->ring, UINT64_MAX & ~7ull, &got, bytes));
}

/* ---- while the worker writes ------------------------------------------------------------------ */

struct race {
    struct evidence_ring *ring;
    _Atomic uint64_t place;
    atomic_bool stop;
};

/* Frames of one repeated byte, so that a mixed one is seen. */
static void *write_on(void *arg)
{
    struct race *r = arg;
    uint8_t bytes[900];
    for (unsigned i = 0; !atomic_load(&r->stop); i++) {
        struct flow f = { .id = i };
        memset(bytes, (int)(i & 0xff), sizeof(bytes));
        struct frame frame = { .data = bytes, .len = 100 + i % 800, .wire_len = 900, .ts_ns = i };
        evidence_ring_put(r->ring, &f, &frame);
        if (i % 64 == 0)
            atomic_store(&r->place, f.evidence_at);
    }
    return NULL;
}

static void a_frame_is_whole_or_refused(void **state)
{
    struct bench *b = *state;
    struct race race = { .ring = b->ring };
    pthread_t thread;
    uint8_t bytes[EVIDENCE_FRAME_MAX];
    unsigned got_some = 0;
    assert_int_equal(pthread_create(&thread, NULL, write_on, &race), 0);
    for (unsigned i = 0; i < 20000 || !got_some; i++) {
        struct evidence_frame f;
        uint64_t place = atomic_load(&race.place);
        if (!evidence_ring_get(b->ring, place, &f, bytes))
            continue;
        got_some++;
        assert_int_equal(f.len, 100 + f.ts_ns % 800);
        for (uint32_t k = 0; k < f.len; k++)
            assert_int_equal(bytes[k], f.ts_ns & 0xff);
    }
    atomic_store(&race.stop, true);
    pthread_join(thread, NULL);
}

/* ---- extraction ------------------------------------------------------------------------------- */

static void one_flow_is_extracted_and_checked(void **state)
{
    struct bench *b = *state;
    struct flow f = { .id = 9 };
    struct evidence_place place;
    char bytes[256];
    put(b, &f, "the evidence", 12, 5);
    assert_true(evidence_store_keep(b->store, b->ring, f.id, f.evidence_at, &place));
    int fd = evidence_extract(b->file, place.offset, place.length, place.hash, "nobody");
    assert_true(fd >= 0);
    assert_int_equal(read(fd, bytes, sizeof(bytes)), place.length);
    assert_memory_equal(bytes + place.length - 12, "the evidence", 12);
    close(fd);
    assert_int_equal(
        evidence_extract(b->file, place.offset, place.length + 1, place.hash, "nobody"), ABENG_EOF);
    place.hash[0] = place.hash[0] == '0' ? '1' : '0';
    assert_int_equal(evidence_extract(b->file, place.offset, place.length, place.hash, "nobody"),
                     ABENG_EAUTH);
    assert_int_equal(evidence_extract(b->file, 0, EVIDENCE_EXTENT_MAX + 1, place.hash, "nobody"),
                     ABENG_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_flow_is_written_as_a_capture, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_place_is_written_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_kernels_tag_is_put_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flow_keeps_its_first_bytes_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_overwritten_is_not_given_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_frame_is_whole_or_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_flow_is_extracted_and_checked, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
