/* SPDX-License-Identifier: Apache-2.0 */
/* queue, incident and alerts. */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/client.h"
#include "collector/ctl/print.h"
#include "common/buf.h"
#include "common/xalloc.h"

/** Longest path with its query. */
#define PATH_MAX_ 8192

/* Append NAME=VALUE to a query when there is a value. */
static void add_query(const struct ctl *c, struct buf *path, const char *name, const char *value)
{
    if (!value)
        return;
    char *escaped = client_escape(c->client, value);
    buf_printf(path, "%c%s=%s", memchr(path->data, '?', path->len) ? '&' : '?', name, escaped);
    free(escaped);
}

static enum ctl_exit queue(struct ctl *c)
{
    static const struct print_column columns[] = {
        {"ID",        "id",         0 },
        { "TIER",     "tier",       0 },
        { "L",        "likelihood", 0 },
        { "I",        "impact",     0 },
        { "STATUS",   "status",     0 },
        { "DEADLINE", "deadline",   0 },
        { "TYPE",     "rsit.type",  0 },
        { "VICTIM",   "victim",     40},
        { "PEER",     "peer",       40},
        { "STAGES",   "stages",     0 },
        { "ALERTS",   "count",      0 },
        { "CLAIMED",  "claimed_by", 16},
        { "TITLE",    "title",      70},
    };
    struct buf path, words;
    buf_init(&path, PATH_MAX_);
    buf_init(&words, PATH_MAX_ / 4);
    for (size_t i = 0; i < c->args.count; i++)
        buf_printf(&words, "%s%s", i ? " " : "", c->args.words[i]);
    if (ctl_option(c, "all"))
        buf_text(&words, " is:any");
    buf_text(&path, "/api/v1/incidents");
    add_query(c, &path, "q", words.len ? buf_str(&words) : NULL);
    add_query(c, &path, "state", ctl_option(c, "state"));
    add_query(c, &path, "tier", ctl_option(c, "tier"));
    add_query(c, &path, "status", ctl_option(c, "status"));
    add_query(c, &path, "limit", ctl_option(c, "limit"));
    add_query(c, &path, "after", ctl_option(c, "after"));
    enum ctl_exit done = ctl_list(c, buf_str(&path), columns, sizeof columns / sizeof *columns);
    buf_free(&path);
    buf_free(&words);
    return done;
}

/* ---- one incident ---------------------------------------------------------------------------- */

static void print_incident(const json_t *in)
{
    static const struct print_column head[] = {
        {"id",          "id",         0},
        { "status",     "status",     0},
        { "tier",       "tier",       0},
        { "likelihood", "likelihood", 0},
        { "impact",     "impact",     0},
        { "title",      "title",      0},
        { "class",      "rsit.class", 0},
        { "type",       "rsit.type",  0},
        { "victim",     "victim",     0},
        { "peer",       "peer",       0},
        { "direction",  "direction",  0},
        { "stages",     "stages",     0},
        { "alerts",     "count",      0},
        { "first seen", "first_seen", 0},
        { "last seen",  "last_seen",  0},
        { "sensors",    "sensors",    0},
        { "opened",     "opened_at",  0},
        { "clock",      "clock",      0},
        { "deadline",   "deadline",   0},
        { "claimed by", "claimed_by", 0},
        { "outcome",    "outcome",    0},
        { "reason",     "reason",     0},
        { "you may",    "allowed",    0},
    };
    static const struct print_column why[] = {
        {"WHY",     "side",   0},
        { "WEIGHT", "weight", 0},
        { "",       "text",   0}
    };
    static const struct print_column signals[] = {
        {"SIGNAL",     "id",        0 },
        { "ALERTS",    "count",     0 },
        { "STAGE",     "stage",     0 },
        { "SID",       "sid",       0 },
        { "SRC",       "src",       0 },
        { "DEST",      "dest",      0 },
        { "SIGNATURE", "signature", 80}
    };
    static const struct print_column trail[] = {
        {"AT",   "at",   0},
        { "WHO", "who",  0},
        { "DID", "verb", 0},
        { "",    "text", 0}
    };
    print_list(in, head, sizeof head / sizeof *head);
    putchar('\n');
    print_table(json_object_get(in, "factors"), why, sizeof why / sizeof *why);
    putchar('\n');
    print_table(json_object_get(in, "signal_list"), signals, sizeof signals / sizeof *signals);
    putchar('\n');
    print_table(json_object_get(in, "timeline"), trail, sizeof trail / sizeof *trail);
}

static enum ctl_exit show(struct ctl *c)
{
    json_t *reply;
    char *path = ctl_path(c, "/api/v1/incidents/", "");
    enum ctl_exit done = ctl_call(c, "GET", path, NULL, &reply);
    if (!done && c->json)
        print_json(reply);
    else if (!done)
        print_incident(reply);
    json_decref(reply);
    free(path);
    return done;
}

