/* SPDX-License-Identifier: Apache-2.0 */
/* The cache: header with keyed hash, image, report. */
#include "config.h"
#include "sensor/monitor/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/file.h"
#include "common/log.h"
#include "sensor/monitor/channel.h"

#define MAGIC     "ABENGSET"
#define FORMAT    1
#define MAC_BYTES crypto_generichash_BYTES
#define KEY_FILE  "cache.key"
#define SUFFIX    ".set"

/* Written and read on the same machine, so in its own byte order. */
struct header {
    char magic[8];
    uint64_t format, image_len, report_len, counts[2];
    uint8_t mac[MAC_BYTES]; /* over all above (with this field zero) and all that follows */
};

static int folder_key(int dir, uint8_t key[crypto_generichash_KEYBYTES])
{
    int fd = openat(dir, KEY_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0) {
        ssize_t n = read(fd, key, crypto_generichash_KEYBYTES);
        close(fd);
        if (n == crypto_generichash_KEYBYTES)
            return ABENG_OK;
        unlinkat(dir, KEY_FILE, 0);
    }
    randombytes_buf(key, crypto_generichash_KEYBYTES);
    fd = openat(dir, KEY_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 && errno == EEXIST) /* another sensor of this host was first */
        return ABENG_EAGAIN;
    if (fd < 0)
        return ABENG_EIO;
    int err = file_write_all(fd, key, crypto_generichash_KEYBYTES);
    close(fd);
    return err;
}

static int get_key(int dir, uint8_t key[crypto_generichash_KEYBYTES])
{
    int err = folder_key(dir, key);
    return err == ABENG_EAGAIN ? folder_key(dir, key) : err;
}

static void hash(const struct header *h, const uint8_t *body, size_t len,
                 const uint8_t key[crypto_generichash_KEYBYTES], uint8_t out[MAC_BYTES])
{
    crypto_generichash_state state;
    struct header clean = *h;
    memset(clean.mac, 0, sizeof(clean.mac));
    crypto_generichash_init(&state, key, crypto_generichash_KEYBYTES, MAC_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)&clean, sizeof(clean));
    crypto_generichash_update(&state, body, len);
    crypto_generichash_final(&state, out, MAC_BYTES);
}

static int sealed_copy(const char *name, const uint8_t *bytes, size_t len)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    if (file_write_all(fd, bytes, len) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        close(fd);
        return -1;
    }
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static bool header_fits(const struct header *h, uint64_t size)
{
    uint64_t rest = size - sizeof(*h);
    return memcmp(h->magic, MAGIC, sizeof(h->magic)) == 0 && h->format == FORMAT &&
           h->image_len <= rest && h->report_len == rest - h->image_len;
}

/* From the mapped file to two sealed descriptors; what was checked is what was copied, since nobody
 * else may write here. */
static int unpack(int dir, const uint8_t *file, size_t size, int *image, int *report,
                  uint64_t counts[2])
{
    struct header h;
    uint8_t key[crypto_generichash_KEYBYTES], mac[MAC_BYTES];
    memcpy(&h, file, sizeof(h));
    if (!header_fits(&h, size) || get_key(dir, key) < 0)
        return ABENG_EFORMAT;
    hash(&h, file + sizeof(h), size - sizeof(h), key, mac);
    if (sodium_memcmp(mac, h.mac, sizeof(mac)) != 0)
        return ABENG_EAUTH;
    *image = sealed_copy("rules", file + sizeof(h), h.image_len);
    *report = sealed_copy("report", file + sizeof(h) + h.image_len, h.report_len);
    memcpy(counts, h.counts, sizeof(h.counts));
    return *image >= 0 && *report >= 0 ? ABENG_OK : ABENG_EIO;
}

static int file_name(const char *key, char *out, size_t size)
{
    int n = snprintf(out, size, "%s" SUFFIX, key);
    return channel_name_ok(key) && n > 0 && (size_t)n < size ? ABENG_OK : ABENG_EINVAL;
}

