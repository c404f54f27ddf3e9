/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners and what libmicrohttpd's event threads call. */
#include "config.h"
#include "collector/http/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/arena.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/xalloc.h"

#define EVENT_THREADS 2u
#define WORK_THREADS  4u
#define CONNECTIONS   1024u
/* Head of a request, and the window a body is read through. */
#define CONNECTION_MEMORY (48u << 10)
#define IDLE_SECONDS      90u
#define REQUEST_ARENA     4096u
#define BACKLOG           256
/* TLS 1.2 with forward secrecy at least. */
#define TLS_PRIORITIES                                                                             \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-CIPHER-ALL:+AES-256-GCM:"                 \
    "+AES-128-GCM:+CHACHA20-POLY1305"

static void count(uint64_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* ---- connections -------------------------------------------------------------------------- */

static void link_started(struct http_site *site, struct MHD_Connection *conn, void **context)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct http_link *l = xcalloc(1, sizeof(*l));
    int on = 1;

    l->fd = info ? info->connect_fd : -1;
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    pthread_mutex_lock(&site->lock);
    l->next = site->links;
    l->prev = &site->links;
    if (l->next)
        l->next->prev = &l->next;
    site->links = l;
    pthread_mutex_unlock(&site->lock);
    *context = l;
}

static void link_closed(struct http_site *site, struct http_link *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&site->lock);
    *l->prev = l->next;
    if (l->next)
        l->next->prev = l->prev;
    pthread_mutex_unlock(&site->lock);
    free(l);
}

/* Called before the descriptor is closed, so a link's fd is never another connection's. */
static void on_connection(void *arg, struct MHD_Connection *conn, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        link_started(arg, conn, context);
    } else {
        link_closed(arg, *context);
        *context = NULL;
    }
}

unsigned http_server_drop_peer(struct http_server *s, const uint8_t fingerprint[32])
{
    unsigned dropped = 0;

    for (size_t i = 0; i < s->site_count; i++) {
        struct http_site *site = &s->sites[i];
        pthread_mutex_lock(&site->lock);
        for (struct http_link *l = site->links; l; l = l->next) {
            if (!l->has_peer || memcmp(l->peer, fingerprint, sizeof(l->peer)) != 0)
                continue;
            http_work_refuse_link(s, l);
            shutdown(l->fd, SHUT_RDWR);
            dropped++;
        }
        pthread_mutex_unlock(&site->lock);
    }
    return dropped;
}

/* ---- requests ----------------------------------------------------------------------------- */

static void read_peer(struct http_request *req)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    unsigned n = 0;
    const gnutls_datum_t *certs = info ? gnutls_certificate_get_peers(info->tls_session, &n) : NULL;

    if (!certs || !n)
        return;
    req->cert = arena_memdup(req->arena, certs[0].data, certs[0].size);
    req->cert_len = certs[0].size;
    pthread_mutex_lock(&req->site->lock);
    req->link->has_peer =
        gnutls_hash_fast(GNUTLS_DIG_SHA256, certs[0].data, certs[0].size, req->link->peer) == 0;
    pthread_mutex_unlock(&req->site->lock);
}

static void read_client(struct http_request *req)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct addr a = { { 0 } };
    char text[ADDR_TEXT_MAX] = "-";

    if (info && info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)info->client_addr;
        a = addr_from_v4((const uint8_t *)&in->sin_addr);
        addr_format(&a, text);
    } else if (info && info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)info->client_addr;
        memcpy(a.bytes, &in6->sin6_addr, sizeof(a.bytes));
        addr_format(&a, text);
    }
    snprintf(req->client, sizeof(req->client), "%s", text);
}

static bool read_method(const char *text, enum http_method *out)
{
    static const struct {
        const char *text;
        enum http_method method;
    } methods[] = {
        {"GET",     HTTP_GET   },
        { "HEAD",   HTTP_GET   },
        { "POST",   HTTP_POST  },
        { "PUT",    HTTP_PUT   },
        { "PATCH",  HTTP_PATCH },
        { "DELETE", HTTP_DELETE},
    };
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].text, text) == 0) {
            *out = methods[i].method;
            return true;
        }
    }
    return false;
}

static struct http_request *make_request(struct http_site *site, struct MHD_Connection *conn,
                                         const char *path)
{
    struct arena *arena = arena_create(REQUEST_ARENA);
    struct http_request *req = arena_alloc(arena, sizeof(*req));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    req->arena = arena;
    req->site = site;
    req->conn = conn;
    req->link = info->socket_context;
    req->path = arena_strdup(arena, path);
    req->file_fd = -1;
    buf_init(&req->body, 0);
    buf_init(&req->out, HTTP_REPLY_MAX);
    read_client(req);
    if (site->conf->client_ca_pem)
        read_peer(req);
    count(&site->server->requests);
    return req;
}

