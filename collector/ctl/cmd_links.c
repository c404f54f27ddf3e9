/* SPDX-License-Identifier: Apache-2.0 */
/* signals, campaigns, and what belongs together. */
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

/* A list's path with the options that were given as its query. */
static char *list_path(const struct ctl *c, const char *path, const char *const *options,
                       size_t count)
{
    struct buf b;
    buf_init(&b, PATH_MAX_);
    buf_text(&b, path);
    for (size_t i = 0, n = 0; i < count; i++) {
        const char *value = ctl_option(c, options[i]);
        if (!value)
            continue;
        char *escaped = client_escape(c->client, value);
        buf_printf(&b, "%c%s=%s", n++ ? '&' : '?', options[i], escaped);
        free(escaped);
    }
    char *out = xstrdup(buf_str(&b));
    buf_free(&b);
    return out;
}

/* Make a request about what the first word names and print some of the reply. */
static enum ctl_exit tell(struct ctl *c, const char *method, const char *start, const char *tail,
                          json_t *body, const struct print_column *columns, size_t count)
{
    json_t *reply;
    char *path = ctl_path(c, start, tail);
    enum ctl_exit done = ctl_call(c, method, path, body, &reply);
    if (!done && c->json)
        print_json(reply);
    else if (!done)
        print_list(reply, columns, count);
    json_decref(reply);
    free(path);
    return done;
}

/* ---- incidents ------------------------------------------------------------------------------- */

static enum ctl_exit explain(struct ctl *c)
{
    static const struct print_column head[] = {
        { "tier", "tier", 0 },
        { "because", "tier_rule", 0 },
        { "likelihood", "likelihood", 0 },
        { "impact", "impact", 0 },
        { "log-odds", "sum_log_odds", 0 },
        { "states", "states_seen", 0 },
        { "campaigns", "campaigns", 0 },
        { "formula", "formula", 0 },
    };
    static const struct print_column why[] = { { "WHY", "side", 0 },
                                               { "WEIGHT", "weight", 0 },
                                               { "", "text", 0 } };
    static const struct print_column rules[] = {
        { "RULE", "rule", 0 },
        { "REAL", "real", 0 },
        { "FALSE", "false", 0 },
        { "PRECISION", "precision", 0 },
    };
    json_t *reply;
    char *path = ctl_path(c, "/api/v1/incidents/", "/explain");
    enum ctl_exit done = ctl_call(c, "GET", path, NULL, &reply);
    if (!done && c->json) {
        print_json(reply);
    } else if (!done) {
        print_list(reply, head, sizeof head / sizeof *head);
        putchar('\n');
        print_table(json_object_get(reply, "factors"), why, sizeof why / sizeof *why);
        putchar('\n');
        print_table(json_object_get(reply, "rules"), rules, sizeof rules / sizeof *rules);
    }
    json_decref(reply);
    free(path);
    return done;
}

static enum ctl_exit links(struct ctl *c)
{
    static const struct print_column columns[] = { { "TYPE", "type", 0 }, { "KEY", "key", 0 },
                                                   { "FROM", "from", 0 }, { "TO", "to", 0 },
                                                   { "AT", "at", 0 },     { "", "value", 80 } };
    char *path = ctl_path(c, "/api/v1/incidents/", "/links");
    enum ctl_exit done = ctl_list(c, path, columns, sizeof columns / sizeof *columns);
    free(path);
    return done;
}

static const struct print_column merged[] = {
    { "id", "id", 0 },
    { "status", "status", 0 },
    { "merged into", "merged_into", 0 },
    { "holds", "merged", 0 },
    { "claimed by", "claimed_by", 0 },
    { "deadline", "deadline", 0 },
};
#define MERGED (sizeof merged / sizeof *merged)

static enum ctl_exit merge(struct ctl *c)
{
    json_t *body = json_pack("{s:s}", "into", ctl_word(c, 1));
    ctl_put(c, body, "reason", "reason");
    return tell(c, "POST", "/api/v1/incidents/", ":merge", body, merged, MERGED);
}

static enum ctl_exit unmerge(struct ctl *c)
{
    json_t *body = json_object();
    ctl_put(c, body, "reason", "reason");
    return tell(c, "POST", "/api/v1/incidents/", ":unmerge", body, merged, MERGED);
}

/* ---- signals --------------------------------------------------------------------------------- */

