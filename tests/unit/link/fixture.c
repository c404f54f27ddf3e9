/* SPDX-License-Identifier: Apache-2.0 */
/* A redis-server for tests. */
#include "config.h"
#include "tests/unit/link/fixture.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sodium.h>

#include "collector/store/embed.h"
#include "collector/store/store.h"
#include "common/log.h"
#include "common/xalloc.h"

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void fixture_remove(const char *dir)
{
    nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int fixture_setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    char redis[80];

    signal(SIGPIPE, SIG_IGN); /* as main() does */
    log_open("test", LOG_LEVEL_WARN);
    if (sodium_init() < 0)
        return -1;
    snprintf(f->dir, sizeof(f->dir), "/tmp/abeng-link-XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    snprintf(redis, sizeof(redis), "%s/redis", f->dir);
    f->embed = store_embed_start(&(struct store_embed_conf){ .dir = redis });
    if (!f->embed)
        return -1;
    f->store = store_open(
        &(struct store_conf){ .address = store_embed_address(f->embed), .scoped_users = true },
        5000);
    *state = f;
    return f->store ? 0 : -1;
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    store_close(f->store);
    store_embed_stop(f->embed);
    fixture_remove(f->dir);
    free(f);
    return 0;
}

void fixture_flush(const struct fixture *f)
{
    struct store_reply *r;
    store_command(store_conn(f->store, NULL), &r, "FLUSHALL");
    store_reply_free(r);
}
