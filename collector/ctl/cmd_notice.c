/* SPDX-License-Identifier: Apache-2.0 */
/* Contacts, constituents, notices and countermeasures. */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/client.h"
#include "collector/ctl/print.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/xalloc.h"

/** Largest file to import, and its reply. */
#define IMPORT_MAX     (4u << 20)

#define COUNT(columns) (sizeof(columns) / sizeof *(columns))

static const struct print_column contact_columns[] = {
    { "ID", "id", 0 },
    { "NAME", "name", 32 },
    { "KIND", "kind", 0 },
    { "ADDRESS", "address", 48 },
    { "RUNG", "rung", 0 },
    { "DIGEST", "digest", 0 },
    { "QUIET", "quiet_from", 0 },
    { "DELEGATE", "delegate", 0 },
    { "TESTED", "tested_at", 0 },
};
static const struct print_column constituent_columns[] = {
    { "ID", "id", 0 },
    { "NAME", "name", 40 },
    { "CLASS", "class", 0 },
    { "PREFIXES", "prefixes", 60 },
    { "CONTACTS", "contacts", 0 },
};
static const struct print_column notice_columns[] = {
    { "ID", "id", 0 },         { "INCIDENT", "incident", 0 },     { "TLP", "tlp", 0 },
    { "STATUS", "status", 0 }, { "CONTACT", "contact_name", 32 }, { "BY", "channel", 0 },
    { "SENT", "sent_at", 0 },  { "ACKNOWLEDGED", "acked_at", 0 }, { "ANSWER", "feedback", 0 },
    { "ERROR", "error", 60 },
};
static const struct print_column countermeasure_columns[] = {
    { "ID", "id", 0 },      { "INCIDENT", "incident", 0 }, { "STATUS", "status", 0 },
    { "TEXT", "text", 60 }, { "TARGET", "target", 40 },    { "ENDS", "expires_at", 0 },
};

/* Ask, and print the reply as JSON or as a table of one row. */
static enum ctl_exit act(struct ctl *c, const char *method, const char *path, json_t *body,
                         const struct print_column *columns, size_t count)
{
    json_t *reply;
    enum ctl_exit done = ctl_call(c, method, path, body, &reply);
    if (!done && c->json) {
        print_json(reply ? reply : json_object());
    } else if (!done && reply) {
        json_t *one = json_pack("[O]", reply);
        print_table(one, columns, count);
        json_decref(one);
    }
    json_decref(reply);
    return done;
}

static char *with_state(const struct ctl *c, const char *path)
{
    const char *state = ctl_option(c, "state"), *incident = ctl_option(c, "incident");
    char *of = client_escape(c->client, state ? state : ""),
         *by = client_escape(c->client, incident ? incident : "");
    char *whole = xasprintf("%s?state=%s&incident=%s", path, of, by);
    free(of);
    free(by);
    return whole;
}

static enum ctl_exit list(struct ctl *c, const char *path, const struct print_column *columns,
                          size_t count)
{
    char *whole = with_state(c, path);
    enum ctl_exit done = ctl_list(c, whole, columns, count);
    free(whole);
    return done;
}

/* MEMBER=VALUE words from `from` on as a body; a value that is JSON stays what it is. */
static json_t *members(const struct ctl *c, size_t from)
{
    json_t *body = json_object();
    for (size_t i = from; i < c->args.count; i++) {
        const char *word = c->args.words[i], *equals = strchr(word, '=');
        if (!equals) {
            json_decref(body);
            return NULL;
        }
        char *name = xstrndup(word, (size_t)(equals - word));
        json_t *value = json_loads(equals + 1, JSON_DECODE_ANY, NULL);
        if (!value)
            value = json_string(equals + 1);
        json_object_set_new(body, name, value);
        free(name);
    }
    return body;
}

static enum ctl_exit write_members(struct ctl *c, const char *method, const char *path, size_t from,
                                   const struct print_column *columns, size_t count)
{
    json_t *body = members(c, from);
    return body ? act(c, method, path, body, columns, count)
                : ctl_usage("members are given as NAME=VALUE");
}

static enum ctl_exit on_word(struct ctl *c, const char *method, const char *start, const char *tail,
                             json_t *body, const struct print_column *columns, size_t count)
{
    char *path = ctl_path(c, start, tail);
    enum ctl_exit done = act(c, method, path, body, columns, count);
    free(path);
    return done;
}

