/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Files that a transaction carries (mail attachments, FTP data), as rules see them: file.data in
 * windows and file.name. Instances count the files that rules have not seen whole; of these only
 * the last can be unfinished.
 */
#ifndef SENSOR_APP_FILES_H
#define SENSOR_APP_FILES_H

#include "sensor/app/parser.h"
#include "sensor/app/sums.h"

/** Files of one transaction that are followed. */
#define APP_FILES_MAX 32

struct app_file {
    struct app_file *next;
    struct app_bytes name, data, type; /* type: its kind, once asked for */
    struct app_sums *sums;             /* NULL until asked for */
    struct app_file_size told;         /* as rules were told last */
    uint64_t size; /* bytes there were, kept or not */
    uint32_t inspected;
    bool done, limited, seen; /* seen: rules have had all of its data */
    bool over;                /* … and have looked at it when it was done */
    bool truncated, gaps;     /* ends before its end; bytes are missing */
};

struct app_files {
    struct app_file *first, *last;
    unsigned count;
};

/** Begin a file; NULL when memory or the number of files is at its limit. */
struct app_file *app_file_open(struct app_ctx *ctx, struct app_files *files, const void *name,
                               uint32_t len);

/** Append to it, up to the limit of inspection. */
void app_file_add(struct app_ctx *ctx, struct app_file *file, const void *bytes, uint32_t len);

/**
 * SIG_BUF_FILE_MAGIC of a file that begins with `data` (`done`: and ends there): found out once
 * and kept in `type`; false while it is too early.
 */
bool app_file_type(struct app_ctx *ctx, const struct app_bytes *data, bool done,
                   struct app_bytes *type, struct app_view *out);

/** SIG_BUF_FILE_DATA, _NAME, _SIZE, _MAGIC and the digests of instance `index`. */
bool app_files_buffer(struct app_ctx *ctx, struct app_files *files, enum sig_buffer buffer,
                      uint32_t index, struct app_view *out);

/** The digests of a whole file for EVE: those that were asked for, and SHA-256 if it is known. */
void app_file_sums_get(struct app_ctx *ctx, struct app_sums **sums, const struct app_bytes *kept,
                       struct app_file_view *out);

/** As app_parser.file, for these files. */
bool app_files_get(struct app_ctx *ctx, const struct app_files *files, uint32_t index,
                   struct app_file_view *out);

/** Rules have looked. */
void app_files_advance(struct app_files *files);

/** Free all. */
void app_files_free(struct app_ctx *ctx, struct app_files *files);

#endif
