/* SPDX-License-Identifier: Apache-2.0 */
/* evidence: the packets of alerts. */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/client.h"
#include "collector/ctl/print.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/xalloc.h"

#define PCAP_MAX (1u << 20)

static const struct print_column columns[] = {
    { "ID", "id", 0 },           { "INCIDENT", "incident", 0 },
    { "SENSOR", "sensor", 24 },  { "STATUS", "status", 0 },
    { "PACKETS", "packets", 0 }, { "BYTES", "length", 0 },
    { "ASKED", "asked_at", 0 },  { "BY", "by", 16 },
    { "REASON", "reason", 60 },
};
#define COLUMNS (sizeof columns / sizeof *columns)

static enum ctl_exit list(struct ctl *c)
{
    const char *incident = ctl_option(c, "incident");
    char *safe = client_escape(c->client, incident ? incident : "");
    char *path =
        incident ? xasprintf("/api/v1/evidence?incident=%s", safe) : xstrdup("/api/v1/evidence");
    enum ctl_exit done = ctl_list(c, path, columns, COLUMNS);
    free(path);
    free(safe);
    return done;
}

/* The newest sample of the incident whose packets were kept. */
static const json_t *newest_kept(const json_t *samples)
{
    size_t i;
    const json_t *one;
    json_array_foreach(samples, i, one)
    {
        const json_t *abeng = json_object_get(one, "abeng");
        if (json_object_get(abeng, "evidence"))
            return abeng;
    }
    return NULL;
}

static enum ctl_exit request(struct ctl *c, const json_t *abeng, const char *reason)
{
    json_t *reply = NULL;
    json_t *body = json_pack("{s:O,s:O,s:O,s:s}", "epoch", json_object_get(abeng, "epoch"), "lane",
                             json_object_get(abeng, "lane"), "seq", json_object_get(abeng, "seq"),
                             "reason", reason);
    char *path = ctl_path(c, "/api/v1/incidents/", ":evidence");
    enum ctl_exit done = ctl_call(c, "POST", path, body, &reply);
    if (!done && c->json) {
        print_json(reply);
    } else if (!done) {
        json_t *one = json_pack("[O]", reply);
        print_table(one, columns, COLUMNS);
        json_decref(one);
    }
    json_decref(reply);
    free(path);
    return done;
}

static enum ctl_exit ask(struct ctl *c)
{
    const char *reason = ctl_option(c, "reason");
    json_t *samples = NULL;
    if (!reason || !*reason)
        return ctl_usage("evidence ask needs --reason: it is kept, and the sensor's host sees the "
                         "request");
    char *path = ctl_path(c, "/api/v1/incidents/", "/alerts?limit=500");
    enum ctl_exit done = ctl_call(c, "GET", path, NULL, &samples);
    const json_t *abeng = done ? NULL : newest_kept(json_object_get(samples, "items"));
    if (!done)
        done = abeng ? request(c, abeng, reason)
                     : ctl_fail("no alert of %s has packets kept at its sensor", ctl_word(c, 0));
    json_decref(samples);
    free(path);
    return done;
}

static enum ctl_exit get(struct ctl *c)
{
    struct buf pcap;
    const char *file = ctl_word(c, 1);
    char *path = ctl_path(c, "/api/v1/evidence/", "/pcap");
    buf_init(&pcap, PCAP_MAX);
    enum ctl_exit done = ctl_raw(c, path, &pcap);
    if (!done && strcmp(file, "-") == 0 && isatty(STDOUT_FILENO))
        done = ctl_usage("packets do not go to a terminal; name a file");
    else if (!done && strcmp(file, "-") == 0)
        done = file_write_all(STDOUT_FILENO, pcap.data, pcap.len) ? ctl_fail("stdout: %m") : CTL_OK;
    else if (!done && file_replace(file, pcap.data, pcap.len, 0600) != ABENG_OK)
        done = ctl_fail("%s: %m", file);
    buf_free(&pcap);
    free(path);
    return done;
}

static const struct ctl_command commands[] = {
    { "evidence list", "[--incident ID]", "incident=", 0, 0, "requests for packets of alerts",
      list },
    { "evidence ask", "INCIDENT --reason TEXT", "reason=", 1, 1,
      "ask the sensor for the packets of the newest alert that has them", ask },
    { "evidence get", "ID FILE", "", 2, 2, "write packets that came, as pcap (- for stdout)", get },
};

const struct ctl_commands ctl_evidence_commands = { commands, sizeof commands / sizeof *commands };
