/* SPDX-License-Identifier: Apache-2.0 */
/* Folders are read one level deep. */
#include "config.h"
#include "sensor/captures.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/xalloc.h"

struct captures {
    struct {
        char *path;
        bool named;
    } * files;
    unsigned count, next, failed;
};

static void add(struct captures *c, char *path, bool named)
{
    c->files = xreallocarray(c->files, c->count + 1, sizeof(*c->files));
    c->files[c->count].path = path;
    c->files[c->count++].named = named;
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static bool add_folder(struct captures *c, const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, visible, alphasort);
    for (int i = 0; i < n; i++) {
        struct stat st;
        char *file = xasprintf("%s/%s", path, entries[i]->d_name);
        if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
            add(c, file, false);
        else
            free(file);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return n >= 0;
}

struct captures *captures_list(const char *const *paths, unsigned count)
{
    struct captures *c = xcalloc(1, sizeof(*c));
    for (unsigned i = 0; i < count; i++) {
        struct stat st;
        bool ok = stat(paths[i], &st) == 0;
        if (ok && S_ISDIR(st.st_mode))
            ok = add_folder(c, paths[i]);
        else if (ok)
            add(c, xstrdup(paths[i]), true);
        if (!ok) {
            log_error("capture", "%s: %m", paths[i]);
            captures_free(c);
            return NULL;
        }
    }
    return c;
}

int captures_next(struct captures *c, const char **name, bool *named)
{
    while (c->next < c->count) {
        unsigned i = c->next++;
        int fd = open(c->files[i].path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        *name = c->files[i].path;
        *named = c->files[i].named;
        if (fd >= 0)
            return fd;
        log_error("capture", "%s: %m", c->files[i].path);
        c->failed++;
    }
    return -1;
}

unsigned captures_failed(const struct captures *c)
{
    return c->failed;
}

void captures_free(struct captures *c)
{
    if (!c)
        return;
    for (unsigned i = 0; i < c->count; i++)
        free(c->files[i].path);
    free(c->files);
    free(c);
}
