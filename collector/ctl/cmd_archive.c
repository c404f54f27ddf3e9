/* SPDX-License-Identifier: Apache-2.0 */
/* archive. */
#include "config.h"
#include "collector/ctl/ctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/client.h"
#include "collector/ctl/print.h"
#include "common/buf.h"
#include "common/xalloc.h"

/** Longest path with its query; records found when nothing is said. */
#define PATH_MAX_BYTES 4096
#define FOUND_DEFAULT  1000ul
#define PAGE_MAX       500ul

/* The options of the command as query arguments. */
static void put_query(const struct ctl *c, struct buf *path, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *value = ctl_option(c, names[i]);
        if (!value)
            continue;
        char *safe = client_escape(c->client, value);
        buf_printf(path, "&%s=%s", names[i], safe);
        free(safe);
    }
}

/*
 * Ask page after page, until there is no next one or `most` items are there: a request looks for
 * two seconds at most. The items are the caller's.
 */
static enum ctl_exit gather(struct ctl *c, const char *start, unsigned long most, json_t *items,
                            json_t **last)
{
    char *after = NULL;
    enum ctl_exit done = CTL_OK;

    *last = NULL;
    do {
        json_t *reply;
        char *path = xasprintf("%s%s%s", start, after ? "&after=" : "", after ? after : "");
        done = ctl_call(c, "GET", path, NULL, &reply);
        free(path);
        if (done)
            break;
        json_array_extend(items, json_object_get(reply, "items"));
        const char *next = json_string_value(json_object_get(reply, "next"));
        free(after);
        after = next ? client_escape(c->client, next) : NULL;
        json_decref(*last);
        *last = reply;
    } while (after && json_array_size(items) < most);
    free(after);
    return done;
}

static enum ctl_exit grep(struct ctl *c)
{
    static const char *const names[] = { "address", "name", "hash", "sid", "from", "to", "state" };
    static const struct print_column columns[] = {
        { "TIME", "record.timestamp", 0 },
        { "STATE", "state", 0 },
        { "SENSOR", "sensor", 24 },
        { "SOURCE", "record.src_ip", 0 },
        { "DESTINATION", "record.dest_ip", 0 },
        { "SID", "record.alert.signature_id", 0 },
        { "SIGNATURE", "record.alert.signature", 60 },
    };
    const char *limit = ctl_option(c, "limit");
    unsigned long said = limit ? strtoul(limit, NULL, 10) : FOUND_DEFAULT;
    unsigned long most = said ? said : 1;
    struct buf path;
    json_t *items = json_array(), *last = NULL;

    buf_init(&path, PATH_MAX_BYTES);
    buf_printf(&path, "/api/v1/archive/search?limit=%lu", most < PAGE_MAX ? most : PAGE_MAX);
    put_query(c, &path, names, sizeof names / sizeof *names);
    enum ctl_exit done = path.bad ? ctl_usage("these options are too long")
                                  : gather(c, buf_str(&path), most, items, &last);
    if (!done && c->json) {
        json_object_set(last, "items", items);
        print_json(last);
    } else if (!done) {
        print_table(items, columns, sizeof columns / sizeof *columns);
    }
    json_decref(last);
    json_decref(items);
    buf_free(&path);
    return done;
}

static enum ctl_exit show_files(struct ctl *c, bool verify)
{
    static const char *const names[] = { "state" };
    static const struct print_column columns[] = {
        { "STATE", "state", 0 },     { "FILE", "file", 0 }, { "BYTES", "bytes", 0 },
        { "RECORDS", "records", 0 }, { "OK", "ok", 0 },     { "WHY", "why", 0 },
    };
    struct buf path;
    json_t *items = json_array(), *last, *item;
    size_t i, bad = 0;

    buf_init(&path, PATH_MAX_BYTES);
    buf_printf(&path, "/api/v1/archive/files?verify=%s", verify ? "true" : "false");
    put_query(c, &path, names, 1);
    enum ctl_exit done = gather(c, buf_str(&path), SIZE_MAX, items, &last);
    if (!done && c->json) {
        json_object_set(last, "items", items);
        print_json(last);
    } else if (!done) {
        print_table(items, columns, verify ? 6 : 4);
    }
    json_array_foreach(items, i, item)
    {
        bad += json_is_false(json_object_get(item, "ok"));
    }
    if (!done && bad)
        done = ctl_fail("%zu of %zu files are damaged", bad, json_array_size(items));
    json_decref(last);
    json_decref(items);
    buf_free(&path);
    return done;
}

static enum ctl_exit list(struct ctl *c)
{
    return show_files(c, false);
}

static enum ctl_exit verify(struct ctl *c)
{
    return show_files(c, true);
}

/* clang-format off */
static const struct ctl_command commands[] = {
    { "archive grep", "[--address A] [--name N] [--hash H] [--sid N] [--from T] [--to T] "
      "[--state JM[,BB]] [--limit N]", "address= name= hash= sid= from= to= state= limit=", 0, 0,
      "has anyone seen it? 90 days back when not said", grep },
    { "archive list", "[--state JM[,BB]]", "state=", 0, 0, "files of the archive", list },
    { "archive verify", "[--state JM[,BB]]", "state=", 0, 0,
      "read all files: each has its hash, each batch is whole", verify },
};
/* clang-format on */

const struct ctl_commands ctl_archive_commands = { commands, sizeof commands / sizeof *commands };
