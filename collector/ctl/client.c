/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the collector, and asking it. */
#include "config.h"
#include "collector/ctl/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/xalloc.h"

/** Longest small file, and how long a request may take. */
#define FILE_MAX   65536
#define TIMEOUT_MS 60000L

struct client {
    CURL *curl;
    char *url, *ca, *token, *once;
    char *kept; /* path of the kept session */
};

static void set(char **to, const char *value)
{
    if (*to || !value || !*value)
        return;
    *to = xstrdup(value);
}

/* ---- finding --------------------------------------------------------------------------------- */

static char *kept_path(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && *state == '/')
        return xasprintf("%s/abeng/session.json", state);
    return home ? xasprintf("%s/.local/state/abeng/session.json", home) : NULL;
}

static void read_kept(struct client *c)
{
    struct buf file;
    buf_init(&file, FILE_MAX);
    if (c->kept && !file_read(c->kept, &file)) {
        json_t *root = json_loadb((const char *)file.data, file.len, 0, NULL);
        const char *url = json_string_value(json_object_get(root, "url"));
        /* A kept session is for the collector it was made at. */
        bool same = url && (!c->url || !strcmp(c->url, url));
        if (same) {
            set(&c->url, url);
            set(&c->token, json_string_value(json_object_get(root, "token")));
            set(&c->ca, json_string_value(json_object_get(root, "ca")));
        }
        json_decref(root);
    }
    buf_free(&file);
}

/* The first line of a file, or what follows `name` and a blank in it; NULL when it is not there. */
static char *read_line(const char *path, const char *name)
{
    struct buf file;
    char *out = NULL;
    buf_init(&file, FILE_MAX);
    if (!file_read(path, &file)) {
        char *save = NULL;
        (void)buf_str(&file);
        for (char *line = strtok_r((char *)file.data, "\n", &save); line && !out;
             line = strtok_r(NULL, "\n", &save)) {
            size_t n = name ? strlen(name) : 0;
            if (!name || (!strncmp(line, name, n) && line[n] == ' '))
                out = xstrdup(line + (name ? n + 1 : 0));
        }
    }
    buf_free(&file);
    return out;
}

static void read_local(struct client *c, const char *dir)
{
    char *endpoints = xasprintf("%s/endpoints", dir), *token = xasprintf("%s/admin.token", dir);
    char *ca = xasprintf("%s/ca/ca.crt", dir);
    char *url = read_line(endpoints, "analysts");
    bool same = url && (!c->url || !strcmp(c->url, url));
    if (same) {
        char *secret = read_line(token, NULL);
        set(&c->url, url);
        set(&c->token, secret);
        if (!access(ca, R_OK))
            set(&c->ca, ca);
        free(secret);
    }
    free(url);
    free(endpoints);
    free(token);
    free(ca);
}

struct client *client_open(const struct client_conf *conf)
{
    struct client *c = xcalloc(1, sizeof *c);
    const char *dir = conf->data_dir ? conf->data_dir : getenv("ABENG_DATA_DIR");
    bool local = conf->local || conf->data_dir;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    c->curl = curl_easy_init();
    c->kept = kept_path();
    set(&c->url, conf->url);
    set(&c->ca, conf->ca);
    set(&c->token, conf->token);
    set(&c->once, conf->once);
    if (!local) {
        set(&c->url, getenv("ABENG_URL"));
        set(&c->ca, getenv("ABENG_CA"));
        set(&c->token, getenv("ABENG_TOKEN"));
        read_kept(c);
    }
    read_local(c, dir ? dir : ABENG_STATEDIR "/collector");
    return c;
}

void client_close(struct client *c)
{
    curl_easy_cleanup(c->curl);
    curl_global_cleanup();
    free(c->url);
    free(c->ca);
    free(c->token);
    free(c->once);
    free(c->kept);
    free(c);
}

/* ---- keeping --------------------------------------------------------------------------------- */

int client_keep(struct client *c, const char *token)
{
    json_t *root = json_pack("{s:s, s:s, s:s*}", "url", c->url, "token", token, "ca", c->ca);
    char *text = json_dumps(root, JSON_INDENT(2));
    char *dir = c->kept ? xstrndup(c->kept, (size_t)(strrchr(c->kept, '/') - c->kept)) : NULL;
    int err = dir ? file_make_dirs(dir, 0700) : ABENG_EIO;
    if (!err)
        err = file_replace(c->kept, text, strlen(text), 0600);
    free(c->token);
    c->token = xstrdup(token);
    free(dir);
    free(text);
    json_decref(root);
    return err;
}

void client_forget(struct client *c)
{
    if (c->kept)
        unlink(c->kept);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static size_t take(char *bytes, size_t size, size_t count, void *arg)
{
    struct buf *body = arg;
    buf_add(body, bytes, size * count);
    return body->bad ? 0 : size * count;
}

static void add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *longer = text ? curl_slist_append(*list, text) : NULL;
    *list = longer ? longer : *list;
}

static void prepare(struct client *c, const char *url, const char *method, const void *body,
                    size_t len, struct client_reply *out)
{
    curl_easy_reset(c->curl);
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, out->body);
    curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "abengctl/" PACKAGE_VERSION);
    if (c->ca)
        curl_easy_setopt(c->curl, CURLOPT_CAINFO, c->ca);
    if (body) {
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body);
    }
}

int client_ask(struct client *c, const char *method, const char *path, const void *body, size_t len,
               const char *header, struct client_reply *out, char *why, size_t why_len)
{
    char error[CURL_ERROR_SIZE] = "";
    struct curl_slist *headers = NULL;
    if (!c->url) {
        snprintf(why, why_len,
                 "no collector: give --url or ABENG_URL, or run this on the collector's host");
        return ABENG_EIO;
    }
    char *url = xasprintf("%s%s", c->url, path);
    char *bearer = c->token ? xasprintf("Authorization: Bearer %s", c->token) : NULL;
    char *once = c->once ? xasprintf("Idempotency-Key: %s", c->once) : NULL;
    add_header(&headers, bearer);
    add_header(&headers, once);
    add_header(&headers, header ? header : "Content-Type: application/json");
    add_header(&headers, "Expect:");
    prepare(c, url, method, body, len, out);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, error);
    CURLcode code = curl_easy_perform(c->curl);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &out->status);
    if (code)
        snprintf(why, why_len, "%s: %s%s", c->url, *error ? error : curl_easy_strerror(code),
                 code == CURLE_PEER_FAILED_VERIFICATION
                     ? " (name the collector's CA with --ca FILE)"
                     : "");
    curl_slist_free_all(headers);
    free(url);
    free(bearer);
    free(once);
    return code ? ABENG_EIO : 0;
}

char *client_escape(const struct client *c, const char *part)
{
    char *escaped = curl_easy_escape(c->curl, part, 0);
    char *out = xstrdup(escaped ? escaped : "");
    curl_free(escaped);
    return out;
}
