/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the collector's answers to enrolment and renewal. */
#include "config.h"
#include "sensor/uplink/grant.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/xalloc.h"
#include "sensor/uplink/identity.h"

static json_t *parse(const struct buf *body)
{
    return json_loadb((const char *)body->data, body->len, JSON_REJECT_DUPLICATES, NULL);
}

void grant_problem(long status, const struct buf *body, char *why, size_t why_len)
{
    json_t *o = parse(body);
    const char *detail = json_string_value(json_object_get(o, "detail"));

    if (detail)
        snprintf(why, why_len, "the collector refuses: %s", detail);
    else
        snprintf(why, why_len, "the collector answers with status %ld", status);
    json_decref(o);
}

void grant_print_pending(const struct buf *body)
{
    json_t *o = parse(body);
    const char *print = json_string_value(json_object_get(o, "fingerprint"));

    if (print)
        printf("waiting for approval; read this out to the collector's operator:\n  %s\n", print);
    fflush(stdout);
    json_decref(o);
}

static char *text(const json_t *o, const char *name)
{
    const char *value = json_string_value(json_object_get(o, name));
    return value && *value ? xstrdup(value) : NULL;
}

int grant_keep(const char *state_dir, long status, const struct buf *body, int fresh,
               struct identity *id, char *why, size_t why_len)
{
    if (status != 200) {
        grant_problem(status, body, why, why_len);
        return ABENG_EDENIED;
    }
    json_t *o = parse(body);
    const char *certificate = json_string_value(json_object_get(o, "certificate"));
    int err = ABENG_EFORMAT;

    id->id = text(o, "id");
    id->site = text(o, "site");
    id->states = text(o, "states");
    id->begins_s = (uint64_t)time(NULL);
    id->ends_s = (uint64_t)json_integer_value(json_object_get(o, "not_after"));
    if (certificate && id->id && id->site && id->states && id->ends_s)
        err = identity_keep(state_dir, id, certificate, fresh, why, why_len);
    else
        snprintf(why, why_len, "the collector's answer is not a certificate");
    json_decref(o);
    return err;
}