static enum ctl_exit alerts(struct ctl *c)
{
    static const struct print_column columns[] = {
        {"TIME",       "timestamp",          0 },
        { "SRC",       "src_ip",             0 },
        { "PORT",      "src_port",           0 },
        { "DEST",      "dest_ip",            0 },
        { "PORT",      "dest_port",          0 },
        { "PROTO",     "proto",              0 },
        { "APP",       "app_proto",          0 },
        { "SID",       "alert.signature_id", 0 },
        { "SIGNATURE", "alert.signature",    80},
    };
    struct buf path;
    char *start = ctl_path(c, "/api/v1/incidents/", "/alerts");
    buf_init(&path, PATH_MAX_);
    buf_text(&path, start);
    add_query(c, &path, "limit", ctl_option(c, "limit"));
    enum ctl_exit done = ctl_list(c, buf_str(&path), columns, sizeof columns / sizeof *columns);
    buf_free(&path);
    free(start);
    return done;
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static enum ctl_exit verb(struct ctl *c, const char *tail, json_t *body)
{
    json_t *reply;
    char *path = ctl_path(c, "/api/v1/incidents/", tail);
    enum ctl_exit done = ctl_call(c, "POST", path, body, &reply);
    if (!done && c->json) {
        print_json(reply);
    } else if (!done) {
        static const struct print_column row[] = {
            {"ID",        "id",         0},
            { "STATUS",   "status",     0},
            { "CLAIMED",  "claimed_by", 0},
            { "CLOCK",    "clock",      0},
            { "DEADLINE", "deadline",   0}
        };
        json_t *one = json_pack("[O]", reply);
        print_table(one, row, sizeof row / sizeof *row);
        json_decref(one);
    }
    json_decref(reply);
    free(path);
    return done;
}

static enum ctl_exit claim(struct ctl *c)
{
    return verb(c, ":claim", json_pack("{s:b}", "steal", ctl_option(c, "steal") != NULL));
}

static enum ctl_exit release(struct ctl *c)
{
    return verb(c, ":release", json_object());
}

static enum ctl_exit undo(struct ctl *c)
{
    return verb(c, ":undo", json_object());
}

static enum ctl_exit note(struct ctl *c)
{
    struct buf text;
    buf_init(&text, 65536);
    for (size_t i = 1; i < c->args.count; i++)
        buf_printf(&text, "%s%s", i > 1 ? " " : "", c->args.words[i]);
    enum ctl_exit done = verb(c, ":note", json_pack("{s:s}", "text", buf_str(&text)));
    buf_free(&text);
    return done;
}

static enum ctl_exit wait(struct ctl *c)
{
    const char *until = ctl_word(c, 1);
    json_t *body = json_object();
    if (!strcmp(until, "evidence"))
        json_object_set_new(body, "on", json_string(until));
    else
        json_object_set_new(body, "until", strcmp(until, "-") ? json_string(until) : json_null());
    return verb(c, ":wait", body);
}

static enum ctl_exit transition(struct ctl *c, const char *to)
{
    static const char *const options[] = { "outcome", "reason", "tlp", "victim", "note", "rsit" };
    json_t *body = json_pack("{s:s}", "to", to);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        ctl_put(c, body, options[i], options[i]);
    return verb(c, ":transition", body);
}

static enum ctl_exit confirm(struct ctl *c)
{
    return transition(c, "confirmed");
}

static enum ctl_exit reject(struct ctl *c)
{
    return transition(c, "rejected");
}

static enum ctl_exit resolve(struct ctl *c)
{
    return transition(c, "resolved");
}

static enum ctl_exit close_incident(struct ctl *c)
{
    return transition(c, "closed");
}

/* clang-format off */
static const struct ctl_command commands[] = {
    { "queue",
      "[WORDS] [--state JM] [--tier 1,2] [--status S] [--all] [--limit N] [--after CURSOR]",
      "state= tier= status= all limit= after=", 0, CTL_WORDS_MAX,
      "open incidents in the order to work on them", queue },
    { "incident", "ID", "", 1, 1, "one incident: why, signals, timeline", show },
    { "incident show", "ID", "", 1, 1, "the same", show },
    { "incident claim", "ID [--steal]", "steal", 1, 1, "take it; --steal takes it from somebody",
      claim },
    { "incident release", "ID", "", 1, 1, "let it go", release },
    { "incident confirm", "ID --tlp LEVEL [--rsit CLASS/TYPE] [--victim HOST] [--note TEXT]",
      "tlp= rsit= victim= note= reason=", 1, 1,
      "it is real; LEVEL is clear, green, amber, amber+strict or red", confirm },
    { "incident reject", "ID --outcome CODE --reason TEXT", "outcome= reason= note=", 1, 1,
      "CODE is false-positive, not-ours or test", reject },
    { "incident resolve", "ID --outcome CODE [--reason TEXT] [--note TEXT]",
      "outcome= reason= note=", 1, 1, "CODE is tp-impact or tp-no-impact", resolve },
    { "incident close", "ID", "reason= note=", 1, 1, "close what is resolved", close_incident },
    { "incident undo", "ID", "", 1, 1, "take the last decision back, within a day", undo },
    { "incident note", "ID TEXT", "", 2, CTL_WORDS_MAX, "write a note", note },
    { "incident wait", "ID TIME|evidence|-", "", 2, 2,
      "pause the clock until TIME (RFC 3339) or until new alerts come, or let it run again", wait },
    { "alerts", "ID [--limit N]", "limit=", 1, 1, "stored alerts of an incident, newest first",
      alerts },
};
/* clang-format on */

const struct ctl_commands ctl_triage_commands = { commands, sizeof commands / sizeof *commands };
