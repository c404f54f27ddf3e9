/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A file that comes in pieces at offsets (SMB, NFS), each piece over several calls. Pieces behind
 * the place that was reached wait until what is missing has come; pieces before it are left out.
 */
#ifndef SENSOR_APP_TRANSFER_H
#define SENSOR_APP_TRANSFER_H

#include "sensor/app/files.h"

/** Pieces of one file that can wait, and their bytes together. */
#define APP_TRANSFER_WAITING_MAX 64u
#define APP_TRANSFER_BYTES_MAX   (1u << 20)

struct app_transfer_piece;

struct app_transfer {
    struct app_files files; /* one at a time; another follows when it was closed */
    struct app_file *file;  /* the open one */
    uint64_t tracked;       /* bytes from the file's start that are in */
    uint64_t offset;        /* where the piece at hand began */
    uint32_t left, fill;    /* bytes of it, and padding behind it, that are still to come */
    uint32_t waiting_count, waiting_bytes;
    struct app_transfer_piece *waiting;
    bool last;  /* the piece at hand is the file's last */
    bool early; /* … begins elsewhere than where the file has come to */
    bool cut;   /* bytes are missing: what follows is left out */
};

/** What is known of a piece when it begins. */
struct app_transfer_start {
    const void *name;
    uint32_t name_len;
    uint64_t offset;
    uint32_t size;
    uint32_t fill; /* padding behind it */
    bool last;
};

/** Begin a piece and take its first bytes; returns how many of `len` were taken. */
uint32_t app_transfer_begin(struct app_ctx *ctx, struct app_transfer *t,
                            const struct app_transfer_start *start, const uint8_t *data,
                            uint32_t len);

/** Take more of the piece at hand; returns how many of `len` were taken. */
uint32_t app_transfer_add(struct app_ctx *ctx, struct app_transfer *t, const uint8_t *data,
                          uint32_t len);

/** Bytes are missing: the file ends here as far as rules are concerned. */
void app_transfer_cut(struct app_ctx *ctx, struct app_transfer *t);

/** The file is whole. */
void app_transfer_close(struct app_ctx *ctx, struct app_transfer *t);

/** Free all. */
void app_transfer_free(struct app_ctx *ctx, struct app_transfer *t);

#endif
