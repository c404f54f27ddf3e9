/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the route of a path. Pure. */
#include "config.h"
#include "collector/http/internal.h"

#include <string.h>

#include "common/err.h"

/* One {name}: takes what is not '/' nor ':'. Returns where the pattern goes on, or NULL. */
static const char *take_param(const char *pattern, const char **path, struct http_params *params)
{
    const char *close = strchr(pattern, '}');
    size_t len = strcspn(*path, "/:");

    if (!close || !len || params->count == HTTP_PARAMS_MAX)
        return NULL;
    params->items[params->count].name = pattern + 1;
    params->items[params->count].name_len = (size_t)(close - pattern - 1);
    params->items[params->count].value = *path;
    params->items[params->count].value_len = len;
    params->count++;
    *path += len;
    return close + 1;
}

bool http_route_match(const char *pattern, const char *path, struct http_params *params)
{
    params->count = 0;
    while (*pattern) {
        if (*pattern == '{') {
            pattern = take_param(pattern, &path, params);
            if (!pattern)
                return false;
            continue;
        }
        if (*pattern++ != *path++)
            return false;
    }
    return *path == '\0';
}

int http_route_find(const struct http_table *tables, size_t count, enum http_method method,
                    const char *path, const struct http_route **route, void **app,
                    struct http_params *params)
{
    int err = ABENG_ENOENT;

    for (size_t t = 0; t < count; t++) {
        for (size_t i = 0; i < tables[t].count; i++) {
            const struct http_route *r = &tables[t].routes[i];
            if (!http_route_match(r->pattern, path, params))
                continue;
            if (r->method != method) {
                err = ABENG_EDENIED;
                continue;
            }
            *route = r;
            *app = tables[t].app;
            return ABENG_OK;
        }
    }
    return err;
}