static enum ctl_exit import(struct ctl *c, const char *path)
{
    const char *state = ctl_option(c, "state"), *file = ctl_word(c, 0);
    struct buf text;
    json_t *reply = NULL;
    if (!state)
        return ctl_usage("--state is needed");
    buf_init(&text, IMPORT_MAX);
    int err = file_read(file, &text);
    enum ctl_exit done =
        err ? ctl_fail("%s: %s", file, err == ABENG_EIO ? strerror(errno) : err_text(err)) : CTL_OK;
    if (!done) {
        char *whole = with_state(c, path);
        done = ctl_send(c, whole, "Content-Type: text/csv", text.data, text.len, &reply);
        free(whole);
    }
    if (!done && c->json) {
        print_json(reply);
    } else if (!done) {
        static const struct print_column refused[] = { { "LINE", "line", 0 }, { "", "detail", 0 } };
        printf("%lld added, %lld changed\n",
               (long long)json_integer_value(json_object_get(reply, "added")),
               (long long)json_integer_value(json_object_get(reply, "changed")));
        if (json_array_size(json_object_get(reply, "refused")))
            print_table(json_object_get(reply, "refused"), refused, COUNT(refused));
    }
    json_decref(reply);
    buf_free(&text);
    return done;
}

/* ---- contacts and constituents --------------------------------------------------------------- */

static enum ctl_exit contact_list(struct ctl *c)
{
    return list(c, "/api/v1/contacts", contact_columns, COUNT(contact_columns));
}

static enum ctl_exit contact_add(struct ctl *c)
{
    return write_members(c, "POST", "/api/v1/contacts", 0, contact_columns, COUNT(contact_columns));
}

static enum ctl_exit contact_change(struct ctl *c)
{
    char *path = ctl_path(c, "/api/v1/contacts/", "");
    enum ctl_exit done =
        write_members(c, "PATCH", path, 1, contact_columns, COUNT(contact_columns));
    free(path);
    return done;
}

static enum ctl_exit contact_del(struct ctl *c)
{
    return on_word(c, "DELETE", "/api/v1/contacts/", "", NULL, NULL, 0);
}

static enum ctl_exit contact_test(struct ctl *c)
{
    return on_word(c, "POST", "/api/v1/contacts/", ":test", json_object(), contact_columns,
                   COUNT(contact_columns));
}

static enum ctl_exit contact_import(struct ctl *c)
{
    return import(c, "/api/v1/contacts:import");
}

static enum ctl_exit constituent_list(struct ctl *c)
{
    return list(c, "/api/v1/constituents", constituent_columns, COUNT(constituent_columns));
}

static enum ctl_exit constituent_add(struct ctl *c)
{
    return write_members(c, "POST", "/api/v1/constituents", 0, constituent_columns,
                         COUNT(constituent_columns));
}

static enum ctl_exit constituent_del(struct ctl *c)
{
    return on_word(c, "DELETE", "/api/v1/constituents/", "", NULL, NULL, 0);
}

static enum ctl_exit constituent_import(struct ctl *c)
{
    return import(c, "/api/v1/constituents:import");
}

/* ---- notices --------------------------------------------------------------------------------- */

static enum ctl_exit notice_list(struct ctl *c)
{
    return list(c, "/api/v1/notifications", notice_columns, COUNT(notice_columns));
}

static enum ctl_exit notice_key(struct ctl *c)
{
    json_t *reply;
    enum ctl_exit done = ctl_call(c, "GET", "/api/v1/notification-key", NULL, &reply);
    const char *pem = json_string_value(json_object_get(reply, "pem"));
    if (!done && c->json)
        print_json(reply);
    else if (!done)
        fputs(pem ? pem : "", stdout);
    json_decref(reply);
    return done;
}

static enum ctl_exit notice_show(struct ctl *c)
{
    json_t *reply;
    char *path = ctl_path(c, "/api/v1/notifications/", "");
    enum ctl_exit done = ctl_call(c, "GET", path, NULL, &reply);
    if (!done && c->json) {
        print_json(reply);
    } else if (!done) {
        static const struct print_column log[] = { { "AT", "at", 0 }, { "", "text", 0 } };
        static const struct print_column tail[] = { { "subject", "subject", 0 },
                                                    { "text", "text", 0 },
                                                    { "you may", "allowed", 0 } };
        print_list(reply, notice_columns, COUNT(notice_columns));
        print_list(reply, tail, COUNT(tail));
        putchar('\n');
        print_table(json_object_get(reply, "log"), log, COUNT(log));
    }
    json_decref(reply);
    free(path);
    return done;
}