static enum ctl_exit signals(struct ctl *c)
{
    static const char *const options[] = { "state", "status", "limit", "after" };
    static const struct print_column columns[] = {
        { "ID", "id", 0 },        { "STATUS", "status", 0 },        { "TYPE", "rsit.type", 0 },
        { "ALERTS", "count", 0 }, { "LAST", "last_seen", 0 },       { "VICTIM", "victim", 40 },
        { "PEER", "peer", 40 },   { "SIGNATURE", "signature", 70 },
    };
    char *path = list_path(c, "/api/v1/signals", options, sizeof options / sizeof *options);
    enum ctl_exit done = ctl_list(c, path, columns, sizeof columns / sizeof *columns);
    free(path);
    return done;
}

static const struct print_column signal_row[] = {
    { "id", "id", 0 },
    { "status", "status", 0 },
    { "incident", "incident", 0 },
    { "linked by", "link", 0 },
    { "key", "key", 0 },
    { "type", "rsit.type", 0 },
    { "stage", "stage", 0 },
    { "alerts", "count", 0 },
    { "first seen", "first_seen", 0 },
    { "last seen", "last_seen", 0 },
    { "victim", "victim", 0 },
    { "peer", "peer", 0 },
    { "hosts", "hosts", 0 },
    { "names", "names", 0 },
    { "signature", "signature", 0 },
    { "claimed by", "claimed_by", 0 },
    { "until", "until", 0 },
    { "said by", "by", 0 },
    { "reason", "reason", 0 },
    { "hits", "suppressed_hits", 0 },
};
#define SIGNAL_ROW (sizeof signal_row / sizeof *signal_row)

static enum ctl_exit signal_word(struct ctl *c, const char *tail, json_t *body)
{
    ctl_put(c, body, "reason", "reason");
    return tell(c, "POST", "/api/v1/signals/", tail, body, signal_row, SIGNAL_ROW);
}

static enum ctl_exit signal_show(struct ctl *c)
{
    return tell(c, "GET", "/api/v1/signals/", "", NULL, signal_row, SIGNAL_ROW);
}

static enum ctl_exit signal_claim(struct ctl *c)
{
    return signal_word(c, ":claim", json_pack("{s:b}", "steal", ctl_option(c, "steal") != NULL));
}

static enum ctl_exit signal_dismiss(struct ctl *c)
{
    return signal_word(c, ":dismiss", json_object());
}

static enum ctl_exit signal_suppress(struct ctl *c)
{
    return signal_word(c, ":suppress", json_pack("{s:s}", "until", ctl_word(c, 1)));
}

static enum ctl_exit signal_attach(struct ctl *c)
{
    const char *to = ctl_word(c, 1);
    return signal_word(
        c, ":attach",
        json_pack("{s:o}", "incident", strcmp(to, "-") ? json_string(to) : json_null()));
}

/* ---- campaigns ------------------------------------------------------------------------------- */

static enum ctl_exit campaigns(struct ctl *c)
{
    static const char *const options[] = { "limit", "after" };
    static const struct print_column columns[] = {
        { "ID", "id", 0 },
        { "STATUS", "status", 0 },
        { "TYPE", "rsit.type", 0 },
        { "STAGE", "stage", 0 },
        { "INDICATOR", "indicator.value", 60 },
        { "STATES", "state_count", 0 },
        { "STATE", "state", 0 },
        { "OTHERS", "other_states", 0 },
        { "FIRST", "first_seen", 0 },
        { "LAST", "last_seen", 0 },
    };
    char *path = list_path(c, "/api/v1/campaigns", options, sizeof options / sizeof *options);
    enum ctl_exit done = ctl_list(c, path, columns, sizeof columns / sizeof *columns);
    free(path);
    return done;
}