int cache_get(int dir, const char *key, int *image, int *report, uint64_t counts[2])
{
    char name[CHANNEL_NAME_MAX + 8];
    struct stat st;
    *image = *report = -1;
    if (file_name(key, name, sizeof(name)) < 0)
        return ABENG_ENOENT;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return ABENG_ENOENT;
    int err = ABENG_EFORMAT;
    if (fstat(fd, &st) == 0 && (uint64_t)st.st_size >= sizeof(struct header) &&
        (uint64_t)st.st_size <= CACHE_FILE_MAX) {
        void *file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (file != MAP_FAILED) {
            err = unpack(dir, file, (size_t)st.st_size, image, report, counts);
            munmap(file, (size_t)st.st_size);
        }
    }
    futimens(fd, NULL); /* recently used */
    close(fd);
    if (err == ABENG_OK)
        return ABENG_OK;
    log_warn("monitor", "cached rule set %s does not check (%s); making it anew", name,
             err_text(err));
    unlinkat(dir, name, 0);
    if (*image >= 0)
        close(*image);
    if (*report >= 0)
        close(*report);
    *image = *report = -1;
    return ABENG_ENOENT;
}

/* Remove the least recently used set while there are more than CACHE_SETS_MAX. */
static void trim(int dir)
{
    for (;;) {
        int folder = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *list = folder < 0 ? NULL : fdopendir(folder);
        char oldest[256] = "";
        struct timespec when = { 0 };
        unsigned n = 0;
        for (struct dirent *e; list && (e = readdir(list));) {
            const char *dot = strrchr(e->d_name, '.');
            struct stat st;
            if (!dot || strcmp(dot, SUFFIX) != 0 || fstatat(dir, e->d_name, &st, 0) < 0)
                continue;
            bool older = st.st_mtim.tv_sec < when.tv_sec ||
                         (st.st_mtim.tv_sec == when.tv_sec && st.st_mtim.tv_nsec < when.tv_nsec);
            if (n++ == 0 || older) {
                when = st.st_mtim;
                snprintf(oldest, sizeof(oldest), "%s", e->d_name);
            }
        }
        if (list)
            closedir(list);
        if (n <= CACHE_SETS_MAX || unlinkat(dir, oldest, 0) < 0)
            return;
    }
}

static const uint8_t *map_whole(int fd, size_t *len)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size < 0 || (uint64_t)st.st_size > CACHE_FILE_MAX)
        return NULL;
    *len = (size_t)st.st_size;
    if (!*len)
        return (const uint8_t *)"";
    void *p = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void unmap_whole(const uint8_t *p, size_t len)
{
    if (p && len)
        munmap((void *)(uintptr_t)p, len);
}

/* The keyed hash runs over both parts as they will stand in the file. */
static void hash_parts(struct header *h, const uint8_t *image, const uint8_t *report,
                       const uint8_t *key)
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, key, crypto_generichash_KEYBYTES, MAC_BYTES);
    crypto_generichash_update(&state, (const uint8_t *)h, sizeof(*h));
    crypto_generichash_update(&state, image, h->image_len);
    crypto_generichash_update(&state, report, h->report_len);
    crypto_generichash_final(&state, h->mac, MAC_BYTES);
}

static int write_set(int dir, const char *name, const struct header *h, const uint8_t *image,
                     const uint8_t *report)
{
    char temp[64];
    snprintf(temp, sizeof(temp), "new.%ld", (long)getpid());
    unlinkat(dir, temp, 0);
    int fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return ABENG_EIO;
    int err = file_write_all(fd, h, sizeof(*h));
    if (err == ABENG_OK)
        err = file_write_all(fd, image, h->image_len);
    if (err == ABENG_OK)
        err = file_write_all(fd, report, h->report_len);
    close(fd);
    if (err == ABENG_OK && renameat(dir, temp, dir, name) < 0)
        err = ABENG_EIO;
    if (err < 0)
        unlinkat(dir, temp, 0);
    return err;
}

void cache_put(int dir, const char *key, int image_fd, int report_fd, const uint64_t counts[2])
{
    char name[CHANNEL_NAME_MAX + 8];
    uint8_t secret[crypto_generichash_KEYBYTES];
    struct header h = {
        .magic = MAGIC, .format = FORMAT, .counts = {counts[0], counts[1]}
    };
    size_t image_len = 0, report_len = 0;
    const uint8_t *image = map_whole(image_fd, &image_len),
                  *report = map_whole(report_fd, &report_len);
    int err = ABENG_EINVAL;
    if (image && report && file_name(key, name, sizeof(name)) == 0 &&
        (err = get_key(dir, secret)) == 0) {
        h.image_len = image_len;
        h.report_len = report_len;
        hash_parts(&h, image, report, secret);
        err = write_set(dir, name, &h, image, report);
    }
    if (err < 0)
        log_warn("monitor", "cannot keep the compiled rule set: %s",
                 err == ABENG_EIO ? strerror(errno) : err_text(err));
    else
        trim(dir);
    unmap_whole(image, image_len);
    unmap_whole(report, report_len);
    sodium_memzero(secret, sizeof(secret));
}
