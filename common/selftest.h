/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The self-test: an alert that each sensor puts into its spool once an hour, by the lane of urgent
 * ones, so that it goes the whole way of an alert: spool, link, ingest, archive. The collector
 * knows it again, notes when it came, and does not fold it; when none comes any more, that is an
 * alarm. It is gid 1, sid SELF_TEST_SID from 192.0.2.1 to 192.0.2.2, which no network has (RFC
 * 5737): a rule of that number that fires on real packets stays an alert.
 */
#ifndef COMMON_SELFTEST_H
#define COMMON_SELFTEST_H

#include <stdbool.h>
#include <stdint.h>

struct addr;
struct buf;
struct event_abeng;

#define SELF_TEST_SID 4000001u

/** Seconds of wall clock between two, and from the start to the first. */
#define SELF_TEST_PERIOD_S 3600u
#define SELF_TEST_FIRST_S  60u

/** When the last one was; one thread's. */
struct self_test {
    uint64_t last_ns;
};

/** Begin at `now_ns` of wall clock. */
void self_test_begin(struct self_test *t, uint64_t now_ns);

/**
 * Whether one is due at `now_ns`, which counts as made then. A clock that was set back makes one
 * due at once.
 */
bool self_test_due(struct self_test *t, uint64_t now_ns);

/** Append the record as one line, without a newline. */
void self_test_write(struct buf *out, uint64_t now_ns, const struct event_abeng *abeng);

/** Whether an alert with these members is one. */
bool self_test_is(uint32_t gid, uint32_t sid, const struct addr *src, const struct addr *dst);

#endif
