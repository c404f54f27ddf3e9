/* SPDX-License-Identifier: Apache-2.0 */
/* Expected connections. */
#include "config.h"
#include "sensor/app/expect.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/xalloc.h"
#include "sensor/flow/flow.h"

/** Expectations that can stand at once; a power of two. */
#define EXPECT_SLOTS 1024u

struct expect_slot {
    struct addr from, to;
    uint16_t port;
    uint8_t app; /* enum sig_app; UNKNOWN: empty */
    struct app_expect_note note;
};

struct app_expect {
    uint32_t live;
    struct expect_slot slots[EXPECT_SLOTS];
};

struct app_expect *app_expect_create(void)
{
    return xcalloc(1, sizeof(struct app_expect));
}

void app_expect_free(struct app_expect *e)
{
    free(e);
}

static struct expect_slot *slot_of(struct app_expect *e, const struct addr *from,
                                   const struct addr *to, uint16_t port)
{
    uint64_t words[4];
    memcpy(&words[0], from->bytes, 16);
    memcpy(&words[2], to->bytes, 16);
    uint64_t h = hash_mix(port, words[0]);
    for (unsigned i = 1; i < 4; i++)
        h = hash_mix(h, words[i]);
    return &e->slots[h & (EXPECT_SLOTS - 1)];
}

void app_expect_add(struct app_expect *e, const struct addr *from, const struct addr *to,
                    uint16_t port, enum sig_app app, const struct app_expect_note *note)
{
    struct expect_slot *s = slot_of(e, from, to, port);
    if (s->app == SIG_APP_UNKNOWN)
        e->live++;
    *s = (struct expect_slot){ *from, *to, port, (uint8_t)app, *note };
}

enum sig_app app_expect_take(struct app_expect *e, const struct flow *f,
                             const struct app_expect_note **note)
{
    if (e->live == 0)
        return SIG_APP_UNKNOWN;
    struct expect_slot *s = slot_of(e, &f->client, &f->server, f->server_port);
    if (s->app == SIG_APP_UNKNOWN || s->port != f->server_port ||
        addr_compare(&s->from, &f->client) != 0 || addr_compare(&s->to, &f->server) != 0)
        return SIG_APP_UNKNOWN;
    enum sig_app app = (enum sig_app)s->app;
    *note = &s->note;
    s->app = SIG_APP_UNKNOWN;
    e->live--;
    return app;
}
