/* SPDX-License-Identifier: Apache-2.0 */
/* HTTPS by libcurl. */
#include "config.h"
#include "sensor/uplink/client.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/err.h"
#include "common/xalloc.h"

#define CONNECT_MS 5000L
#define HEADER_MAX 2048

struct client {
    struct client_conf conf;
    CURL *curl;
    size_t at; /* address in use */
    struct buf body;
    unsigned retry_after_s;
    char etag[HEADER_MAX];
    char signature[HEADER_MAX];
    char error[CURL_ERROR_SIZE];
};

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
    struct client *c = arg;
    buf_add(&c->body, data, size * n);
    return c->body.bad ? 0 : size * n;
}

/* The value of a header line when it is `name`, copied without blanks and line end. */
static bool header_value(const char *line, size_t len, const char *name, char *out)
{
    size_t n = strlen(name);

    if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
        return false;
    for (n++; n < len && line[n] == ' '; n++)
        continue;
    while (len > n && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
        len--;
    if (len - n >= HEADER_MAX)
        return false;
    memcpy(out, line + n, len - n);
    out[len - n] = '\0';
    return true;
}

static size_t take_header(char *data, size_t size, size_t n, void *arg)
{
    struct client *c = arg;
    char text[HEADER_MAX];

    if (header_value(data, size * n, "Retry-After", text))
        c->retry_after_s = (unsigned)strtoul(text, NULL, 10);
    header_value(data, size * n, "ETag", c->etag);
    header_value(data, size * n, "Abeng-Signature", c->signature);
    return size * n;
}

static int watch_stop(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const int *stop = arg;
    (void)a, (void)b, (void)c, (void)d;
    return __atomic_load_n(stop, __ATOMIC_RELAXED) != 0;
}

static void set_up(struct client *c)
{
    const struct client_conf *conf = &c->conf;

    c->curl = curl_easy_init();
    if (!c->curl)
        abort();
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(c->curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(c->curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->error);
    curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "abeng-sensor/" PACKAGE_VERSION);
    curl_easy_setopt(c->curl, CURLOPT_PROXY, conf->proxy ? conf->proxy : "");
    curl_easy_setopt(c->curl, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, c);
    if (conf->ca_path) {
        curl_easy_setopt(c->curl, CURLOPT_CAINFO, conf->ca_path);
    } else {
        curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (conf->cert_path) {
        curl_easy_setopt(c->curl, CURLOPT_SSLCERT, conf->cert_path);
        curl_easy_setopt(c->curl, CURLOPT_SSLKEY, conf->key_path);
    }
    if (conf->stop) {
        curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, watch_stop);
        curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, conf->stop);
    }
}

struct client *client_create(const struct client_conf *conf)
{
    struct client *c = xcalloc(1, sizeof(*c));
    c->conf = *conf;
    buf_init(&c->body, 0);
    set_up(c);
    return c;
}

void client_renew(struct client *c)
{
    curl_easy_cleanup(c->curl);
    set_up(c);
}

void client_free(struct client *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->curl);
    buf_free(&c->body);
    free(c);
}

static struct curl_slist *make_headers(const struct client_request *req)
{
    struct curl_slist *list = NULL;

    for (size_t i = 0; i < req->header_count; i++) {
        char *line = xasprintf("%s: %s", req->headers[i].name, req->headers[i].value);
        list = curl_slist_append(list, line);
        free(line);
    }
    /* No "Expect: 100-continue": it costs a round trip per batch. */
    return curl_slist_append(list, "Expect:");
}

static void set_request(struct client *c, const struct client_request *req)
{
    const char *address = c->conf.addresses[c->at];
    bool scheme = strstr(address, "://") != NULL;
    char *url = xasprintf("%s%s%s", scheme ? "" : "https://", address, req->path);

    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    if (req->body) {
        curl_easy_setopt(c->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, req->body);
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
    }
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
    free(url);
    buf_clear(&c->body);
    c->body.max = req->reply_max;
    c->retry_after_s = 0;
    c->etag[0] = c->signature[0] = c->error[0] = '\0';
}

static CURLcode try_once(struct client *c, const struct client_request *req)
{
    struct curl_slist *headers = make_headers(req);

    set_request(c, req);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode rc = curl_easy_perform(c->curl);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return rc;
}

static uint64_t bytes_of(CURL *curl, CURLINFO body, CURLINFO head)
{
    curl_off_t bytes = 0;
    long heads = 0;

    curl_easy_getinfo(curl, body, &bytes);
    curl_easy_getinfo(curl, head, &heads);
    return (uint64_t)bytes + (uint64_t)heads;
}

static void tell(struct client *c, const struct client_request *req, CURLcode rc)
{
    struct client_traffic t = { .address = c->conf.addresses[c->at], .failed = rc != CURLE_OK };
    char *ip = NULL;
    long port = 0;

    if (!c->conf.seen)
        return;
    curl_easy_getinfo(c->curl, CURLINFO_PRIMARY_IP, &ip);
    curl_easy_getinfo(c->curl, CURLINFO_PRIMARY_PORT, &port);
    if (ip && *ip)
        snprintf(t.ip, sizeof(t.ip), strchr(ip, ':') ? "[%s]:%ld" : "%s:%ld", ip, port);
    t.out = bytes_of(c->curl, CURLINFO_SIZE_UPLOAD_T, CURLINFO_REQUEST_SIZE);
    t.in = bytes_of(c->curl, CURLINFO_SIZE_DOWNLOAD_T, CURLINFO_HEADER_SIZE);
    c->conf.seen(c->conf.seen_arg, req->path, &t);
}

int client_call(struct client *c, const struct client_request *req, struct client_reply *out,
                char *why, size_t why_len)
{
    for (size_t i = 0; i < c->conf.address_count; i++) {
        CURLcode rc = try_once(c, req);
        tell(c, req, rc);
        if (rc == CURLE_OK) {
            curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &out->status);
            out->body = &c->body;
            out->retry_after_s = c->retry_after_s;
            out->etag = c->etag;
            out->signature = c->signature;
            return ABENG_OK;
        }
        snprintf(why, why_len, "%s: %s", c->conf.addresses[c->at],
                 c->error[0] ? c->error : curl_easy_strerror(rc));
        if (rc == CURLE_ABORTED_BY_CALLBACK)
            break;
        c->at = (c->at + 1) % c->conf.address_count;
    }
    return ABENG_EAGAIN;
}
