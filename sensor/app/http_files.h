/* SPDX-License-Identifier: Apache-2.0 */
/** HTTP bodies as files, and the files of a form. */
#ifndef SENSOR_APP_HTTP_FILES_H
#define SENSOR_APP_HTTP_FILES_H

#include "sensor/app/files.h"

struct http_body;
struct http_tx;

/** What of a request's body is a file. */
enum http_form_kind { HTTP_FORM_NONE, HTTP_FORM_WHOLE, HTTP_FORM_PARTS };

/** A form's parts (http_files.c). */
struct http_form {
    struct app_bytes boundary; /* with its two dashes */
    struct app_files files;
    struct app_file *file; /* of the part at hand, NULL: it is none */
    uint32_t at;           /* bytes of the body that are done with */
    uint8_t kind;          /* enum http_form_kind */
    bool in_part, fresh;   /* fresh: nothing of the part has been taken */
    bool over;
};

/** A request's headers are there: what of its body will be a file. Responses: all. */
void http_files_open(struct app_io *io, struct http_tx *t);

/** More of a body is there: cut a form into its files. */
void http_files_advance(struct app_io *io, struct http_tx *t);

/** The request is over. */
void http_files_end(struct http_tx *t);

/** Free what this holds. */
void http_files_free(struct app_ctx *ctx, struct http_tx *t);

/** The buffers that files have. */
bool http_files_buffer(struct app_ctx *ctx, struct http_tx *t, unsigned dir, enum sig_buffer buffer,
                       uint32_t index, struct app_view *out);

/** What rules ask of a whole body; APP_INDEX_BEYOND: with its brotli undone. */
bool http_reading_view(struct app_ctx *ctx, struct http_tx *t, unsigned dir, enum sig_buffer buffer,
                       uint32_t index, struct app_view *out);

/** As app_parser.file, for HTTP/1. */
bool http_file(struct app_ctx *ctx, struct app_tx *tx, unsigned dir, uint32_t index,
               struct app_file_view *out);

/** SIG_BUF_FILE_SIZE of a body; false without one. */
bool http_size_view(struct http_body *b, bool done, struct app_view *out);

/** A digest of a body that is whole, as a file (SIG_BUF_FILE_MD5 and its like). */
bool http_sum_view(struct app_ctx *ctx, struct http_body *b, bool done, enum sig_buffer buffer,
                   struct app_view *out);

/** The body as a file without name; false without one. */
bool http_body_file(struct app_ctx *ctx, struct http_body *b, bool done, struct app_file_view *out);

#endif
