/* SPDX-License-Identifier: Apache-2.0 */
/* Writing K1 and K2. */
#include "config.h"
#include "collector/correlate/key.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "collector/correlate/evidence.h"
#include "collector/correlate/incident.h"
#include "collector/correlate/observation.h"
#include "collector/correlate/rsit.h"
#include "common/buf.h"

/** Longest name from traffic that enters a key. */
#define KEY_NAME_MAX 160

/* A host of IPv6 changes its address as it likes; what stays is its network, the first 64 bits. */
static void add_addr(struct buf *b, const struct addr *a)
{
    char text[KEY_HOST_MAX];
    buf_byte(b, '|');
    key_host(a, text);
    buf_text(b, text);
}

void key_host(const struct addr *a, char out[KEY_HOST_MAX])
{
    char text[ADDR_TEXT_MAX];
    struct addr net = *a;
    if (addr_is_v4(a)) {
        addr_format(a, out);
        return;
    }
    memset(net.bytes + 8, 0, 8);
    addr_format(&net, text);
    snprintf(out, KEY_HOST_MAX, "%s/64", text);
}

static void add_name(struct buf *b, const char *name, size_t len)
{
    buf_byte(b, '|');
    for (size_t i = 0; i < len && i < KEY_NAME_MAX; i++)
        buf_byte(b, name[i] ? (uint8_t)tolower((unsigned char)name[i]) : '?');
}

static void add_called(struct buf *b, const struct verdict *v, const struct observation *o)
{
    if (*v->family)
        add_name(b, v->family, strlen(v->family));
    else if (o->name.len)
        add_name(b, o->name.at, o->name.len);
    else if (o->ja3.len)
        add_name(b, o->ja3.at, o->ja3.len);
    else
        add_addr(b, &v->peer);
}

static void add_net(struct buf *b, struct addr a)
{
    size_t keep = addr_is_v4(&a) ? 15 : 6;
    memset(a.bytes + keep, 0, sizeof a.bytes - keep);
    add_addr(b, &a);
}

/* Once an alert, so without printf. */
static void add_number(struct buf *b, const char *lead, uint64_t n)
{
    buf_text(b, lead);
    buf_decimal(b, n);
}

static void add_rule(struct buf *b, const struct observation *o)
{
    add_number(b, "|", o->gid);
    add_number(b, ":", o->sid);
}

static void add_flaw(struct buf *b, const struct verdict *v, const struct observation *o)
{
    if (*v->cve)
        buf_printf(b, "|%s", v->cve);
    else
        add_rule(b, o);
}

void key_signal(const struct verdict *v, const struct observation *o, char out[KEY_MAX])
{
    unsigned fold = v->rsit->fold;
    struct buf b;
    buf_init_fixed(&b, out, KEY_MAX - 1);
    buf_text(&b, v->rsit->class);
    buf_byte(&b, '/');
    buf_text(&b, v->rsit->type);
    if (fold & RSIT_VICTIM)
        add_addr(&b, &v->victim);
    if (fold & RSIT_ATTACKER)
        add_addr(&b, &v->peer);
    if (fold & RSIT_NAME)
        add_called(&b, v, o);
    if (fold & RSIT_FLAW)
        add_flaw(&b, v, o);
    if (fold & RSIT_NET)
        add_net(&b, v->victim);
    if (fold & RSIT_PORT)
        add_number(&b, "|", v->victim_port);
    if (fold & RSIT_DAY)
        add_number(&b, "|d", o->time_ms / EVIDENCE_DAY_MS);
    if (fold & RSIT_WEEK)
        add_number(&b, "|w", o->time_ms / (7 * EVIDENCE_DAY_MS));
    if (fold & RSIT_SID)
        add_rule(&b, o);
    if (fold & RSIT_SENSOR)
        add_name(&b, o->sensor.at, o->sensor.len);
    out[b.len] = '\0';
}

void key_scan(const struct addr *attacker, uint64_t time_ms, char out[KEY_MAX])
{
    struct verdict v = { .rsit = rsit_find("information-gathering/scanner"), .peer = *attacker };
    struct observation o = { .time_ms = time_ms };
    key_signal(&v, &o, out);
}

void key_incident(const struct signal *s, char out[KEY_MAX])
{
    struct buf b;
    buf_init_fixed(&b, out, KEY_MAX - 1);
    buf_text(&b, s->rsit->class);
    if (s->storm) {
        buf_printf(&b, "|storm|%u:%u|d%llu", s->gid, s->sid,
                   (unsigned long long)(s->first_ms / EVIDENCE_DAY_MS));
    } else if (s->rsit->fold & RSIT_SWEEP && s->direction != DIRECTION_OUT) {
        buf_text(&b, "|by");
        add_addr(&b, &s->peer);
    } else {
        add_addr(&b, incident_subject(s));
    }
    out[b.len] = '\0';
}

void key_storm(const struct verdict *v, const struct observation *o, char out[KEY_MAX])
{
    snprintf(out, KEY_MAX, "storm|%s/%s|%u:%u|d%llu", v->rsit->class, v->rsit->type, o->gid, o->sid,
             (unsigned long long)(o->time_ms / EVIDENCE_DAY_MS));
}