static enum ctl_exit campaign(struct ctl *c)
{
    static const struct print_column head[] = {
        { "id", "id", 0 },
        { "status", "status", 0 },
        { "type", "indicator.type", 0 },
        { "indicator", "indicator.value", 0 },
        { "stage", "stage", 0 },
        { "first seen", "first_seen", 0 },
        { "last seen", "last_seen", 0 },
        { "state", "state", 0 },
        { "our incidents", "mine.incidents", 0 },
        { "our alerts", "mine.alerts", 0 },
        { "other states", "other_states", 0 },
        { "tlp", "tlp", 0 },
        { "advice", "advice", 0 },
    };
    static const struct print_column states[] = {
        { "STATE", "state", 0 },       { "INCIDENTS", "incidents", 0 }, { "ALERTS", "alerts", 0 },
        { "STAGE", "stage", 0 },       { "FIRST", "first_seen", 0 },    { "LAST", "last_seen", 0 },
        { "RELEASED", "released", 0 },
    };
    json_t *reply;
    char *path = ctl_path(c, "/api/v1/campaigns/", "");
    enum ctl_exit done = ctl_call(c, "GET", path, NULL, &reply);
    if (!done && c->json) {
        print_json(reply);
    } else if (!done) {
        const json_t *all = json_object_get(reply, "states");
        print_list(reply, head, sizeof head / sizeof *head);
        putchar('\n');
        print_table(all ? all : json_object_get(reply, "others"), states,
                    sizeof states / sizeof *states);
    }
    json_decref(reply);
    free(path);
    return done;
}

static enum ctl_exit release(struct ctl *c)
{
    static const struct print_column row[] = { { "id", "id", 0 },
                                               { "state", "state", 0 },
                                               { "released", "released", 0 } };
    json_t *body = json_pack("{s:s,s:b}", "state", ctl_word(c, 1), "release",
                             ctl_option(c, "withdraw") == NULL);
    ctl_put(c, body, "reason", "reason");
    return tell(c, "POST", "/api/v1/campaigns/", ":release", body, row, sizeof row / sizeof *row);
}

/* ---- damping --------------------------------------------------------------------------------- */

static enum ctl_exit damping(struct ctl *c)
{
    static const char *const options[] = { "list" };
    static const struct print_column columns[] = {
        { "ID", "id", 0 },       { "LIST", "list", 0 },   { "MATCH", "match", 60 },
        { "STATE", "state", 0 }, { "UNTIL", "until", 0 }, { "BY", "by", 16 },
        { "NOTE", "note", 60 },
    };
    char *path = list_path(c, "/api/v1/damping", options, 1);
    enum ctl_exit done = ctl_list(c, path, columns, sizeof columns / sizeof *columns);
    free(path);
    return done;
}

static enum ctl_exit damping_add(struct ctl *c)
{
    static const char *const options[] = { "state", "until", "note" };
    json_t *reply, *body = json_pack("{s:s,s:s}", "list", ctl_word(c, 0), "match", ctl_word(c, 1));
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        ctl_put(c, body, options[i], options[i]);
    enum ctl_exit done = ctl_call(c, "POST", "/api/v1/damping", body, &reply);
    if (!done && c->json)
        print_json(reply);
    else if (!done)
        puts(json_string_value(json_object_get(reply, "id")));
    json_decref(reply);
    return done;
}

static enum ctl_exit damping_remove(struct ctl *c)
{
    json_t *reply;
    char *path = ctl_path(c, "/api/v1/damping/", "");
    enum ctl_exit done = ctl_call(c, "DELETE", path, NULL, &reply);
    json_decref(reply);
    free(path);
    return done;
}

/* ---- suppressions ---------------------------------------------------------------------------- */

static const struct print_column suppression_columns[] = {
    { "ID", "id", 0 },        { "SID", "sid", 0 },          { "VICTIM", "victim", 40 },
    { "PEER", "peer", 40 },   { "UNTIL", "expires_at", 0 }, { "HITS", "hits", 0 },
    { "OWNER", "owner", 16 }, { "REASON", "reason", 60 },
};
#define SUPPRESSION_COLUMNS (sizeof suppression_columns / sizeof *suppression_columns)

static enum ctl_exit suppressions(struct ctl *c)
{
    static const char *const options[] = { "state" };
    char *path = list_path(c, "/api/v1/suppressions", options, 1);
    enum ctl_exit done = ctl_list(c, path, suppression_columns, SUPPRESSION_COLUMNS);
    free(path);
    return done;
}

static enum ctl_exit print_suppression(struct ctl *c, enum ctl_exit done, json_t *reply)
{
    if (!done && c->json)
        print_json(reply);
    else if (!done)
        print_list(reply, suppression_columns, SUPPRESSION_COLUMNS);
    json_decref(reply);
    return done;
}

