/* SPDX-License-Identifier: Apache-2.0 */
/* The console's files. */
#include "config.h"
#include "collector/http/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/arena.h"

static const struct {
    const char *suffix;
    const char *type;
} types[] = {
    {".html",         "text/html; charset=utf-8"      },
    { ".js",          "text/javascript; charset=utf-8"},
    { ".css",         "text/css; charset=utf-8"       },
    { ".json",        "application/json"              },
    { ".svg",         "image/svg+xml"                 },
    { ".png",         "image/png"                     },
    { ".ico",         "image/x-icon"                  },
    { ".woff2",       "font/woff2"                    },
    { ".txt",         "text/plain; charset=utf-8"     },
    { ".webmanifest", "application/manifest+json"     },
};

/* Everything from this origin, nothing inline, nobody frames us, no form goes elsewhere. */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src "
    "'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'";

static const char *type_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(dot, types[i].suffix) == 0)
            return types[i].type;
    }
    return NULL;
}

/* Letters, digits, - _ . and / only, and no part that begins with a dot. */
static bool safe_path(const char *path)
{
    if (*path != '/' || strstr(path, "/."))
        return false;
    return strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") ==
           strlen(path);
}

/* A path without a suffix is a page of the console, which finds its way itself. */
static const char *file_for(struct http_request *req)
{
    const char *last = strrchr(req->path, '/');

    if (!last || !safe_path(req->path) || strncmp(req->path, "/api/", 5) == 0)
        return NULL;
    const char *name = strchr(last, '.') ? req->path : "/index.html";
    return arena_printf(req->arena, "%s%s", req->site->conf->static_dir, name);
}

bool http_static_reply(struct http_request *req)
{
    struct stat st;

    if (!req->site->conf->static_dir || req->method != HTTP_GET)
        return false;
    const char *path = file_for(req);
    const char *type = path ? type_of(path) : NULL;
    if (!type || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    char tag[64];
    snprintf(tag, sizeof(tag), "%llx-%llx", (unsigned long long)st.st_mtim.tv_sec,
             (unsigned long long)st.st_size);
    http_reply_header(req, "Content-Security-Policy", policy);
    http_reply_header(req, "Cross-Origin-Opener-Policy", "same-origin");
    http_reply_header(req, "Cache-Control", "no-cache");
    http_reply_etag(req, tag);
    const char *have = http_header(req, "If-None-Match");
    if (have && strlen(have) == strlen(tag) + 2 && strncmp(have + 1, tag, strlen(tag)) == 0)
        http_reply_empty(req, 304);
    else
        http_reply_file(req, path, type);
    return true;
}
