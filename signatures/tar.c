/* SPDX-License-Identifier: Apache-2.0 */
/* ustar, as little of it as bundles need. */
#include "config.h"
#include "signatures/tar.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"

#define BLOCK 512

/* Where the fields stand. */
enum {
    AT_MODE = 100,
    AT_UID = 108,
    AT_GID = 116,
    AT_SIZE = 124,
    AT_MTIME = 136,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    AT_PREFIX = 345,
};

bool tar_name_ok(const char *name)
{
    size_t len = strlen(name), part = 0;
    if (!len || len > TAR_NAME_MAX)
        return false;
    for (size_t i = 0; i <= len; i++) {
        char c = name[i];
        if (c == '/' || c == 0) {
            if (part == 0 || (part == 1 && name[i - 1] == '.') ||
                (part == 2 && name[i - 1] == '.' && name[i - 2] == '.'))
                return false;
            part = 0;
        } else {
            if (!isalnum((unsigned char)c) && c != '.' && c != '_' && c != '-')
                return false;
            part++;
        }
    }
    return true;
}

/* Sum of all bytes, the checksum's own field counted as blanks. */
static unsigned checksum(const uint8_t *h)
{
    unsigned sum = 0;
    for (int i = 0; i < BLOCK; i++)
        sum += i >= AT_SUM && i < AT_SUM + 8 ? ' ' : h[i];
    return sum;
}

int tar_add(struct buf *out, const char *name, const void *bytes, size_t len)
{
    static const uint8_t zeros[BLOCK];
    uint8_t h[BLOCK] = { 0 };
    if (!tar_name_ok(name) || len > TAR_SIZE_MAX)
        return ABENG_EINVAL;
    memcpy(h, name, strlen(name));
    memcpy(h + AT_MODE, "0000644", 7);
    memcpy(h + AT_UID, "0000000", 7);
    memcpy(h + AT_GID, "0000000", 7);
    snprintf((char *)h + AT_SIZE, 12, "%011o", (unsigned)len);
    memcpy(h + AT_MTIME, "00000000000", 11);
    h[AT_TYPE] = '0';
    memcpy(h + AT_MAGIC,
           "ustar\0"
           "00",
           8);
    snprintf((char *)h + AT_SUM, 8, "%06o", checksum(h));
    h[AT_SUM + 7] = ' ';
    buf_add(out, h, sizeof(h));
    buf_add(out, bytes, len);
    buf_add(out, zeros, (BLOCK - len % BLOCK) % BLOCK);
    return out->bad ? ABENG_ELIMIT : 0;
}

int tar_end(struct buf *out)
{
    static const uint8_t zeros[2 * BLOCK];
    buf_add(out, zeros, sizeof(zeros));
    return out->bad ? ABENG_ELIMIT : 0;
}

/* An octal field, ended by NUL or blank. */
static bool octal(const uint8_t *p, size_t len, uint64_t *out)
{
    uint64_t v = 0;
    size_t i = 0;
    for (; i < len && p[i] >= '0' && p[i] <= '7'; i++)
        v = v << 3 | (unsigned)(p[i] - '0');
    *out = v;
    return i > 0 && (i == len || p[i] == 0 || p[i] == ' ');
}

static bool all_zero(const uint8_t *p)
{
    for (int i = 0; i < BLOCK; i++) {
        if (p[i])
            return false;
    }
    return true;
}

int tar_next(struct cursor *c, char *name, const uint8_t **bytes, size_t *len)
{
    uint64_t sum, size;
    const uint8_t *h = cursor_take(c, BLOCK);
    if (!h)
        return ABENG_EFORMAT;
    if (all_zero(h))
        return 0;
    if (memcmp(h + AT_MAGIC, "ustar", 5) != 0 || !octal(h + AT_SUM, 8, &sum) ||
        sum != checksum(h) || !octal(h + AT_SIZE, 12, &size) || size > TAR_SIZE_MAX ||
        (h[AT_TYPE] != '0' && h[AT_TYPE] != 0) || h[AT_PREFIX] || !memchr(h, 0, AT_MODE))
        return ABENG_EFORMAT;
    memcpy(name, h, TAR_NAME_MAX + 1);
    if (!tar_name_ok(name))
        return ABENG_EFORMAT;
    *bytes = cursor_take(c, (size_t)size);
    cursor_skip(c, (BLOCK - size % BLOCK) % BLOCK);
    *len = (size_t)size;
    return c->bad ? ABENG_EFORMAT : 1;
}
