/* SPDX-License-Identifier: Apache-2.0 */
/* Names and side files of the archive. */
#include "config.h"
#include "collector/archive/list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/archive/filter.h"
#include "collector/archive/marks.h"
#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/json.h"
#include "common/xalloc.h"

/* Lanes of a file of 64 MiB whose every block were of another epoch fit. */
#define ABOUT_MAX (256u << 20)

char *list_path(const char *dir, const char *state, const struct list_file *f, const char *ending)
{
    return xasprintf("%s/%s/%s.%06u%s", dir, state, f->day, f->serial, ending);
}

static bool parse_name(const char *name, struct list_file *f)
{
    int end = 0;

    memset(f, 0, sizeof(*f));
    if (sscanf(name, "%10[0-9-].%6u%n", f->day, &f->serial, &end) != 2)
        return false;
    return strlen(f->day) == LIST_DAY_TEXT - 1 && strcmp(name + end, LIST_DATA) == 0;
}

static int by_serial(const void *a, const void *b)
{
    const struct list_file *x = a, *y = b;
    return x->serial < y->serial ? -1 : x->serial > y->serial;
}

int list_files(const char *dir, const char *state, struct list_file **out, size_t *count)
{
    char *folder = xasprintf("%s/%s", dir, state);
    DIR *d = opendir(folder);
    struct dirent *e;
    struct list_file f;
    size_t cap = 0;

    *out = NULL;
    *count = 0;
    free(folder);
    if (!d)
        return errno == ENOENT ? ABENG_OK : ABENG_EIO;
    while ((e = readdir(d))) {
        if (!parse_name(e->d_name, &f))
            continue;
        char *about = list_path(dir, state, &f, LIST_ABOUT);
        f.closed = access(about, F_OK) == 0;
        free(about);
        if (*count == cap)
            *out = xreallocarray(*out, cap = cap ? cap * 2 : 64, sizeof(**out));
        (*out)[(*count)++] = f;
    }
    closedir(d);
    if (*count)
        qsort(*out, *count, sizeof(**out), by_serial);
    return ABENG_OK;
}

static uint64_t number(const json_t *o, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(o, name));
    return n > 0 ? (uint64_t)n : 0;
}

int list_read_about(const char *path, struct list_about *out, struct marks *lanes)
{
    struct buf b;

    memset(out, 0, sizeof(*out));
    buf_init(&b, ABOUT_MAX);
    int err = file_read(path, &b);
    json_t *o = err ? NULL : json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
    const char *hash = json_string_value(json_object_get(o, "blake2b"));
    if (!err && (!hash || strlen(hash) != sizeof(out->blake2b) - 1))
        err = ABENG_EFORMAT;
    if (!err) {
        memcpy(out->blake2b, hash, sizeof(out->blake2b));
        out->bytes = number(o, "bytes");
        out->records = number(o, "records");
        out->from_ms = number(o, "from_ms");
        out->to_ms = number(o, "to_ms");
        if (lanes)
            err = marks_read(lanes, json_object_get(o, "lanes"));
    }
    json_decref(o);
    buf_free(&b);
    return err;
}

int list_write_about(const char *path, const char *state, const char *day,
                     const struct list_about *about, const struct marks *lanes)
{
    struct buf b;
    struct json j;

    buf_init(&b, ABOUT_MAX);
    json_begin(&j, &b);
    json_open(&j, NULL);
    json_u64(&j, "version", 1);
    json_str(&j, "state", state);
    json_str(&j, "day", day);
    json_u64(&j, "bytes", about->bytes);
    json_u64(&j, "records", about->records);
    json_u64(&j, "from_ms", about->from_ms);
    json_u64(&j, "to_ms", about->to_ms);
    json_str(&j, "blake2b", about->blake2b);
    marks_write(lanes, &j);
    json_close(&j);
    buf_byte(&b, '\n');
    int err = b.bad ? ABENG_EIO : file_replace(path, b.data, b.len, 0600);
    buf_free(&b);
    return err;
}

int list_read_filter(const char *path, struct filter *out)
{
    struct buf b;

    buf_init(&b, FILTER_BYTES);
    int err = file_read(path, &b);
    if (!err && b.len != FILTER_BYTES)
        err = ABENG_EFORMAT;
    if (!err)
        memcpy(out->words, b.data, FILTER_BYTES);
    buf_free(&b);
    return err == ABENG_ELIMIT ? ABENG_EFORMAT : err;
}

int list_map(const char *path, struct list_map *out)
{
    struct stat st;
    int err = ABENG_EIO, fd = open(path, O_RDONLY | O_CLOEXEC);

    *out = (struct list_map){ NULL, 0 };
    if (fd < 0)
        return ABENG_EIO;
    if (fstat(fd, &st) != 0) {
        err = ABENG_EIO;
    } else if (st.st_size == 0) {
        err = ABENG_OK;
    } else {
        void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (at != MAP_FAILED) {
            *out = (struct list_map){ at, (size_t)st.st_size };
            err = ABENG_OK;
        }
    }
    close(fd);
    return err;
}

void list_unmap(struct list_map *m)
{
    if (m->len)
        munmap((void *)(uintptr_t)m->bytes, m->len);
    *m = (struct list_map){ NULL, 0 };
}