static void free_request(struct http_request *req)
{
    if (req->stream)
        http_stream_discard(req->stream);
    if (req->file_fd >= 0)
        close(req->file_fd);
    buf_free(&req->body);
    buf_free(&req->out);
    arena_free(req->arena);
}

static void on_completed(void *arg, struct MHD_Connection *conn, void **context,
                         enum MHD_RequestTerminationCode code)
{
    (void)arg, (void)conn, (void)code;
    if (*context)
        free_request(*context);
    *context = NULL;
}

/* Route and length are known before the body comes: refuse at once what can't be done. */
static bool refuse_early(struct http_request *req, const char *method)
{
    const struct http_listener *l = req->site->conf;
    const char *length = http_header(req, "Content-Length");

    if (!read_method(method, &req->method)) {
        http_problem(req, 405, NULL, "method %.16s is not known here", method);
        return true;
    }
    int err = http_route_find(l->tables, l->table_count, req->method, req->path, &req->route,
                              &req->app, &req->params);
    if (err == ABENG_ENOENT && http_static_reply(req))
        return true;
    if (err) {
        http_problem(req, err == ABENG_ENOENT ? 404 : 405, NULL, "no %s here", method);
        return true;
    }
    req->body.max = req->route->body_max + 1; /* and a NUL */
    if (length && strtoull(length, NULL, 10) > req->route->body_max) {
        count(&req->site->server->refused_large);
        http_problem(req, 413, "body.size", "the body may have at most %zu bytes",
                     req->route->body_max);
        return true;
    }
    return false;
}

/*
 * A body without a length that grows too large: MHD can't answer in its middle, the connection
 * ends.
 */
static enum MHD_Result take_body(struct http_request *req, const char *data, size_t *size)
{
    if (req->body.len + *size > req->route->body_max) {
        count(&req->site->server->refused_large);
        return MHD_NO;
    }
    buf_add(&req->body, data, *size);
    *size = 0;
    return req->body.bad ? MHD_NO : MHD_YES;
}

static enum MHD_Result hand_over(struct http_request *req)
{
    buf_str(&req->body);
    req->state = REQUEST_QUEUED;
    MHD_suspend_connection(req->conn);
    if (http_work_push(req))
        return MHD_YES;
    count(&req->site->server->refused_busy);
    http_problem(req, 503, "busy", "the collector has too much to do; come back in a second");
    http_reply_header(req, "Retry-After", "1");
    req->state = REQUEST_READY;
    MHD_resume_connection(req->conn);
    return MHD_YES;
}

/*
 * A refusal waits for the end of the body where that is near: an answer in its middle closes the
 * connection under a client that is still sending, which may then never read it.
 */
static bool too_long_to_drain(const struct http_request *req)
{
    const char *length = http_header(req, "Content-Length");
    return length && strtoull(length, NULL, 10) > HTTP_DRAIN_MAX;
}

static enum MHD_Result drain(struct http_request *req, size_t *size)
{
    req->drained += *size;
    *size = 0;
    return req->drained > HTTP_DRAIN_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **context)
{
    struct http_request *req = *context;

    (void)version;
    if (!req) {
        *context = req = make_request(arg, conn, path);
        if (!refuse_early(req, method))
            return MHD_YES;
        req->state = REQUEST_READY;
        return too_long_to_drain(req) ? http_reply_send(req) : MHD_YES;
    }
    if (req->state == REQUEST_READY)
        return *size ? drain(req, size) : http_reply_send(req);
    if (*size)
        return take_body(req, data, size);
    return req->state == REQUEST_READING ? hand_over(req) : MHD_YES;
}

/* ---- listening ---------------------------------------------------------------------------- */

static int bind_one(const struct addrinfo *ai)
{
    int on = 1;
    int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int listen_on(const struct http_listener *l)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *found = NULL;
    char *copy = xstrdup(l->address), *host = copy, *port = strrchr(copy, ':');
    int fd = -1, err = EAI_NONAME;

    if (port) {
        *port++ = '\0';
        if (*host == '[' && host[strlen(host) - 1] == ']') {
            host[strlen(host) - 1] = '\0';
            host++;
        }
        err = getaddrinfo(*host ? host : NULL, port, &hints, &found);
    }
    if (err)
        log_error("http", "%s: \"%s\" is no ADDRESS:PORT: %s", l->name, l->address,
                  gai_strerror(err));
    else if ((fd = bind_one(found)) < 0)
        log_error("http", "%s: can't listen on %s: %s", l->name, l->address, strerror(errno));
    if (found)
        freeaddrinfo(found);
    free(copy);
    return fd;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof(a);

    if (getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        return 0;
    return ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
                                         : ((struct sockaddr_in *)&a)->sin_port);
}

