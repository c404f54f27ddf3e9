/* SPDX-License-Identifier: Apache-2.0 */
/* Writing, then deleting, incidents that ended long ago; and reading them back. */
#include "config.h"
#include "collector/triage/retire.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "collector/store/keys.h"
#include "collector/store/store.h"
#include "collector/triage/model.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/state.h"
#include "common/xalloc.h"

#define DAY_MS 86400000ull

/** Longest line, entries of a timeline, signals of one incident. */
#define LINE_MAX_   (16u << 20)
#define TRAIL_MAX   10000
#define SIGNALS_MAX 4096

/** Keys of abeng_retire before those of the signals. */
#define KEYS_FIXED 8

struct pass {
    const struct retire_conf *conf;
    struct store_conn *c;
    struct model *m;
    unsigned state;
    uint64_t now_ms;
};

/* ---- writing --------------------------------------------------------------------------------- */

static int write_timeline(const struct pass *p, uint64_t number, struct json *out)
{
    struct store_key key =
        store_key(state_at(p->state)->code, "ev:%llu", (unsigned long long)number);
    struct store_reply *r;
    int err = store_command(p->c, &r, "XRANGE %s - + COUNT %d", key.text, TRAIL_MAX);
    json_open_array(out, "timeline");
    for (size_t i = 0; i < store_reply_count(r); i++) {
        const struct store_reply *f = store_reply_at(store_reply_at(r, i), 1);
        json_open(out, NULL);
        json_time_ms(out, "at", (uint64_t)store_reply_int(store_reply_field(f, "at")));
        json_str(out, "who", store_reply_text(store_reply_field(f, "who"), NULL));
        json_str(out, "verb", store_reply_text(store_reply_field(f, "verb"), NULL));
        json_str(out, "text", store_reply_text(store_reply_field(f, "text"), NULL));
        json_close(out);
    }
    json_close_array(out);
    store_reply_free(r);
    return err;
}

static int write_line(const struct pass *p, uint64_t number, const char *id, struct buf *line)
{
    struct json out;
    buf_clear(line);
    json_begin(&out, line);
    json_open(&out, NULL);
    int err = model_write_row(p->m, 1u << p->state, id, true, &out);
    if (!err)
        err = write_timeline(p, number, &out);
    json_time_ms(&out, "retired_at", p->now_ms);
    json_close(&out);
    buf_byte(line, '\n');
    return err ? err : line->bad ? ABENG_ELIMIT : 0;
}

/* Append and have it on the disk. */
static int keep(const struct pass *p, uint64_t ended_ms, const struct buf *line)
{
    char month[16];
    struct tm tm;
    time_t seconds = (time_t)(ended_ms / 1000);
    gmtime_r(&seconds, &tm);
    strftime(month, sizeof month, "%Y-%m", &tm);
    char *dir = xasprintf("%s/%s", p->conf->dir, state_at(p->state)->code);
    char *path = xasprintf("%s/%s.ndjson", dir, month);
    int err = file_make_dirs(dir, 0700);
    int fd = err ? -1 : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line->data, line->len) != (ssize_t)line->len || fsync(fd)) {
        log_error("triage", "%s: can't be written: %s", path, strerror(errno));
        err = ABENG_EIO;
    }
    if (fd >= 0)
        close(fd);
    free(dir);
    free(path);
    return err;
}

/* ---- deleting -------------------------------------------------------------------------------- */

