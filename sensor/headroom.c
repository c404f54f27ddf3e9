/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for a load, before it begins. */
#include "config.h"
#include "sensor/headroom.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KIB 1024u
#define MIB (1u << 20)

/*
 * Measured with ET Open in parts (3,000 to 34,020 rules of some 600 bytes) and with 20,000 rules of
 * 67 and 130 bytes: the loader's peak is 4.5 to 6.8 KiB a rule and at most 10.6 times the text; the
 * image 0.5 to 1.3 KiB a rule, and compiled regexes 1 KiB each beside it. Of bundles a rule takes
 * some 60 bytes.
 */
#define LOADER_BASE  (8u * MIB)
#define LOADER_RULE  (8u * KIB)
#define LOADER_TEXT  12u
#define SET_BASE     (2u * MIB)
#define SET_RULE     (2560u)
#define PACKED_RULE  50u
#define PACKED_TIMES 12u

#define PATH_BYTES   512
#define BLOCK_BYTES  65536

struct headroom_need headroom_need(const struct headroom_sources *s)
{
    uint64_t text = s->text + s->packed * PACKED_TIMES;
    uint64_t rules = s->lines + s->packed / PACKED_RULE;
    uint64_t loader = rules * LOADER_RULE;
    if (loader < text * LOADER_TEXT)
        loader = text * LOADER_TEXT;
    return (struct headroom_need){ LOADER_BASE + loader, SET_BASE + rules * SET_RULE };
}

static uint64_t lines_of(int fd)
{
    char block[BLOCK_BYTES];
    uint64_t lines = 0;
    off_t at = 0;
    for (ssize_t n; (n = pread(fd, block, sizeof(block), at)) > 0; at += n) {
        for (ssize_t i = 0; i < n; i++)
            lines += block[i] == '\n';
    }
    return lines;
}

void headroom_weigh(struct headroom_sources *s, int fd, bool packed)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return;
    if (packed) {
        s->packed += (uint64_t)st.st_size;
        return;
    }
    s->text += (uint64_t)st.st_size;
    s->lines += lines_of(fd);
}

static FILE *open_below(const char *root, const char *dir, const char *name)
{
    char path[PATH_BYTES];
    int n = snprintf(path, sizeof(path), "%s%s%s", root, dir, name);
    return n > 0 && n < (int)sizeof(path) ? fopen(path, "re") : NULL;
}

static bool available(const char *root, uint64_t *out)
{
    char line[128];
    uint64_t kib;
    bool found = false;
    FILE *f = open_below(root, "/proc/meminfo", "");
    while (f && !found && fgets(line, sizeof(line), f))
        found = sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1;
    if (f)
        fclose(f);
    if (found)
        *out = kib * KIB;
    return found;
}

/* "max" is no number: no limit. */
static bool number_of(const char *root, const char *dir, const char *name, uint64_t *out)
{
    FILE *f = open_below(root, dir, name);
    bool found = f && fscanf(f, "%" SCNu64, out) == 1;
    if (f)
        fclose(f);
    return found;
}

/* The folder of our control group: of the unified hierarchy, or of version 1's for memory. */
static bool group_folder(const char *root, char out[PATH_BYTES], bool *unified)
{
    char line[PATH_BYTES - 64];
    bool found = false;
    FILE *f = open_below(root, "/proc/self/cgroup", "");
    while (f && !found && fgets(line, sizeof(line), f)) {
        line[strcspn(line, "\n")] = 0;
        const char *path = strchr(line, '/');
        *unified = strncmp(line, "0::", 3) == 0;
        found = path && path[1] && (*unified || strstr(line, ":memory:"));
        if (found)
            snprintf(out, PATH_BYTES, "/sys/fs/cgroup%s%s", *unified ? "" : "/memory", path);
    }
    if (f)
        fclose(f);
    return found;
}

/* Cached pages of files count as used, and are given back when asked for. */
static uint64_t reclaimable(const char *root, const char *dir, bool unified)
{
    char line[128];
    const char *key = unified ? "inactive_file " : "total_inactive_file ";
    uint64_t bytes = 0;
    bool found = false;
    FILE *f = open_below(root, dir, "/memory.stat");
    while (f && !found && fgets(line, sizeof(line), f))
        found = strncmp(line, key, strlen(key)) == 0 &&
                sscanf(line + strlen(key), "%" SCNu64, &bytes) == 1;
    if (f)
        fclose(f);
    return found ? bytes : 0;
}

static void limit_by_group(const char *root, uint64_t *bytes)
{
    char dir[PATH_BYTES];
    uint64_t most, now;
    bool unified;
    if (!group_folder(root, dir, &unified) ||
        !number_of(root, dir, unified ? "/memory.max" : "/memory.limit_in_bytes", &most) ||
        !number_of(root, dir, unified ? "/memory.current" : "/memory.usage_in_bytes", &now))
        return;
    uint64_t cached = reclaimable(root, dir, unified);
    now -= cached < now ? cached : now;
    uint64_t left = most > now ? most - now : 0;
    if (left < *bytes)
        *bytes = left;
}

bool headroom_free(const char *root, uint64_t *out)
{
    if (!available(root, out))
        return false;
    limit_by_group(root, out);
    return true;
}
