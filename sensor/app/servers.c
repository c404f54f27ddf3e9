/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that were asked about last. */
#include "config.h"
#include "sensor/app/servers.h"

#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/xalloc.h"
#include "sensor/flow/flow.h"

#define SETS 2048u /* a power of two; 128 KiB in all */
#define WAYS 2u

struct place {
    struct addr addr;
    uint16_t port;
    uint8_t proto;
    uint8_t failed; /* flows in a row; 0: none of late, or the place is free */
    uint8_t skipped;
    bool guessed;
    struct servers_guess guess; /* of the last that failed */
};

struct servers {
    struct place places[SETS][WAYS]; /* of a set the newest first */
};

struct servers *servers_create(void)
{
    return xcalloc(1, sizeof(struct servers));
}

/* Who makes servers collide gains nothing by it, so the hash needs no key. */
static struct place *set_of(struct servers *s, const struct flow *f)
{
    uint64_t words[2];
    memcpy(words, f->server.bytes, sizeof(words));
    uint32_t port = (uint32_t)f->proto << 16 | f->server_port;
    return s->places[hash_mix(hash_mix(words[0], words[1]), port) & (SETS - 1)];
}

static struct place *find(struct servers *s, const struct flow *f)
{
    struct place *set = set_of(s, f);
    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].failed && set[i].port == f->server_port && set[i].proto == f->proto &&
            addr_compare(&set[i].addr, &f->server) == 0)
            return &set[i];
    }
    return NULL;
}

bool servers_hopeless(struct servers *s, const struct flow *f, struct servers_guess *out)
{
    struct place *p = find(s, f);
    if (!p || p->failed < SERVERS_FAILED || !p->guessed)
        return false;
    if (++p->skipped == SERVERS_AGAIN) {
        p->skipped = 0;
        return false;
    }
    *out = p->guess;
    return true;
}

bool servers_failed(struct servers *s, const struct flow *f)
{
    struct place *p = find(s, f);
    if (!p) {
        p = set_of(s, f);
        memmove(p + 1, p, (WAYS - 1) * sizeof(*p));
        *p = (struct place){ .addr = f->server, .port = f->server_port, .proto = f->proto };
    }
    p->failed += p->failed < SERVERS_FAILED;
    return p->failed == SERVERS_FAILED;
}

void servers_guessed(struct servers *s, const struct flow *f, const struct servers_guess *guess)
{
    struct place *p = find(s, f);
    if (!p)
        return;
    p->guess = *guess;
    p->guessed = true;
}

void servers_named(struct servers *s, const struct flow *f)
{
    struct place *p = find(s, f);
    if (p)
        p->failed = 0;
}

void servers_free(struct servers *s)
{
    free(s);
}