static int forget(const struct pass *p, uint64_t number, const char *id, uint64_t version)
{
    static const char *const fixed[KEYS_FIXED - 2] = {
        "incs", "sigs", "tmr", "aud", "chg", "nums"
    };
    const char *state = state_at(p->state)->code;
    uint64_t *signals = xcalloc(SIGNALS_MAX, sizeof *signals);
    int found = model_signals(p->m, 1u << p->state, id, signals, SIGNALS_MAX);
    size_t count = found < 0 ? 0 : (size_t)found;
    struct store_key *keys = xcalloc(KEYS_FIXED + 2 * count, sizeof *keys);
    struct store_arg *names = xcalloc(KEYS_FIXED + 2 * count, sizeof *names);
    struct store_arg *args = xcalloc(3 + count, sizeof *args);
    char(*numbers)[24] = xcalloc(3 + count, sizeof *numbers);
    keys[0] = store_key(state, "inc:%llu", (unsigned long long)number);
    keys[1] = store_key(state, "ev:%llu", (unsigned long long)number);
    for (size_t i = 0; i < KEYS_FIXED - 2; i++)
        keys[2 + i] = store_key(state, "%s", fixed[i]);
    snprintf(numbers[0], sizeof *numbers, "%llu", (unsigned long long)number);
    snprintf(numbers[1], sizeof *numbers, "%llu", (unsigned long long)version);
    snprintf(numbers[2], sizeof *numbers, "%llu", (unsigned long long)p->now_ms);
    for (size_t i = 0; i < count; i++) {
        unsigned long long n = signals[i];
        keys[KEYS_FIXED + 2 * i] = store_key(state, "sig:%llu", n);
        keys[KEYS_FIXED + 2 * i + 1] = store_key(state, "smp:%llu", n);
        snprintf(numbers[3 + i], sizeof *numbers, "%llu", n);
    }
    for (size_t i = 0; i < KEYS_FIXED + 2 * count; i++)
        names[i] = STORE_KEY(keys[i]);
    for (size_t i = 0; i < 3 + count; i++)
        args[i] = STORE_TEXT(numbers[i]);
    struct store_reply *r;
    int err = store_call(p->c, "abeng_retire", names, KEYS_FIXED + 2 * count, args, 3 + count, &r);
    store_reply_free(r);
    free(signals);
    free(keys);
    free(names);
    free(args);
    free(numbers);
    return err;
}

static bool retire_one(const struct pass *p, uint64_t number, struct buf *line)
{
    char id[MODEL_ID_MAX];
    struct head h;
    snprintf(id, sizeof id, "%s-%llu", state_at(p->state)->code, (unsigned long long)number);
    if (model_head(p->m, 1u << p->state, id, &h) || write_line(p, number, id, line) ||
        keep(p, h.ended_ms ? h.ended_ms : p->now_ms, line))
        return false;
    int err = forget(p, number, id, h.version);
    if (err && err != ABENG_EAGAIN)
        log_warn("triage", "%s was not retired: it changed just now", id);
    return !err;
}

unsigned retire_ended(const struct retire_conf *conf, struct store *store, struct model *m,
                      uint64_t now_ms)
{
    uint64_t days = conf->days ? conf->days : RETIRE_DAYS, numbers[RETIRE_MAX];
    unsigned done = 0;
    struct buf line;
    if (!conf->dir || now_ms < days * DAY_MS)
        return 0;
    buf_init(&line, LINE_MAX_);
    for (unsigned s = 0; s < STATE_COUNT; s++) {
        struct pass p = { conf, store_conn(store, state_at(s)->code), m, s, now_ms };
        size_t n = model_ended(m, s, now_ms - days * DAY_MS, numbers, RETIRE_MAX);
        for (size_t i = 0; i < n; i++)
            done += retire_one(&p, numbers[i], &line);
    }
    buf_free(&line);
    if (done)
        log_notice("triage", "%u incidents that ended more than %llu days ago went to %s", done,
                   (unsigned long long)days, conf->dir);
    return done;
}

/* ---- reading back ---------------------------------------------------------------------------- */

static int is_month(const struct dirent *e)
{
    const char *dot = strrchr(e->d_name, '.');
    return dot && !strcmp(dot, ".ndjson") && *e->d_name != '.';
}

static bool read_lines(FILE *file, retire_each_fn *each, void *arg)
{
    char *line = NULL;
    size_t room = 0;
    bool more = true;
    for (ssize_t n; more && (n = getline(&line, &room, file)) > 0;)
        if (line[n - 1] == '\n') /* one that a power cut left half is written again */
            more = each(arg, line, (size_t)n - 1);
    free(line);
    return more;
}

int retire_each(const char *dir, const char *state, retire_each_fn *each, void *arg)
{
    struct dirent **months;
    bool more = true;
    int err = 0;
    char *folder = xasprintf("%s/%s", dir, state);
    int count = scandir(folder, &months, is_month, alphasort);
    if (count < 0) {
        err = errno == ENOENT ? 0 : ABENG_EIO;
        free(folder);
        return err;
    }
    for (int i = 0; i < count; i++) {
        char *path = xasprintf("%s/%s", folder, months[i]->d_name);
        FILE *file = more && !err ? fopen(path, "re") : NULL;
        if (file) {
            more = read_lines(file, each, arg);
            err = ferror(file) ? ABENG_EIO : 0;
            fclose(file);
        } else if (more && !err) {
            err = ABENG_EIO;
        }
        free(path);
        free(months[i]);
    }
    free(months);
    free(folder);
    return err;
}
