/* SPDX-License-Identifier: Apache-2.0 */
/* Datasets and their files. */
#include "config.h"
#include "sensor/datasets.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "sensor/detect/dataset.h"
#include "sensor/detect/detect.h"
#include "sensor/monitor/channel.h"
#include "signatures/lists.h"

/* Bytes of one file, to read and to write. */
#define FILE_BYTES_MAX ((size_t)2 << 30)

struct asking {
    datasets_ask *ask;
    void *arg;
};

static int ask_for(const struct asking *a, const char *name, enum channel_dataset what, int *fd)
{
    struct channel_message m = { .verb = CHANNEL_DATASET, .arg = what };
    *fd = -1;
    snprintf(m.name, sizeof(m.name), "%s", name);
    return a->ask(a->arg, &m, fd);
}

static void fill(struct dataset *d, const char *name, const struct buf *file)
{
    struct text rest = { (const char *)file->data, file->len }, line;
    struct buf key;
    unsigned bad = 0;
    buf_init(&key, DATASET_VALUE_MAX);
    while (text_cut(&rest, '\n', &line)) {
        if (!line.len || line.at[0] == '#')
            continue;
        buf_clear(&key);
        bool ok = lists_key_read(line, (enum list_kind)dataset_kind(d), &key) && !key.bad;
        bad += !ok || dataset_add(d, key.data, (uint32_t)key.len) == DATASET_FULL;
    }
    buf_free(&key);
    if (bad)
        log_warn("datasets", "%s: %u lines of dataset %s can't be read, or have no room", name, bad,
                 dataset_name(d));
}

void datasets_load(const struct detect_ruleset *set, datasets_ask *ask, void *arg)
{
    const struct asking a = { ask, arg };
    for (uint32_t i = 0; i < detect_ruleset_datasets(set); i++) {
        const char *name;
        bool has_state;
        struct dataset *d = detect_ruleset_dataset(set, i, &name, &has_state);
        int fd;
        if (!d || !*name || !dataset_first(d))
            continue;
        if (!has_state || ask_for(&a, name, CHANNEL_DATASET_READ, &fd) < 0 || fd < 0)
            continue; /* it has none yet */
        struct buf file;
        buf_init(&file, FILE_BYTES_MAX);
        if (file_read_fd(fd, &file) == 0)
            fill(d, name, &file);
        else
            log_warn("datasets", "%s can't be read; dataset %s begins empty", name,
                     dataset_name(d));
        buf_free(&file);
        close(fd);
        (void)dataset_changed(d); /* what was just read need not be written */
    }
}

struct writing {
    struct buf text;
    enum list_kind kind;
};

static void write_value(void *arg, const void *value, uint32_t len)
{
    struct writing *w = arg;
    lists_key_write(value, len, w->kind, &w->text);
}

static bool save(const struct asking *a, const struct dataset *d, const char *name)
{
    struct writing w = { .kind = (enum list_kind)dataset_kind(d) };
    int fd, again;
    if (ask_for(a, name, CHANNEL_DATASET_WRITE, &fd) < 0 || fd < 0)
        return false;
    buf_init(&w.text, FILE_BYTES_MAX);
    dataset_each(d, write_value, &w);
    bool ok = !w.text.bad && file_write_all(fd, w.text.data, w.text.len) == 0 && fsync(fd) == 0;
    buf_free(&w.text);
    close(fd);
    return ok && ask_for(a, name, CHANNEL_DATASET_REPLACE, &again) == ABENG_OK;
}

void datasets_save(const struct detect_ruleset *set, datasets_ask *ask, void *arg)
{
    const struct asking a = { ask, arg };
    for (uint32_t i = 0; i < detect_ruleset_datasets(set); i++) {
        const char *name;
        bool has_state;
        struct dataset *d = detect_ruleset_dataset(set, i, &name, &has_state);
        if (d && *name && dataset_changed(d) && !save(&a, d, name))
            log_warn("datasets", "dataset %s is not saved in %s", dataset_name(d), name);
    }
}
