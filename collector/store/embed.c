/* SPDX-License-Identifier: Apache-2.0 */
/* The collector's own redis-server. */
#include "config.h"
#include "collector/store/embed.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/xalloc.h"

#define WATCH_MS   100u
#define RESPAWN_MS 500u
/*
 * A loaded server answers its socket long before this; loading itself is waited for by store_open.
 */
#define SOCKET_MS 15000u
/*
 * SHUTDOWN syncs the append-only file; then the child is killed, which loses nothing under
 * appendfsync always.
 */
#define STOP_MS    20000u
#define MEMORY_MIN (256ull << 20)

struct store_embed {
    char *dir;
    char *program;
    char *address;
    uint64_t memory_max;
    int dir_fd;
    int owner_fd;
    pthread_t watcher;
    bool adopted; /* not our child: no waitpid */
    int pid;      /* atomic; 0: none */
    int stopping; /* atomic */
};

static int lock_file(int dir_fd, const char *name, int flags)
{
    int fd = openat(dir_fd, name, O_RDWR | O_CREAT | flags, 0600);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int write_config(const struct store_embed *e)
{
    struct buf b;
    char *path = xasprintf("%s/redis.conf", e->dir);

    buf_init(&b, 4096);
    buf_text(&b, "# Written by abeng-collector at each start; changes are lost.\n"
                 "port 0\nunixsocket redis.sock\nunixsocketperm 700\ndir ./\nlogfile redis.log\n"
                 "daemonize no\nsupervised no\nsave \"\"\nappendonly yes\nappendfsync always\n"
                 "no-appendfsync-on-rewrite no\nauto-aof-rewrite-min-size 1gb\nrdbcompression no\n"
                 "aof-load-truncated yes\nmaxmemory-policy noeviction\n"
                 "stream-node-max-bytes 0\nstream-node-max-entries 16\n");
    buf_printf(&b, "maxmemory %llu\n", (unsigned long long)e->memory_max);
    int err = file_replace(path, b.data, b.len, 0600);
    buf_free(&b);
    free(path);
    return err;
}

static void run_child(const struct store_embed *e, int lock_fd)
{
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setsid(); /* the terminal's Ctrl-C is the collector's to pass on */
    umask(0077);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || fchdir(e->dir_fd) != 0 || fcntl(lock_fd, F_SETFD, 0) != 0)
        _exit(126);
    dup2(null, 0);
    dup2(null, 1);
    execlp(e->program, "redis-server", "redis.conf", (char *)NULL);
    dprintf(2, "abeng-collector: store: can't run %s: %s\n", e->program, strerror(errno));
    _exit(127);
}

/*
 * The lock passes to the child: our own descriptor is closed, so it is held as long as the child
 * lives.
 */
static int spawn(struct store_embed *e, int lock_fd)
{
    unlinkat(e->dir_fd, "redis.sock", 0);
    pid_t pid = fork();
    if (pid == 0)
        run_child(e, lock_fd);
    close(lock_fd);
    if (pid < 0) {
        log_error("store", "can't start redis-server: %s", strerror(errno));
        return ABENG_EIO;
    }
    e->adopted = false;
    __atomic_store_n(&e->pid, (int)pid, __ATOMIC_RELEASE);
    return ABENG_OK;
}

/* Connect to the socket and ask the kernel who listens; 0 when nobody does. */
static int socket_pid(const struct store_embed *e)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct ucred who = { 0 };
    socklen_t len = sizeof(who);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", e->address + strlen("unix:"));
    bool ok = fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
              getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0;
    if (fd >= 0)
        close(fd);
    return ok ? (int)who.pid : 0;
}

static bool child_ended(struct store_embed *e)
{
    int status, pid = e->pid;

    if (e->adopted)
        return kill(pid, 0) != 0 && errno == ESRCH;
    if (waitpid(pid, &status, WNOHANG) != pid)
        return false;
    if (!__atomic_load_n(&e->stopping, __ATOMIC_ACQUIRE)) {
        log_error("store", "redis-server ended (%s %d); its log is %s/redis.log",
                  WIFSIGNALED(status) ? "signal" : "exit status",
                  WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), e->dir);
    }
    return true;
}

/* Start a child when the lock is free, else adopt who holds it. */
static int start_or_adopt(struct store_embed *e)
{
    uint64_t until = clock_mono_ns() + SOCKET_MS * NS_PER_MS;

    while (clock_mono_ns() < until) {
        int lock_fd = lock_file(e->dir_fd, "lock", O_CLOEXEC);
        if (lock_fd >= 0)
            return spawn(e, lock_fd);
        if (errno != EWOULDBLOCK) {
            log_error("store", "%s/lock: %s", e->dir, strerror(errno));
            return ABENG_EIO;
        }
        int pid = socket_pid(e);
        if (pid) {
            e->adopted = true;
            __atomic_store_n(&e->pid, pid, __ATOMIC_RELEASE);
            log_notice("store", "took over the running redis-server, process %d", pid);
            return ABENG_OK;
        }
        usleep(WATCH_MS * 1000);
    }
    log_error("store", "a redis-server holds %s/lock and does not answer", e->dir);
    return ABENG_ETIME;
}

