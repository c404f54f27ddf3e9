/* SPDX-License-Identifier: Apache-2.0 */
/* Exports and reports: what comes goes to stdout as it is. */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/client.h"
#include "common/buf.h"
#include "common/xalloc.h"

/** Longest export. */
#define EXPORT_MAX (128u << 20)

/* Fetch `path` and write it out; a problem is said and nothing written. */
static enum ctl_exit fetch(struct ctl *c, const char *path)
{
    struct buf text;
    char why[512];
    struct client_reply r = { 0, &text };
    enum ctl_exit done = CTL_OK;
    buf_init(&text, EXPORT_MAX);
    int err = client_ask(c->client, "GET", path, NULL, 0, NULL, &r, why, sizeof why);
    if (err) {
        done = ctl_fail("%s", why);
    } else if (r.status != 200) {
        json_t *problem = json_loadb((const char *)text.data, text.len, 0, NULL);
        const char *detail = json_string_value(json_object_get(problem, "detail"));
        done = ctl_fail("%ld: %s", r.status, detail ? detail : "the collector refused");
        json_decref(problem);
    } else if (fwrite(text.data, 1, text.len, stdout) != text.len) {
        done = ctl_fail("stdout: can't write");
    }
    buf_free(&text);
    return done;
}

static void add(const struct ctl *c, struct buf *path, const char *name, const char *option)
{
    const char *value = ctl_option(c, option);
    if (!value)
        return;
    char *escaped = client_escape(c->client, value);
    buf_printf(path, "&%s=%s", name, escaped);
    free(escaped);
}

static enum ctl_exit export(struct ctl *c) {
    char *form = client_escape(c->client, ctl_word(c, 0)),
    *id = ctl_word(c, 1) ? client_escape(c->client, ctl_word(c, 1)) : NULL;
    struct buf path;
    buf_init(&path, 8192);
    buf_printf(&path, id ? "/api/v1/incidents/%s/export?format=" : "/api/v1/exports%s?format=",
               id ? id : "");
    buf_text(&path, form);
    add(c, &path, "state", "state");
    add(c, &path, "from", "from");
    add(c, &path, "to", "to");
    add(c, &path, "q", "search");
    enum ctl_exit done = fetch(c, buf_str(&path));
    buf_free(&path);
    free(form);
    free(id);
    return done;
}

static enum ctl_exit export_state(struct ctl *c)
{
    char *path = ctl_path(c, "/api/v1/states/", "/export");
    enum ctl_exit done = fetch(c, path);
    free(path);
    return done;
}

static enum ctl_exit report(struct ctl *c)
{
    const char *format = ctl_option(c, "format");
    char *month = client_escape(c->client, ctl_word(c, 1));
    char *start = ctl_path(c, "/api/v1/reports/", "/");
    char *path = xasprintf("%s%s?format=%s", start, month,
                           c->json || !format        ? "json"
                           : !strcmp(format, "html") ? "html"
                                                     : "csv");
    enum ctl_exit done = fetch(c, path);
    free(path);
    free(start);
    free(month);
    return done;
}

/* clang-format off */
static const struct ctl_command commands[] = {
    { "export", "FORMAT [INCIDENT] [--state JM] [--from TIME] [--to TIME] [--search WORDS]",
      "state= from= to= search=", 1, 2,
      "incidents as stix, misp, iodef, idea, csv or jsonl; what is TLP red is left out", export },
    { "export state", "STATE", "", 1, 1, "all that is held on a state, JSON lines", export_state },
    { "report", "STATE MONTH [--format html|csv]", "format=", 2, 2,
      "a state's month (2026-11): counts, and clocks as percentiles", report },
};
/* clang-format on */

const struct ctl_commands ctl_export_commands = { commands, sizeof commands / sizeof *commands };
