/* SPDX-License-Identifier: Apache-2.0 */
/* Indicators of signals, and sightings on their way to the region. */
#include "config.h"
#include "collector/correlate/indicator.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "collector/correlate/classify.h"
#include "collector/correlate/evidence.h"
#include "collector/correlate/incident.h"
#include "collector/correlate/rsit.h"
#include "collector/correlate/signal.h"
#include "common/err.h"
#include "common/json.h"
#include "common/sign.h"

/** A question to a resolver says nothing by the resolver's address. */
#define PORT_DNS 53

const char *indicator_word(enum indicator_type type)
{
    return type == INDICATOR_DOMAIN ? "domain" : "ip";
}

void indicator_id(const struct indicator *i, char out[INDICATOR_ID_MAX])
{
    char text[INDICATOR_VALUE_MAX + 8], digest[SIGN_DIGEST_TEXT];
    int n = snprintf(text, sizeof text, "%s|%s", indicator_word(i->type), i->value);
    sign_digest_text(text, (size_t)n, digest);
    snprintf(out, INDICATOR_ID_MAX, "c-%.10s", digest);
}

/* A name as it is compared: lower case, without the root's dot. An address given as one is one. */
static bool read_name(const char *name, struct indicator *out)
{
    struct addr a;
    size_t n = strlen(name);
    if (n && name[n - 1] == '.')
        n--;
    if (!n || n >= sizeof out->value)
        return false;
    for (size_t i = 0; i < n; i++)
        out->value[i] = (char)tolower((unsigned char)name[i]);
    out->value[n] = '\0';
    out->type = addr_parse(out->value, &a) ? INDICATOR_DOMAIN : INDICATOR_IP;
    return true;
}

unsigned indicator_of(const struct signal *s, struct indicator out[INDICATOR_MAX])
{
    unsigned n = 0;
    if (s->stage < STAGE_EXPLOIT || s->storm)
        return 0;
    for (unsigned i = 0; i < s->called.count && n < INDICATOR_MAX; i++)
        n += read_name(s->called.name[i], &out[n]);
    if (s->called.count || s->peer_port == PORT_DNS || classify_private(&s->peer))
        return n;
    out[0].type = INDICATOR_IP;
    addr_format(&s->peer, out[0].value);
    return 1;
}

void hit_write(const struct hit *h, struct json *out)
{
    char type[128];
    snprintf(type, sizeof type, "%s/%s", h->rsit->class, h->rsit->type);
    json_open(out, NULL);
    json_str(out, "type", indicator_word(h->indicator.type));
    json_str(out, "value", h->indicator.value);
    json_u64(out, "signal", h->signal);
    json_u64(out, "incident", h->incident);
    json_u64(out, "count", h->count);
    json_u64(out, "first_ms", h->first_ms);
    json_u64(out, "last_ms", h->last_ms);
    json_u64(out, "stages", h->stages);
    json_u64(out, "prior", h->prior);
    json_str(out, "rsit", type);
    json_close(out);
}

int hit_read(const char *json, size_t len, struct hit *out)
{
    json_t *root = json_loadb(json, len, 0, NULL);
    const char *type = evidence_read_text(root, "type"), *value = evidence_read_text(root, "value");
    *out = (struct hit){
        .signal = evidence_read_u64(root, "signal"),
        .incident = evidence_read_u64(root, "incident"),
        .count = evidence_read_u64(root, "count"),
        .first_ms = evidence_read_u64(root, "first_ms"),
        .last_ms = evidence_read_u64(root, "last_ms"),
        .stages = (unsigned)evidence_read_u64(root, "stages"),
        .prior = (unsigned)evidence_read_u64(root, "prior"),
        .rsit = rsit_find(evidence_read_text(root, "rsit")),
    };
    bool domain = !strcmp(type, "domain");
    bool good = (domain || !strcmp(type, "ip")) && *value && strlen(value) < INDICATOR_VALUE_MAX &&
                out->rsit && out->signal;
    if (good) {
        out->indicator.type = domain ? INDICATOR_DOMAIN : INDICATOR_IP;
        evidence_copy(out->indicator.value, sizeof out->indicator.value, value);
    }
    json_decref(root);
    return good ? 0 : ABENG_EFORMAT;
}
