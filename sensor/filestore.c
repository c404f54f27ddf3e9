/* SPDX-License-Identifier: Apache-2.0 */
/* The writer's end of stored files. */
#include "config.h"
#include "sensor/filestore.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "sensor/alert/alert.h"
#include "sensor/alert/ring.h"
#include "sensor/app/digest.h"
#include "sensor/monitor/channel.h"

/* Files of one turn: alerts come in between. */
#define RUN_MAX 8

enum filestore_counter { FILES_STORED, FILES_KNOWN, FILES_FAILED };

const struct counter_def filestore_counters[] = {
    [FILES_STORED] = { "filestore.stored", "files written" },
    [FILES_KNOWN] = { "filestore.known", "files that were there already" },
    [FILES_FAILED] = { "filestore.failed", "files that could not be written" },
    { NULL, NULL },
};

struct filestore {
    struct alert_ring *const *rings;
    unsigned count;
    filestore_ask *ask;
    void *arg;
    struct counter_block *counters;
    bool failing; /* said */
};

struct filestore *filestore_create(struct alert_ring *const *rings, unsigned count,
                                   filestore_ask *ask, void *arg, struct counter_block *counters)
{
    struct filestore *s = xcalloc(1, sizeof(*s));
    *s = (struct filestore){ rings, count, ask, arg, counters, false };
    return s;
}

static int ask_for(struct filestore *s, const char *name, enum channel_file what, int *fd)
{
    struct channel_message m = { .verb = CHANNEL_FILE, .arg = what };
    *fd = -1;
    snprintf(m.name, sizeof(m.name), "%s", name);
    return s->ask(s->arg, &m, fd);
}

static enum filestore_counter store(struct filestore *s, const void *bytes, uint32_t len)
{
    uint8_t sum[32];
    char name[2 * sizeof(sum) + 1];
    int fd, none;
    app_sha256(bytes, len, sum);
    app_hex(sum, sizeof(sum), name);
    if (ask_for(s, name, CHANNEL_FILE_BEGIN, &fd) < 0)
        return FILES_FAILED;
    if (fd < 0)
        return FILES_KNOWN;
    int err = file_write_all(fd, bytes, len);
    close(fd);
    if (err == ABENG_OK)
        err = ask_for(s, name, CHANNEL_FILE_FINISH, &none);
    return err == ABENG_OK ? FILES_STORED : FILES_FAILED;
}

unsigned filestore_run(struct filestore *s)
{
    unsigned done = 0;
    for (unsigned i = 0; i < s->count; i++) {
        const struct alert_record *r;
        const void *bytes;
        while (done < RUN_MAX && (r = alert_ring_peek(s->rings[i], &bytes))) {
            enum filestore_counter what = store(s, bytes, r->extra_len);
            alert_ring_take(s->rings[i]);
            counter_add(s->counters, what, 1);
            if (what == FILES_FAILED && !s->failing)
                log_warn("filestore", "a file can't be written; such are counted as failed");
            s->failing = what == FILES_FAILED;
            done++;
        }
    }
    return done;
}

void filestore_free(struct filestore *s)
{
    free(s);
}
