/* SPDX-License-Identifier: Apache-2.0 */
/* The hourly self-test. */
#include "config.h"
#include "common/selftest.h"

#include "common/addr.h"
#include "common/clock.h"
#include "common/event.h"

#define PERIOD_NS (SELF_TEST_PERIOD_S * NS_PER_S)
#define FIRST_NS  (SELF_TEST_FIRST_S * NS_PER_S)

static const uint8_t source[4] = { 192, 0, 2, 1 }, destination[4] = { 192, 0, 2, 2 };

void self_test_begin(struct self_test *t, uint64_t now_ns)
{
    t->last_ns = now_ns + FIRST_NS > PERIOD_NS ? now_ns + FIRST_NS - PERIOD_NS : 0;
}

bool self_test_due(struct self_test *t, uint64_t now_ns)
{
    if (now_ns >= t->last_ns && now_ns - t->last_ns < PERIOD_NS)
        return false;
    t->last_ns = now_ns;
    return true;
}

void self_test_write(struct buf *out, uint64_t now_ns, const struct event_abeng *abeng)
{
    const struct event_alert alert = { .base = { .time_ns = now_ns,
                                                 .ip_version = 4,
                                                 .proto = 17,
                                                 .src = addr_from_v4(source),
                                                 .dst = addr_from_v4(destination),
                                                 .sport = 9,
                                                 .dport = 9 },
                                       .severity = 1,
                                       .gid = 1,
                                       .sid = SELF_TEST_SID,
                                       .rev = 1,
                                       .signature = "ABENG TEST self-test",
                                       .category = "Not Suspicious Traffic",
                                       .abeng = *abeng };
    event_alert_write(out, &alert);
}

bool self_test_is(uint32_t gid, uint32_t sid, const struct addr *src, const struct addr *dst)
{
    if (sid != SELF_TEST_SID || gid != 1)
        return false;
    struct addr from = addr_from_v4(source), to = addr_from_v4(destination);
    return !addr_compare(src, &from) && !addr_compare(dst, &to);
}
