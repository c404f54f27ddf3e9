/* SPDX-License-Identifier: Apache-2.0 */
/* sensor ledger, alarms. */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "collector/ctl/client.h"
#include "collector/ctl/print.h"
#include "common/buf.h"

/** Longest path with its query. */
#define PATH_MAX_BYTES 1024

static void put_query(const struct ctl *c, struct buf *path, const char *name)
{
    const char *value = ctl_option(c, name);
    char *safe = value ? client_escape(c->client, value) : NULL;

    if (safe)
        buf_printf(path, "%s=%s&", name, safe);
    free(safe);
}

static enum ctl_exit sensor_ledger(struct ctl *c)
{
    static const struct print_column columns[] = {
        { "HOUR", "hour", 0 },         { "STATE", "state", 0 }, { "RAISED", "raised", 0 },
        { "RECEIVED", "received", 0 }, { "LATE", "late", 0 },   { "LOST", "lost", 0 },
        { "SHED", "shed", 0 },
    };
    static const struct print_column sums[] = {
        { "raised", "sum.raised", 0 }, { "received", "sum.received", 0 }, { "late", "sum.late", 0 },
        { "lost", "sum.lost", 0 },     { "shed", "sum.shed", 0 },
    };
    struct buf path;
    json_t *reply;
    char *start = ctl_path(c, "/api/v1/sensors/", "/ledger?");

    buf_init(&path, PATH_MAX_BYTES);
    buf_text(&path, start);
    put_query(c, &path, "from");
    put_query(c, &path, "to");
    enum ctl_exit done = path.bad ? ctl_usage("these options are too long")
                                  : ctl_call(c, "GET", buf_str(&path), NULL, &reply);
    if (!done && c->json) {
        print_json(reply);
    } else if (!done) {
        print_table(json_object_get(reply, "items"), columns, sizeof columns / sizeof *columns);
        print_list(reply, sums, sizeof sums / sizeof *sums);
    }
    if (!done)
        json_decref(reply);
    buf_free(&path);
    free(start);
    return done;
}

static enum ctl_exit alarms(struct ctl *c)
{
    static const struct print_column columns[] = {
        { "SINCE", "since", 0 }, { "UNTIL", "until", 0 },    { "SEVERITY", "severity", 0 },
        { "KIND", "kind", 0 },   { "SENSOR", "sensor", 24 }, { "STATES", "states", 0 },
        { "WHAT", "text", 100 },
    };
    const char *path =
        ctl_option(c, "all") ? "/api/v1/alarms?active=any" : "/api/v1/alarms?active=true";
    return ctl_list(c, path, columns, sizeof columns / sizeof *columns);
}

/* clang-format off */
static const struct ctl_command commands[] = {
    { "sensor ledger", "ID [--from T] [--to T]", "from= to=", 1, 1,
      "records by hour: raised, received, late, lost, shed", sensor_ledger },
    { "alarms", "[--all]", "all", 0, 0, "what is wrong with sensors and collector now", alarms },
};
/* clang-format on */

const struct ctl_commands ctl_account_commands = { commands, sizeof commands / sizeof *commands };
