/* SPDX-License-Identifier: Apache-2.0 */
/* login, logout, stats, version. */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <stdio.h>
#include <string.h>

#include "collector/ctl/client.h"
#include "collector/ctl/print.h"

static enum ctl_exit login(struct ctl *c)
{
    char user[128], password[512];
    json_t *reply;
    const char *name = ctl_word(c, 0);
    if (!name) {
        fputs("user: ", stderr);
        if (!fgets(user, sizeof user, stdin))
            return ctl_fail("no user given");
        user[strcspn(user, "\r\n")] = '\0';
        name = user;
    }
    if (ctl_read_password("password: ", password, sizeof password))
        return ctl_fail("no password given");
    json_t *body = json_pack("{s:s, s:s}", "user", name, "password", password);
    ctl_put(c, body, "code", "code");
    enum ctl_exit done = ctl_call(c, "POST", "/api/v1/session", body, &reply);
    const char *token = json_string_value(json_object_get(reply, "token"));
    if (!done && (!token || client_keep(c->client, token)))
        done = ctl_fail(
            "logged in, but the session can't be kept in XDG_STATE_HOME or ~/.local/state");
    if (!done && c->json) {
        json_object_del(reply, "token");
        print_json(reply);
    } else if (!done) {
        printf("logged in\n");
    }
    json_decref(reply);
    return done;
}

static enum ctl_exit logout(struct ctl *c)
{
    json_t *reply;
    enum ctl_exit done = ctl_call(c, "DELETE", "/api/v1/session", NULL, &reply);
    client_forget(c->client);
    json_decref(reply);
    return done;
}

static enum ctl_exit stats(struct ctl *c)
{
    static const struct print_column lines[] = {
        {"alerts",          "alerts_total",       0},
        { "last minute",    "alerts_last_minute", 0},
        { "signals",        "signals_open",       0},
        { "open incidents", "incidents_open",     0},
        { "tier 1",         "by_tier.1",          0},
        { "tier 2",         "by_tier.2",          0},
        { "tier 3",         "by_tier.3",          0},
        { "tier 4",         "by_tier.4",          0},
        { "folded away",    "folded_share",       0},
    };
    json_t *reply;
    enum ctl_exit done = ctl_call(c, "GET", "/api/v1/stats", NULL, &reply);
    if (!done && c->json)
        print_json(reply);
    else if (!done)
        print_list(reply, lines, sizeof lines / sizeof *lines);
    json_decref(reply);
    return done;
}

static enum ctl_exit version(struct ctl *c)
{
    if (c->json)
        printf("{\"version\":\"%s\"}\n", PACKAGE_VERSION);
    else
        printf("abengctl %s\n", PACKAGE_VERSION);
    return CTL_OK;
}

/* clang-format off */
static const struct ctl_command commands[] = {
    { "login", "[USER] [--code CODE]", "code=", 0, 1,
      "log in once; the password is asked for, or read from stdin",
      login },
    { "logout", "", "", 0, 0, "end the session", logout },
    { "stats", "", "", 0, 0, "numbers of the states you may see", stats },
    { "version", "", "", 0, 0, "the version of this program", version },
};
/* clang-format on */

const struct ctl_commands ctl_session_commands = { commands, sizeof commands / sizeof *commands };
