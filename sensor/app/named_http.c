/* SPDX-License-Identifier: Apache-2.0 */
/* Plain requests and answers of HTTP, told by their heads. */
#include "config.h"
#include "sensor/app/named.h"

#include <string.h>
#include <strings.h>

#include "common/cursor.h"

#define LINES_MAX 60 /* nDPI reads no more than 64 of a packet */

/** A piece of the payload. */
struct span {
    const uint8_t *at;
    size_t len;
};

/* Words by which nDPI knows something else than plain HTTP: in the path, at its beginning, and in
 * names of hosts where files are left. One of them is enough to ask it. */
static const char *const odd_paths[] = { "info_hash=", "?n=0." };
static const char *const odd_roots[] = { "/webseed?",         "/data?fid=", "/get/",
                                         "/uri-res/",         "/gnutella/", "/maple",
                                         "/notice/login_",    "/frontdoor", "/epg/query",
                                         "/ZattooAdRedirect" };
static const char *const odd_hosts[] = {
    "shar", "load",    "fil",   "send",  "giga", "gige",   "mega",   "badon",  "up-",
    "rapid", "mediafi", "depot", "posta", "ip2p", "data.h", "folder", "aimini", "crossfire",
};

/* Kinds of content by which nDPI tells nothing else: it knows executables, archives and media. */
static const char *const plain_types[] = {
    "text/",
    "image/",
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-javascript",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Mostly the first byte tells that it does not; folding it lets a few too many pass. */
static inline bool begins(struct span s, const char *word)
{
    size_t n = strlen(word);
    return s.len >= n && (s.at[0] | 0x20) == (word[0] | 0x20) &&
           strncasecmp((const char *)s.at, word, n) == 0;
}

static bool begins_one_of(struct span s, const char *const words[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (begins(s, words[i]))
            return true;
    return false;
}

static bool holds(struct span s, const char *word)
{
    return memmem(s.at, s.len, word, strlen(word)) != NULL;
}

/** The next line without its end; false when there is no end of a line any more. */
static bool line_next(struct cursor *c, struct span *line)
{
    const uint8_t *end = memchr(c->at, '\r', cursor_left(c));
    while (end && c->end - end > 1 && end[1] != '\n')
        end = memchr(end + 1, '\r', (size_t)(c->end - end) - 1);
    if (!end || c->end - end < 2)
        return false;
    line->len = (size_t)(end - c->at);
    line->at = cursor_take(c, line->len);
    cursor_skip(c, 2);
    return true;
}

/** Behind `name:` and one space. */
static bool field_is(struct span line, const char *name, struct span *value)
{
    if (!begins(line, name))
        return false;
    size_t n = strlen(name);
    n += n < line.len && line.at[n] == ' ';
    *value = (struct span){ line.at + n, line.len - n };
    return true;
}

/** The path of "GET /path HTTP/1.1"; false for any other line. */
static bool request_path(struct span line, struct span *path)
{
    size_t head = begins(line, "GET /") ? 4 : begins(line, "HEAD /") ? 5 : 0, tail = 9;
    if (head == 0 || line.len < head + 1 + tail ||
        memcmp(line.at + line.len - tail, " HTTP/1.", tail - 1) != 0)
        return false;
    *path = (struct span){ line.at + head, line.len - head - tail };
    for (size_t i = 0; i < COUNT(odd_paths); i++)
        if (holds(*path, odd_paths[i]))
            return false;
    return !begins_one_of(*path, odd_roots, COUNT(odd_roots));
}

static bool plain_host(struct span value, char host[NAMED_HOST_MAX])
{
    const uint8_t *port = memchr(value.at, ':', value.len);
    size_t len = port ? (size_t)(port - value.at) : value.len;
    if (!named_host(value.at, (uint32_t)len, host))
        return false;
    for (size_t i = 0; i < COUNT(odd_hosts); i++)
        if (strstr(host, odd_hosts[i]))
            return false;
    return true;
}

/** What a head was found to have. */
struct found {
    bool host, browser;
};

/** One field of a request; false when nDPI is to look at it. */
static bool request_field(struct span line, struct found *found, char host[NAMED_HOST_MAX])
{
    struct span value;
    if (field_is(line, "Host:", &value)) {
        bool first = !found->host;
        found->host = true;
        return first && plain_host(value, host);
    }
    if (field_is(line, "User-Agent:", &value)) {
        found->browser = begins(value, "Mozilla/5.") && !holds(value, "Zattoo");
        return found->browser;
    }
    if (field_is(line, "Accept:", &value))
        return !holds(value, "rtsp");
    if (field_is(line, "Content-Type:", &value))
        return !holds(value, "ocsp");
    if (field_is(line, "Referer:", &value))
        return !holds(value, "speedtest");
    return !begins(line, "Server:");
}

bool named_http_request(const uint8_t *payload, uint32_t len, char host[NAMED_HOST_MAX])
{
    struct cursor c = cursor_make(payload, len);
    struct span line, path;
    struct found found = { false, false };
    if (len == 0 || (payload[0] != 'G' && payload[0] != 'H') || !line_next(&c, &line) ||
        !request_path(line, &path))
        return false;
    for (unsigned i = 0; i < LINES_MAX && line_next(&c, &line); i++) {
        if (line.len == 0)
            return found.host && found.browser && cursor_left(&c) == 0;
        if (!request_field(line, &found, host))
            return false;
    }
    return false;
}

bool named_http_answer(const uint8_t *payload, uint32_t len)
{
    struct cursor c = cursor_make(payload, len);
    struct span line, value;
    if (!line_next(&c, &line) || !begins(line, "HTTP/1."))
        return false;
    for (unsigned i = 0; i < LINES_MAX && line_next(&c, &line); i++) {
        if (line.len == 0)
            return true;
        if (field_is(line, "Content-Type:", &value) &&
            !begins_one_of(value, plain_types, COUNT(plain_types)))
            return false;
        if (begins(line, "Content-Disposition:") || begins(line, "Server: ntopng"))
            return false;
    }
    return false;
}