static enum ctl_exit suppression_add(struct ctl *c)
{
    static const char *const options[] = { "victim", "peer", "reason" };
    json_t *reply,
        *body = json_pack("{s:s,s:s}", "state", ctl_word(c, 0), "expires_at", ctl_word(c, 1));
    const char *sid = ctl_option(c, "sid");
    char *end = NULL;
    unsigned long n = sid ? strtoul(sid, &end, 10) : 0;
    if (sid && (!n || *end)) {
        json_decref(body);
        return ctl_usage("--sid is a rule's number");
    }
    if (sid)
        json_object_set_new(body, "sid", json_integer((json_int_t)n));
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        ctl_put(c, body, options[i], options[i]);
    enum ctl_exit done = ctl_call(c, "POST", "/api/v1/suppressions", body, &reply);
    return print_suppression(c, done, reply);
}

static enum ctl_exit suppression_extend(struct ctl *c)
{
    json_t *reply, *body = json_pack("{s:s}", "expires_at", ctl_word(c, 1));
    char *path = ctl_path(c, "/api/v1/suppressions/", "");
    ctl_put(c, body, "reason", "reason");
    enum ctl_exit done = ctl_call(c, "PATCH", path, body, &reply);
    free(path);
    return print_suppression(c, done, reply);
}

static enum ctl_exit suppression_end(struct ctl *c)
{
    json_t *reply;
    char *path = ctl_path(c, "/api/v1/suppressions/", "");
    enum ctl_exit done = ctl_call(c, "DELETE", path, NULL, &reply);
    json_decref(reply);
    free(path);
    return done;
}

/* clang-format off */
static const struct ctl_command commands[] = {
    { "incident explain", "ID", "", 1, 1, "why it stands where it stands", explain },
    { "incident links", "ID", "", 1, 1, "what belongs to it, and which key said so", links },
    { "incident merge", "ID INTO [--reason TEXT]", "reason=", 2, 2,
      "let INTO stand for it; nothing is lost", merge },
    { "incident unmerge", "ID [--reason TEXT]", "reason=", 1, 1, "take it out again", unmerge },
    { "signals", "[--state JM] [--status S] [--limit N] [--after CURSOR]",
      "state= status= limit= after=", 0, 0,
      "folded alerts that wait; S is dismissed, suppressed, attached or any", signals },
    { "signal", "ID", "", 1, 1, "one signal", signal_show },
    { "signal claim", "ID [--steal]", "steal", 1, 1, "take it", signal_claim },
    { "signal dismiss", "ID --reason TEXT", "reason=", 1, 1,
      "it is nothing, for 30 days, unless it grows", signal_dismiss },
    { "signal suppress", "ID UNTIL --reason TEXT", "reason=", 2, 2,
      "its key makes no incident until then (RFC 3339)", signal_suppress },
    { "signal attach", "ID INCIDENT|- [--reason TEXT]", "reason=", 2, 2,
      "put it into an incident, or out of any", signal_attach },
    { "campaigns", "[--limit N] [--after CURSOR]", "limit= after=", 0, 0,
      "what states have in common", campaigns },
    { "campaign", "ID", "", 1, 1, "one campaign", campaign },
    { "campaign release", "ID STATE [--withdraw] [--reason TEXT]", "withdraw reason=", 2, 2,
      "let other states see STATE's name and numbers, or no longer", release },
    { "damping", "[--list LIST]", "list=", 0, 0, "what is likely harmless", damping },
    { "damping add", "LIST MATCH --note TEXT [--state JM] [--until TIME]", "note= state= until=",
      2, 2, "LIST is scanner, maintenance, honeypot or warninglist; MATCH an address or a name",
      damping_add },
    { "suppressions", "[--state JM]", "state=", 0, 0,
      "what is kept out of the queue for a while, and how much it held back", suppressions },
    { "suppression add",
      "JM UNTIL --reason TEXT [--sid N] [--victim ADDRESS[/BITS]] [--peer ADDRESS[/BITS]]",
      "sid= victim= peer= reason=", 2, 2, "keep it out until then (RFC 3339, 90 days at most)",
      suppression_add },
    { "suppression extend", "ID UNTIL [--reason TEXT]", "reason=", 2, 2, "let it hold until then",
      suppression_extend },
    { "suppression end", "ID", "", 1, 1, "end it now", suppression_end },
    { "damping remove", "ID", "", 1, 1, "remove an entry", damping_remove },
};
/* clang-format on */

const struct ctl_commands ctl_link_commands = { commands, sizeof commands / sizeof *commands };
