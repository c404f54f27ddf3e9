/* SPDX-License-Identifier: Apache-2.0 */
/* /archive: has anyone seen this, and what files there are. */
#include "config.h"
#include "collector/api/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/archive/archive.h"
#include "collector/archive/search.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/json.h"

/** How long one request may look, and how far back when nothing is said. */
#define LOOK_NS    (2 * NS_PER_S)
#define DEFAULT_MS (90 * 86400000ull)
#define FILES_MAX  500

/* A time of the query in ms; false when it is none. */
static bool time_of(const struct http_request *req, const char *name, uint64_t *ms)
{
    const char *text = http_query(req, name);
    uint64_t ns;

    if (!text)
        return true;
    if (clock_parse(text, strlen(text), &ns) != ABENG_OK)
        return false;
    *ms = ns / NS_PER_MS;
    return true;
}

static bool number_of(const char *text, uint32_t *out)
{
    char *end;

    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    *out = (uint32_t)n;
    return *text >= '0' && *text <= '9' && !*end && !errno && n <= UINT32_MAX;
}

static bool text_fits(const char *text)
{
    return !text || (*text && strlen(text) < SEARCH_TEXT_MAX);
}

/* States and cursor, which all of /archive has. NULL, or the argument that is wrong. */
static const char *read_common(const struct http_request *req, struct search_query *q)
{
    const char *states = http_query(req, "state");

    q->scope = api_session(req)->scope;
    q->after = http_query(req, "after");
    q->deadline_ns = clock_mono_ns() + LOOK_NS;
    if (states && *states && !auth_scope(states))
        return "state";
    if (states && *states)
        q->scope &= auth_scope(states);
    return NULL;
}

/* NULL, or the argument that is wrong. */
static const char *read_query(const struct api *a, const struct http_request *req,
                              struct search_query *q)
{
    const char *address = http_query(req, "address"), *sid = http_query(req, "sid");
    uint64_t now = api_now(a);

    q->name = http_query(req, "name");
    q->hash = http_query(req, "hash");
    q->from_ms = now > DEFAULT_MS ? now - DEFAULT_MS : 0;
    if (address && addr_parse(address, &q->address) != ABENG_OK)
        return "address";
    if (sid && !number_of(sid, &q->sid))
        return "sid";
    if (!text_fits(q->name))
        return "name";
    if (!text_fits(q->hash))
        return "hash";
    if (!time_of(req, "from", &q->from_ms))
        return "from";
    if (!time_of(req, "to", &q->to_ms))
        return "to";
    q->has_address = address != NULL;
    q->has_sid = sid != NULL;
    return read_common(req, q);
}

static enum http_done answer(struct http_request *req, int err, const struct search_result *res,
                             struct json *j)
{
    if (err == ABENG_EFORMAT)
        return http_problem(req, 400, "query", "after is no cursor of ours");
    if (err)
        return http_problem(req, 500, "archive", "the archive can't be read: %s", strerror(errno));
    json_close_array(j);
    json_str(j, "next", *res->next ? res->next : NULL);
    json_open(j, "searched");
    json_u64(j, "files", res->files);
    json_u64(j, "skipped", res->skipped);
    json_u64(j, "records", res->records);
    json_close(j);
    json_bool(j, "complete", res->complete);
    json_close(j);
    return http_reply(req, 200, NULL);
}

static enum http_done busy(struct http_request *req)
{
    http_reply_header(req, "Retry-After", "1");
    return http_problem(req, 429, "archive.busy", "somebody else is searching; try again");
}

static enum http_done look(struct api *a, struct http_request *req, const struct search_query *q,
                           bool files)
{
    const char *verify = http_query(req, "verify");
    struct search_result res;
    struct json j;

    if (!archive_look_begin(a->conf.archive))
        return busy(req);
    json_begin(&j, http_out(req));
    json_open(&j, NULL);
    json_open_array(&j, "items");
    const char *dir = archive_dir(a->conf.archive);
    int err = files ? search_files(dir, q, verify && !strcmp(verify, "true"), &j, &res)
                    : search_records(dir, q, &j, &res);
    archive_look_end(a->conf.archive);
    return answer(req, err, &res, &j);
}

static enum http_done search(struct http_request *req, void *app)
{
    struct api *a = app;
    struct search_query q = { .limit = 0 };
    long limit = http_query_number(req, "limit", 1, API_LIST_MAX, API_LIST_SIZE);

    if (limit < 0)
        return HTTP_DONE;
    if (!a->conf.archive)
        return api_not_found(req);
    q.limit = (unsigned)limit;
    const char *wrong = read_query(a, req, &q);
    if (wrong)
        return http_problem(req, 400, "query", "%s is not what docs/API.md says it may be", wrong);
    if (!q.has_address && !q.has_sid && !q.name && !q.hash)
        return http_problem(req, 400, "query", "give address, name, hash or sid to look for");
    return look(a, req, &q, false);
}

static enum http_done files(struct http_request *req, void *app)
{
    struct api *a = app;
    struct search_query q = { .limit = FILES_MAX };

    if (!a->conf.archive)
        return api_not_found(req);
    const char *wrong = read_common(req, &q);
    if (wrong)
        return http_problem(req, 400, "query", "%s is not what docs/API.md says it may be", wrong);
    return look(a, req, &q, true);
}

static const struct http_route routes[] = {
    { HTTP_GET, "/api/v1/archive/search", ROLE_READERS | SCOPE_LIST, 0, search },
    { HTTP_GET, "/api/v1/archive/files", ROLE_READERS | SCOPE_LIST, 0, files },
};

const struct routes api_archive_routes = { routes, sizeof routes / sizeof *routes };