static int wait_socket(struct store_embed *e)
{
    uint64_t until = clock_mono_ns() + SOCKET_MS * NS_PER_MS;

    while (!socket_pid(e)) {
        if (child_ended(e)) {
            __atomic_store_n(&e->pid, 0, __ATOMIC_RELEASE);
            return ABENG_ERR;
        }
        if (clock_mono_ns() > until) {
            log_error("store", "redis-server does not open %s/redis.sock", e->dir);
            return ABENG_ETIME;
        }
        usleep(5 * 1000);
    }
    return ABENG_OK;
}

static void *watch(void *arg)
{
    struct store_embed *e = arg;

    while (!__atomic_load_n(&e->stopping, __ATOMIC_ACQUIRE)) {
        usleep(WATCH_MS * 1000);
        if (e->pid && !child_ended(e))
            continue;
        __atomic_store_n(&e->pid, 0, __ATOMIC_RELEASE);
        if (__atomic_load_n(&e->stopping, __ATOMIC_ACQUIRE))
            break;
        usleep(RESPAWN_MS * 1000);
        start_or_adopt(e);
    }
    return NULL;
}

/* A socket's path has room for 107 bytes; a longer one goes through our open folder. */
static char *make_address(const struct store_embed *e)
{
    struct sockaddr_un addr;

    if (strlen(e->dir) + sizeof("/redis.sock") <= sizeof(addr.sun_path))
        return xasprintf("unix:%s/redis.sock", e->dir);
    return xasprintf("unix:/proc/self/fd/%d/redis.sock", e->dir_fd);
}

static int open_folder(struct store_embed *e)
{
    if (file_make_dirs(e->dir, 0700) == ABENG_OK)
        e->dir_fd = open(e->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (e->dir_fd < 0) {
        log_error("store", "%s: %s", e->dir, strerror(errno));
        return ABENG_EIO;
    }
    e->owner_fd = lock_file(e->dir_fd, "owner", O_CLOEXEC);
    if (e->owner_fd >= 0)
        return ABENG_OK;
    if (errno == EWOULDBLOCK)
        log_error("store",
                  "%s belongs to a running abeng-collector; end it or use another --data-dir",
                  e->dir);
    else
        log_error("store", "%s/owner: %s", e->dir, strerror(errno));
    return ABENG_EEXIST;
}

static void release(struct store_embed *e)
{
    if (e->owner_fd >= 0)
        close(e->owner_fd);
    if (e->dir_fd >= 0)
        close(e->dir_fd);
    free(e->address);
    free(e->program);
    free(e->dir);
    free(e);
}

struct store_embed *store_embed_start(const struct store_embed_conf *conf)
{
    struct store_embed *e = xcalloc(1, sizeof(*e));
    uint64_t half = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;

    e->dir_fd = e->owner_fd = -1;
    e->dir = xstrdup(conf->dir);
    e->program = xstrdup(conf->program ? conf->program : "redis-server");
    e->memory_max = conf->memory_max ? conf->memory_max : half;
    if (e->memory_max < MEMORY_MIN)
        e->memory_max = MEMORY_MIN;
    if (open_folder(e) != ABENG_OK)
        goto fail;
    e->address = make_address(e);
    if (write_config(e) != ABENG_OK) {
        log_error("store", "%s/redis.conf: %s", e->dir, strerror(errno));
        goto fail;
    }
    if (start_or_adopt(e) != ABENG_OK || wait_socket(e) != ABENG_OK)
        goto fail;
    if (pthread_create(&e->watcher, NULL, watch, e) == 0)
        return e;
    if (!e->adopted)
        kill(e->pid, SIGTERM);
fail:
    release(e);
    return NULL;
}

const char *store_embed_address(const struct store_embed *e)
{
    return e->address;
}

int store_embed_pid(const struct store_embed *e)
{
    return __atomic_load_n(&e->pid, __ATOMIC_ACQUIRE);
}

void store_embed_stop(struct store_embed *e)
{
    if (!e)
        return;
    __atomic_store_n(&e->stopping, 1, __ATOMIC_RELEASE);
    pthread_join(e->watcher, NULL);
    uint64_t until = clock_mono_ns() + STOP_MS * NS_PER_MS;
    if (e->pid)
        kill(e->pid, SIGTERM);
    while (e->pid && !child_ended(e)) {
        if (clock_mono_ns() > until) {
            log_warn("store", "redis-server does not end; killing it");
            kill(e->pid, SIGKILL);
            until += STOP_MS * NS_PER_MS;
        }
        usleep(10 * 1000);
    }
    release(e);
}
