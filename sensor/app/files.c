/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a transaction. */
#include "config.h"
#include "sensor/app/files.h"

#include "sensor/app/filetype.h"
#include "signatures/filetype.h"

/** Suricata's limits for files outside HTTP. */
static const struct app_window file_window = { 100000, 32768, 4096 };

struct app_file *app_file_open(struct app_ctx *ctx, struct app_files *files, const void *name,
                               uint32_t len)
{
    if (files->count >= APP_FILES_MAX) {
        app_count(ctx, APP_COUNT_BODY_LIMIT);
        return NULL;
    }
    struct app_file *file = slab_try_zalloc(ctx->slab, sizeof(*file));
    if (!file || !app_bytes_add(ctx->slab, &file->name, name, len)) {
        app_count(ctx, APP_COUNT_NO_MEMORY);
        slab_free(ctx->slab, file, sizeof(*file));
        return NULL;
    }
    if (files->last)
        files->last->next = file;
    else
        files->first = file;
    files->last = file;
    files->count++;
    return file;
}

/* Its bytes go beyond what is kept. */
static void outgrow(struct app_ctx *ctx, struct app_file *file, const void *bytes, uint32_t len)
{
    if (!file->limited) {
        app_count(ctx, APP_COUNT_BODY_LIMIT);
        if (file->size == file->data.len)
            app_sums_begin(ctx, &file->sums, &file->data);
    }
    file->limited = true;
    app_sums_add(file->sums, bytes, len);
}

void app_file_add(struct app_ctx *ctx, struct app_file *file, const void *bytes, uint32_t len)
{
    uint32_t room = file_window.limit - file->data.len;
    if (len > room || file->limited)
        outgrow(ctx, file, bytes, len);
    file->size += len;
    if (len > room)
        len = room;
    if (len > 0 && !app_bytes_add(ctx->slab, &file->data, bytes, len))
        app_count(ctx, APP_COUNT_NO_MEMORY);
}

bool app_file_type(struct app_ctx *ctx, const struct app_bytes *data, bool done,
                   struct app_bytes *type, struct app_view *out)
{
    char name[SIG_FILETYPE_MAX];
    if (type->len == 0) {
        if (data->len == 0 || (data->len < APP_FILETYPE_LEAST && !done))
            return false;
        uint32_t len = app_filetype(data->data, data->len, name, sizeof(name));
        if (!app_bytes_add(ctx->slab, type, name, len)) {
            app_count(ctx, APP_COUNT_NO_MEMORY);
            return false;
        }
    }
    return app_view_set(out, type->data, type->len);
}

/* Sizes and digests are known when a file ends, its data may have been seen long before. */
static bool looks_at_end(enum sig_buffer buffer)
{
    return buffer == SIG_BUF_FILE_SIZE || app_sums_kind(buffer) != APP_DIGEST_KINDS;
}

static bool is_whole(const struct app_file *file)
{
    return file->done && !file->truncated && !file->gaps;
}

/* All of its bytes, or NULL. */
static const struct app_bytes *kept_whole(const struct app_file *file)
{
    return file->data.len == file->size ? &file->data : NULL;
}

static void view_of(const struct app_bytes *b, struct app_view *out)
{
    *out = (struct app_view){ b->data, b->len, 0, true };
}

void app_file_sums_get(struct app_ctx *ctx, struct app_sums **sums, const struct app_bytes *kept,
                       struct app_file_view *out)
{
    uint8_t have = *sums ? (*sums)->have | (*sums)->runs : 0;
    if (have >> APP_DIGEST_MD5 & 1)
        (void)app_sums_view(ctx, sums, kept, APP_DIGEST_MD5, &out->md5);
    if (have >> APP_DIGEST_SHA1 & 1)
        (void)app_sums_view(ctx, sums, kept, APP_DIGEST_SHA1, &out->sha1);
    (void)app_sums_view(ctx, sums, kept, APP_DIGEST_SHA256, &out->sha256);
}

bool app_files_get(struct app_ctx *ctx, const struct app_files *files, uint32_t index,
                   struct app_file_view *out)
{
    struct app_file *file = files->first;
    while (file && index-- > 0)
        file = file->next;
    if (!file)
        return false;
    *out = (struct app_file_view){ .size = file->size,
                                   .closed = file->done,
                                   .truncated = file->truncated || file->gaps,
                                   .gaps = file->gaps };
    view_of(&file->name, &out->name);
    view_of(&file->data, &out->data);
    view_of(&file->type, &out->type);
    if (is_whole(file))
        app_file_sums_get(ctx, &file->sums, kept_whole(file), out);
    return true;
}

bool app_files_buffer(struct app_ctx *ctx, struct app_files *files, enum sig_buffer buffer,
                      uint32_t index, struct app_view *out)
{
    uint32_t offset;
    struct app_file *file = files->first;
    bool late = looks_at_end(buffer);
    while (file && ((late ? file->over : file->seen) || index-- > 0))
        file = file->next;
    if (!file)
        return false;
    if (app_sums_kind(buffer) != APP_DIGEST_KINDS)
        return is_whole(file) &&
               app_sums_view(ctx, &file->sums, kept_whole(file), app_sums_kind(buffer), out);
    if (buffer == SIG_BUF_FILE_NAME)
        return file->name.len > 0 && app_view_set(out, file->name.data, file->name.len);
    if (buffer == SIG_BUF_FILE_SIZE) {
        file->told = (struct app_file_size){ file->size, file->truncated || file->gaps };
        app_view_set(out, &file->told, sizeof(file->told));
        out->end = file->done;
        return true;
    }
    if (buffer == SIG_BUF_FILE_MAGIC)
        return app_file_type(ctx, &file->data, file->done, &file->type, out);
    if (buffer != SIG_BUF_FILE_DATA)
        return false;
    bool done = file->done || file->limited;
    if (!app_window_next(&file_window, file->data.len, file->inspected, done, &offset))
        return false;
    *out = (struct app_view){ file->data.data + offset, file->data.len - offset, offset, done };
    return true;
}

void app_files_advance(struct app_files *files)
{
    uint32_t offset;
    for (struct app_file *file = files->first; file; file = file->next) {
        bool done = file->done || file->limited;
        if (app_window_next(&file_window, file->data.len, file->inspected, done, &offset))
            file->inspected = file->data.len;
        file->seen = done && file->inspected == file->data.len;
        file->over = file->done && file->seen;
    }
}

void app_files_free(struct app_ctx *ctx, struct app_files *files)
{
    while (files->first) {
        struct app_file *file = files->first;
        files->first = file->next;
        app_bytes_free(ctx->slab, &file->name);
        app_bytes_free(ctx->slab, &file->data);
        app_bytes_free(ctx->slab, &file->type);
        app_sums_free(ctx, file->sums);
        slab_free(ctx->slab, file, sizeof(*file));
    }
    *files = (struct app_files){ NULL, NULL, 0 };
}