static enum ctl_exit notice_draft(struct ctl *c)
{
    json_t *body = json_pack("{s:s}", "incident", ctl_word(c, 0));
    ctl_put(c, body, "contact", "contact");
    ctl_put(c, body, "tlp", "tlp");
    ctl_put(c, body, "subject", "subject");
    ctl_put(c, body, "text", "text");
    return act(c, "POST", "/api/v1/notifications", body, notice_columns, COUNT(notice_columns));
}

static enum ctl_exit notice_verb(struct ctl *c, const char *tail, const char *method)
{
    json_t *body = json_object();
    static const char *const options[] = { "note", "reason", "tlp", "subject", "text" };
    for (size_t i = 0; i < COUNT(options); i++)
        ctl_put(c, body, options[i], options[i]);
    if (ctl_word(c, 1))
        json_object_set_new(body, "outcome", json_string(ctl_word(c, 1)));
    return on_word(c, method, "/api/v1/notifications/", tail, body, notice_columns,
                   COUNT(notice_columns));
}

static enum ctl_exit notice_edit(struct ctl *c)
{
    return notice_verb(c, "", "PATCH");
}

static enum ctl_exit notice_send(struct ctl *c)
{
    return notice_verb(c, ":send", "POST");
}

static enum ctl_exit notice_approve(struct ctl *c)
{
    return notice_verb(c, ":approve", "POST");
}

static enum ctl_exit notice_withdraw(struct ctl *c)
{
    return notice_verb(c, ":withdraw", "POST");
}

static enum ctl_exit notice_ack(struct ctl *c)
{
    return notice_verb(c, ":ack", "POST");
}

static enum ctl_exit notice_feedback(struct ctl *c)
{
    return notice_verb(c, ":feedback", "POST");
}

/* ---- incidents from outside the sensors ------------------------------------------------------ */

static enum ctl_exit print_reported(struct ctl *c, json_t *reply)
{
    static const struct print_column refused[] = { { "LINE", "line", 0 }, { "", "detail", 0 } };
    const char *ref = json_string_value(json_object_get(reply, "reference"));
    if (c->json) {
        print_json(reply);
    } else {
        printf("%s: %lld taken; abengctl queue %s\n", ref ? ref : "-",
               (long long)json_integer_value(json_object_get(reply, "accepted")), ref ? ref : "");
        if (json_array_size(json_object_get(reply, "refused")))
            print_table(json_object_get(reply, "refused"), refused, COUNT(refused));
    }
    json_decref(reply);
    return CTL_OK;
}

static enum ctl_exit incident_add(struct ctl *c)
{
    static const char *const options[] = { "state", "victim", "peer", "title", "source" };
    const char *rsit = ctl_option(c, "rsit"), *slash = rsit ? strchr(rsit, '/') : NULL;
    json_t *reply, *body = json_object();
    if (!slash) {
        json_decref(body);
        return ctl_usage("--rsit CLASS/TYPE is needed");
    }
    for (size_t i = 0; i < COUNT(options); i++)
        ctl_put(c, body, options[i], options[i]);
    json_object_set_new(
        body, "rsit",
        json_pack("{s:s#, s:s}", "class", rsit, (int)(slash - rsit), "type", slash + 1));
    enum ctl_exit done = ctl_call(c, "POST", "/api/v1/incidents", body, &reply);
    return done ? done : print_reported(c, reply);
}

static enum ctl_exit incident_import(struct ctl *c)
{
    const char *state = ctl_option(c, "state"), *rsit = ctl_option(c, "rsit");
    const char *type = ctl_option(c, "type"), *file = ctl_word(c, 0);
    struct buf text;
    json_t *reply = NULL;
    if (!state || !rsit)
        return ctl_usage("--state and --rsit CLASS/TYPE are needed");
    buf_init(&text, IMPORT_MAX);
    int err = file_read(file, &text);
    enum ctl_exit done =
        err ? ctl_fail("%s: %s", file, err == ABENG_EIO ? strerror(errno) : err_text(err)) : CTL_OK;
    if (!done) {
        char *s = client_escape(c->client, state), *r = client_escape(c->client, rsit);
        char *t = client_escape(c->client, type ? type : "");
        char *path = xasprintf("/api/v1/incidents:import?state=%s&rsit=%s&type=%s", s, r, t);
        done = ctl_send(c, path, "Content-Type: text/csv", text.data, text.len, &reply);
        free(path);
        free(t);
        free(r);
        free(s);
    }
    buf_free(&text);
    return done ? done : print_reported(c, reply);
}

/* ---- countermeasures ------------------------------------------------------------------------- */