static size_t tls_options(const struct http_listener *l, struct MHD_OptionItem *o)
{
    size_t n = 0;

    if (l->cert_pem) {
        o[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)l->cert_pem };
        o[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)l->key_pem };
        o[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)TLS_PRIORITIES };
    }
    if (l->client_ca_pem)
        o[n++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_TRUST, 0, (void *)l->client_ca_pem };
    o[n] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
    return n;
}

static int open_site(struct http_site *site, const struct http_conf *conf)
{
    const struct http_listener *l = site->conf;
    struct MHD_OptionItem tls[5];
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    int fd = listen_on(l);

    if (fd < 0)
        return ABENG_EIO;
    site->port = port_of(fd);
    tls_options(l, tls);
    if (l->cert_pem)
        flags |= MHD_USE_TLS;
    site->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, site, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_THREAD_POOL_SIZE, conf->event_threads ? conf->event_threads : EVENT_THREADS,
        MHD_OPTION_CONNECTION_LIMIT, conf->connections ? conf->connections : CONNECTIONS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_NOTIFY_CONNECTION, on_connection,
        site, MHD_OPTION_NOTIFY_COMPLETED, on_completed, site, MHD_OPTION_ARRAY, tls,
        MHD_OPTION_END);
    if (site->daemon)
        return ABENG_OK;
    log_error("http", "%s: can't serve on %s: %s", l->name, l->address,
              l->cert_pem ? "are certificate and key whole?" : strerror(errno));
    close(fd);
    return ABENG_EIO;
}

struct http_server *http_server_start(const struct http_conf *conf,
                                      const struct http_listener *listeners, size_t n)
{
    struct http_server *s = xcalloc(1, sizeof(*s));

    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->more, NULL);
    s->queue_tail = &s->queue_head;
    s->sites = xcalloc(n, sizeof(*s->sites));
    int err = http_work_start(s, conf->work_threads ? conf->work_threads : WORK_THREADS);
    for (size_t i = 0; i < n && !err; i++) {
        s->sites[i].server = s;
        s->sites[i].conf = &listeners[i];
        pthread_mutex_init(&s->sites[i].lock, NULL);
        s->site_count++;
        err = open_site(&s->sites[i], conf);
    }
    if (!err)
        return s;
    http_server_stop(s);
    return NULL;
}

unsigned http_server_port(const struct http_server *s, size_t index)
{
    return s->sites[index].port;
}

void http_server_stop(struct http_server *s)
{
    if (!s)
        return;
    /* Nothing new; then every suspended connection is resumed, which MHD_stop_daemon insists on. */
    for (size_t i = 0; i < s->site_count; i++) {
        MHD_socket fd = s->sites[i].daemon ? MHD_quiesce_daemon(s->sites[i].daemon) : -1;
        if (fd != MHD_INVALID_SOCKET)
            close(fd);
    }
    http_work_stop(s);
    for (size_t i = 0; i < s->site_count; i++) {
        if (s->sites[i].daemon)
            MHD_stop_daemon(s->sites[i].daemon);
        pthread_mutex_destroy(&s->sites[i].lock);
    }
    pthread_cond_destroy(&s->more);
    pthread_mutex_destroy(&s->lock);
    free(s->sites);
    free(s);
}

void http_server_stats(const struct http_server *s, struct http_stats *out)
{
    memset(out, 0, sizeof(*out));
    out->requests = __atomic_load_n(&s->requests, __ATOMIC_RELAXED);
    out->refused_busy = __atomic_load_n(&s->refused_busy, __ATOMIC_RELAXED);
    out->refused_large = __atomic_load_n(&s->refused_large, __ATOMIC_RELAXED);
    out->streams = __atomic_load_n(&s->stream_count, __ATOMIC_RELAXED);
    out->parked = __atomic_load_n(&s->parked_count, __ATOMIC_RELAXED);
    for (size_t i = 0; i < s->site_count; i++) {
        const union MHD_DaemonInfo *info =
            MHD_get_daemon_info(s->sites[i].daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
        out->connections += info ? info->num_connections : 0;
    }
}