static enum ctl_exit measure_list(struct ctl *c)
{
    return list(c, "/api/v1/countermeasures", countermeasure_columns,
                COUNT(countermeasure_columns));
}

static enum ctl_exit measure_add(struct ctl *c)
{
    json_t *body = json_pack("{s:s, s:s}", "incident", ctl_word(c, 0), "text", ctl_word(c, 1));
    ctl_put(c, body, "target", "target");
    ctl_put(c, body, "expires_at", "until");
    return act(c, "POST", "/api/v1/countermeasures", body, countermeasure_columns,
               COUNT(countermeasure_columns));
}

static enum ctl_exit measure_move(struct ctl *c)
{
    json_t *body = json_pack("{s:s}", "to", ctl_word(c, 1));
    ctl_put(c, body, "reason", "reason");
    return on_word(c, "POST", "/api/v1/countermeasures/", ":transition", body,
                   countermeasure_columns, COUNT(countermeasure_columns));
}

/* clang-format off */
static const struct ctl_command commands[] = {
    { "contact list", "[--state JM]", "state=", 0, 0, "who is told of incidents", contact_list },
    { "contact add", "state=JM name=NAME kind=mail|phone|webhook address=ADDRESS [MEMBER=VALUE]...",
      "", 1, 40, "add one; all members: docs/openapi.yaml, ContactChange", contact_add },
    { "contact change", "ID MEMBER=VALUE...", "", 2, 40, "change one", contact_change },
    { "contact del", "ID", "", 1, 1, "remove one", contact_del },
    { "contact test", "ID", "", 1, 1, "send it a test now", contact_test },
    { "contact import", "FILE --state JM", "state=", 1, 1, "add and change by CSV",
      contact_import },
    { "constituent list", "[--state JM]", "state=", 0, 0, "whose networks they are",
      constituent_list },
    { "constituent add", "state=JM name=NAME class=CLASS [MEMBER=VALUE]...", "", 1, 40, "add one",
      constituent_add },
    { "constituent del", "ID", "", 1, 1, "remove one", constituent_del },
    { "constituent import", "FILE --state JM", "state=", 1, 1, "add and change by CSV",
      constituent_import },
    { "notice list", "[--state JM] [--incident ID]", "state= incident=", 0, 0,
      "notices and where they stand", notice_list },
    { "notice key", "", "", 0, 0, "the public key that signs webhooks, as PEM", notice_key },
    { "notice show", "ID", "", 1, 1, "one notice with its log", notice_show },
    { "notice draft", "INCIDENT [--contact ID] [--tlp TLP] [--subject TEXT] [--text TEXT]",
      "contact= tlp= subject= text=", 1, 1, "draft one from an incident", notice_draft },
    { "notice edit", "ID [--tlp TLP] [--subject TEXT] [--text TEXT]", "tlp= subject= text=", 1, 1,
      "change a draft", notice_edit },
    { "notice send", "ID", "", 1, 1, "send it, or ask for a second person", notice_send },
    { "notice approve", "ID", "", 1, 1, "be the second person", notice_approve },
    { "notice withdraw", "ID --reason TEXT", "reason=", 1, 1, "take it back", notice_withdraw },
    { "notice ack", "ID [--note TEXT]", "note=", 1, 1, "it was acknowledged (by telephone)",
      notice_ack },
    { "notice feedback", "ID useful|known|not_ours|false_positive|fixed [--note TEXT]", "note=", 2,
      2, "what it was worth", notice_feedback },
    { "incident add", "--state JM --rsit CLASS/TYPE --victim ADDRESS --title TEXT [--peer ADDRESS] "
      "[--source TEXT]", "state= rsit= victim= title= peer= source=", 0, 0,
      "report one by hand (phone, mail)", incident_add },
    { "incident import", "FILE --state JM --rsit CLASS/TYPE [--type NAME]",
      "state= rsit= type=", 1, 1,
      "report many by CSV, as Shadowserver writes them", incident_import },
    { "countermeasure list", "[--state JM] [--incident ID]", "state= incident=", 0, 0,
      "what is done against incidents", measure_list },
    { "countermeasure add", "INCIDENT TEXT [--target TEXT] [--until TIME]", "target= until=", 2, 2,
      "propose one", measure_add },
    { "countermeasure move", "ID active|pending_removal|removed [--reason TEXT]", "reason=", 2, 2,
      "move it on", measure_move },
};
/* clang-format on */

const struct ctl_commands ctl_notice_commands = { commands, sizeof commands / sizeof *commands };
